/**
 * The bytes of a batch of pushes, with the typed index that says where each field is, and a count of the pushes that
 * still need them. Invariant (design: 4): an arena is let go exactly when its last push settles.
 */
import { RecordField, RecordFlag, warningSetOf } from '@carillon/payload';
import type { Warning, WarningSet } from '@carillon/payload';
import type { ApnsId } from '@carillon/apns';

export class Arena {
  readonly bytes: Buffer;
  readonly index: Int32Array;
  /** Pushes not settled. */
  pushes = 0;
  readonly #warnings: readonly WarningSet[];
  readonly #onEmpty: (arena: Arena) => void;

  constructor(bytes: Buffer, index: Int32Array, warnings: readonly WarningSet[], onEmpty: (arena: Arena) => void) {
    this.bytes = bytes;
    this.index = index;
    this.#warnings = warnings;
    this.#onEmpty = onEmpty;
  }

  release(): void {
    if (--this.pushes === 0) this.#onEmpty(this);
  }

  /** Of a broadcast: the channel. */
  token(at: number): string {
    return this.#text(at + RecordField.tokenStart);
  }

  apnsId(at: number): ApnsId {
    return this.#text(at + RecordField.apnsIdStart) as ApnsId; // checked or made when the record was prepared
  }

  id(at: number): string | null {
    const start = this.index[at + RecordField.idStart];
    return start < 0 ? null : textOf(this.bytes, start, this.index[at + RecordField.idEnd]);
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

  #text(field: number): string {
    return textOf(this.bytes, this.index[field], this.index[field + 1]);
  }
}

/** What Node's Buffer has had since its first versions, and its types leave out. */
type SliceableBuffer = Buffer & { latin1Slice(start: number, end: number): string };

/** ASCII octets as a string. `toString('latin1')` does the same and takes 40 ns longer, three times a push. */
function textOf(bytes: Buffer, start: number, end: number): string {
  return (bytes as SliceableBuffer).latin1Slice(start, end);
}
