/**
 * The bytes of a batch of pushes, with the typed index that says where each field is, and a count of the pushes that
 * still need them. Invariant (design: 4): an arena is let go exactly when its last push settles.
 */
import { flagsWithSet, RecordField, RecordFlag, recordStride, warningSetOf } from '@carillon/payload';
import type { Warning, WarningSet } from '@carillon/payload';
import type { ApnsId } from '@carillon/apns';
import type { Source } from './source.ts';

/** Where the fields that are a start and an end begin. */
const spans = [
  RecordField.tokenStart,
  RecordField.apnsIdStart,
  RecordField.idStart,
  RecordField.expirationStart,
  RecordField.collapseIdStart,
  RecordField.bodyStart,
] as const;

/** An object, a path and a sentence: 220 octets when they were made here, 360 from another thread (measured, Node 24). */
const warningBytes = 400;

export class Arena {
  readonly bytes: Buffer;
  readonly index: Int32Array;
  /** Of every push in it; null: they have several. */
  source: Source | null = null;
  /** Its bytes are counted with what is on probation. */
  isOnProbation = false;
  /** Pushes not settled. */
  pushes = 0;
  readonly #warnings: readonly WarningSet[];
  // Token, apns-id and id of the record looked at last, as one string of which they are parts: to make a string out of bytes
  // costs some 80 ns, to take a part of one 10.
  #named = '';
  #namedAt = -1;
  #namedFrom = 0;
  readonly #onEmpty: (arena: Arena) => void;

  constructor(bytes: Buffer, index: Int32Array, warnings: readonly WarningSet[], onEmpty: (arena: Arena) => void) {
    this.bytes = bytes;
    this.index = index;
    this.#warnings = warnings;
    this.#onEmpty = onEmpty;
  }

  /** What it takes: its bytes, and the warnings of its pushes. */
  get heldBytes(): number {
    let warnings = 0;
    for (const set of this.#warnings) warnings += set.warnings.length;
    return this.bytes.length + warnings * warningBytes;
  }

  /** It has one record, and never had more. */
  get isOfOne(): boolean {
    return this.index.length <= recordStride;
  }

  /** The record at `at` in an arena of its own, at 0: one that waits long must not hold the bytes of a whole batch. */
  copyOf(at: number, source: Source): Arena {
    const from = this.index.subarray(at, at + recordStride);
    const index = Int32Array.from(from);
    let size = 0;
    for (const field of spans) size += Math.max(0, from[field + 1] - from[field]);
    const bytes = Buffer.allocUnsafeSlow(size);
    let end = 0;
    for (const field of spans) {
      if (from[field] < 0) continue;
      index[field] = end;
      end += this.bytes.copy(bytes, end, from[field], from[field + 1]);
      index[field + 1] = end;
    }
    const set = warningSetOf(index[RecordField.flags]);
    const warnings = set < 0 ? [] : [this.#warnings[set]];
    index[RecordField.flags] = flagsWithSet(index[RecordField.flags], warnings.length - 1);
    const own = new Arena(bytes, index, warnings, this.#onEmpty);
    own.source = source;
    return own;
  }

  release(): void {
    if (--this.pushes === 0) this.#onEmpty(this);
  }

  /** Of a broadcast: the channel. */
  token(at: number): string {
    return this.#part(at, RecordField.tokenStart);
  }

  apnsId(at: number): ApnsId {
    return this.#part(at, RecordField.apnsIdStart) as ApnsId; // checked or made when the record was prepared
  }

  id(at: number): string | null {
    return this.index[at + RecordField.idStart] < 0 ? null : this.#part(at, RecordField.idStart);
  }

  line(at: number): number {
    return this.index[at + RecordField.line];
  }

  /** What the job says of an ambiguous end; null: what the engine says. */
  onAmbiguous(at: number): 'report' | 'resend' | null {
    const flags = this.index[at + RecordField.flags];
    if ((flags & RecordFlag.reportAmbiguous) !== 0) return 'report';
    return (flags & RecordFlag.resendAmbiguous) === 0 ? null : 'resend';
  }

  /** The text of its alert was shortened to fit. */
  isTruncated(at: number): boolean {
    return (this.index[at + RecordField.flags] & RecordFlag.truncated) !== 0;
  }

  /** What was said about the push when it was prepared; null for nearly all. */
  warnings(at: number): readonly Warning[] | null {
    const set = warningSetOf(this.index[at + RecordField.flags]);
    return set < 0 ? null : this.#warnings[set].warnings;
  }

  #part(at: number, field: number): string {
    const { index } = this;
    if (at !== this.#namedAt) this.#name(at);
    const start = index[at + field] - this.#namedFrom;
    return this.#named.slice(start, index[at + field + 1] - this.#namedFrom);
  }

  #name(at: number): void {
    const { index } = this;
    const tokenStart = index[at + RecordField.tokenStart];
    const idStart = index[at + RecordField.idStart];
    // Next to one another in our own records; a preparer of the embedder's may have them elsewhere.
    const start = Math.min(tokenStart, index[at + RecordField.apnsIdStart], idStart < 0 ? tokenStart : idStart);
    const { tokenEnd, apnsIdEnd, idEnd } = RecordField;
    const end = Math.max(index[at + tokenEnd], index[at + apnsIdEnd], index[at + idEnd]);
    this.#named = textOf(this.bytes, start, end);
    this.#namedAt = at;
    this.#namedFrom = start;
  }
}

/** What Node's Buffer has had since its first versions, and its types leave out. */
type SliceableBuffer = Buffer & { latin1Slice(start: number, end: number): string };

/** ASCII octets as a string. `toString('latin1')` does the same and takes 40 ns longer. */
function textOf(bytes: Buffer, start: number, end: number): string {
  return (bytes as SliceableBuffer).latin1Slice(start, end);
}
