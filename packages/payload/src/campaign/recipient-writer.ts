// From a recipient's spans to its record: the token, an apns-id and the id, and the payload's pieces with the recipient's
// values between them. What all records share (payload without slots, collapse id, expiration) lies in the arena once,
// and every record points at it.
//
//     | payload, collapse id, expiration: once | token | apns-id | payload, where it has slots | id | token | …
//
// Cost a recipient: 64 digits looked at and copied, 36 octets of apns-id, one look-up among the tokens; with slots a
// copy of each piece and value. No allocation but the batch's own buffers. Figures are in the README.

import {
  type ApnsIdGenerator,
  apnsIdBytes,
  deviceTokenDigitsMax,
  deviceTokenDigitsMin,
  isFault,
  parseDeviceToken,
  quote,
} from '@carillon/apns';
import { isJobIdAt, jobIdBytesMax } from '../job-checks.ts';
import { type PreparedBatch, RecordFlag, recordStride } from '../prepared-batch.ts';
import { fieldFault, jobFault, type JobFault } from '../rejection.ts';
import type { CompiledNotification } from './compile-notification.ts';
import { RecipientKey, type RecipientSpans, ValueKind } from './scan-recipient.ts';
import type { TokenSet } from './token-set.ts';

/** Pieces are copied eight octets at a time: up to seven behind them are written, and then written over. */
const wordBytes = 8;
/** What a record takes at most besides its payload. */
const recordBytesMax = deviceTokenDigitsMax + apnsIdBytes + jobIdBytesMax + wordBytes;
/** Values of a lower-case hex digit; -1 for all other octets. */
const digitValue: Int8Array = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte)),
);
/** Values of so many octets are copied here: a call of Buffer.copy costs as much. */
const ownCopyMax = 48;

/** The token was there before, at this line. */
export interface DuplicateFault extends JobFault {
  readonly duplicateOf: number;
}

/** Not a fault of the recipient: no more device tokens are remembered, so that it cannot be known whether this is a new one. */
export const tokensFull: JobFault = jobFault('local.duplicate-recipient', null, 'no more device tokens are remembered');

export class RecipientWriter {
  readonly #compiled: CompiledNotification;
  readonly #apnsIds: ApnsIdGenerator;
  readonly #tokens: TokenSet | null;
  readonly #hasSlots: boolean;
  /** The pieces, each from an octet that is a multiple of eight, with room for a last word behind. */
  readonly #pieces: DataView;
  readonly #pieceStarts: Int32Array;
  readonly #pieceLengths: Int32Array;
  readonly #slotVariables: Int32Array;
  readonly #fixedBytes: number;
  readonly #shared: Buffer;
  // The token of the recipient in hand, eight digits a number.
  readonly #words: Int32Array = new Int32Array((deviceTokenDigitsMax + 7) >> 3);
  #arena: Buffer = Buffer.alloc(0);
  #arenaView: DataView = dataViewOf(this.#arena);
  #length = 0;
  // Grow with the largest batch; a batch takes copies of the size it needs.
  #index: Int32Array = new Int32Array(256 * recordStride);
  #count = 0;

  constructor(compiled: CompiledNotification, apnsIds: ApnsIdGenerator, tokens: TokenSet | null) {
    const { pieces, slots } = compiled.payload;
    this.#compiled = compiled;
    this.#apnsIds = apnsIds;
    this.#tokens = tokens;
    this.#hasSlots = slots.length > 0;
    this.#pieceLengths = Int32Array.from(pieces, ({ length }) => length);
    this.#pieceStarts = startsOf(this.#pieceLengths);
    this.#pieces = viewOf(pieces, this.#pieceStarts);
    this.#slotVariables = Int32Array.from(slots, ({ variable }) => variable);
    this.#fixedBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.#shared = Buffer.concat([...(this.#hasSlots ? [] : pieces), compiled.collapseId, compiled.expiration]);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#length;
  }

  /** Makes room for about so many octets, and for so many records at most. */
  expect(bytes: number, records: number): void {
    if (this.#count > 0) return;
    const recordBytes = recordBytesMax + (this.#hasSlots ? this.#fixedBytes : 0);
    this.#grow(this.#shared.length + Math.ceil(Math.min(bytes + recordBytes, records * recordBytes)));
  }

  /**
   * Null when the record is in the arena; otherwise nothing has changed. The spans are positions in `bytes`. With
   * `isSettled` the recipient is remembered like one that was sent to, and there is no record.
   */
  append(
    bytes: Buffer,
    spans: RecipientSpans,
    line: number,
    lineBytes: number,
    isSettled: boolean,
  ): JobFault | DuplicateFault | null {
    if (this.#length === 0) this.#begin();
    if (!spans.has(RecipientKey.token)) {
      return jobFault(
        'local.missing-token',
        'token',
        'the recipient has no token; a device token in hex is where it is',
      );
    }
    const bodyBytes = this.#hasSlots ? this.#bodyLength(spans, bytes) : 0;
    const room = (typeof bodyBytes === 'number' ? bodyBytes : 0) + recordBytesMax;
    if (this.#arena.length - this.#length < room) this.#grow(this.#length + room);
    const arena = this.#arena;
    const tokenStart = this.#length;
    const tokenEnd = this.#writeToken(bytes, spans, tokenStart);
    if (typeof tokenEnd !== 'number') return tokenEnd;
    if (typeof bodyBytes !== 'number') return bodyBytes;

    const apnsIdEnd = this.#apnsIds.write(arena, tokenEnd);
    let idStart = tokenEnd;
    let idEnd = apnsIdEnd;
    let flags = this.#compiled.flags;
    let length = apnsIdEnd;
    if (spans.has(RecipientKey.id)) {
      const end = writeId(bytes, spans, arena, apnsIdEnd);
      if (typeof end !== 'number') return end;
      idStart = apnsIdEnd;
      idEnd = end;
      length = end;
      flags |= RecordFlag.idGiven;
    }
    const tokens = this.#tokens;
    if (tokens !== null) {
      const before = tokens.find(this.#words, tokenEnd - tokenStart);
      if (before !== 0) return isSettled ? null : duplicate(before);
      if (tokens.isFull) return tokensFull;
      tokens.add(this.#words, line);
    }
    if (isSettled) return null;

    let bodyStart = 0;
    let bodyEnd = this.#fixedBytes;
    if (this.#hasSlots) {
      bodyStart = length;
      bodyEnd = this.#writeBody(spans, bytes, length);
      length = bodyEnd;
    }
    const count = this.#count;
    if (count * recordStride === this.#index.length) this.#growIndex();
    const { collapseId, expiration } = this.#compiled;
    const collapseIdStart = this.#hasSlots ? 0 : this.#fixedBytes;
    const expirationStart = collapseIdStart + collapseId.length;
    const index = this.#index;
    const at = count * recordStride;
    index[at] = tokenStart;
    index[at + 1] = tokenEnd;
    index[at + 2] = tokenEnd;
    index[at + 3] = apnsIdEnd;
    index[at + 4] = expiration.length === 0 ? -1 : expirationStart;
    index[at + 5] = expiration.length === 0 ? -1 : expirationStart + expiration.length;
    index[at + 6] = collapseId.length === 0 ? -1 : collapseIdStart;
    index[at + 7] = collapseId.length === 0 ? -1 : expirationStart;
    index[at + 8] = bodyStart;
    index[at + 9] = bodyEnd;
    index[at + 10] = idStart;
    index[at + 11] = idEnd;
    index[at + 12] = line;
    index[at + 13] = 0;
    index[at + 14] = flags;
    index[at + 15] = lineBytes;
    this.#count = count + 1;
    this.#length = length;
    return null;
  }

  /** The records so far; the writer begins anew with an arena of its own. */
  take(): Omit<PreparedBatch, 'lines' | 'rejections'> {
    const count = this.#count;
    const taken = {
      bytes: this.#arena.subarray(0, count === 0 ? 0 : this.#length),
      index: this.#index.slice(0, count * recordStride),
      deadlines: new Float64Array(count).fill(this.#compiled.deadline),
      count,
      heads: count === 0 ? [] : [this.#compiled.head],
      // What there is to say about the notification is said once, where it is compiled.
      warnings: [],
      truncated: (this.#compiled.flags & RecordFlag.truncated) === 0 ? 0 : count,
    };
    this.#arena = Buffer.alloc(0);
    this.#length = 0;
    this.#count = 0;
    return taken;
  }

  #begin(): void {
    if (this.#arena.length < this.#shared.length) this.#grow(this.#shared.length + recordBytesMax);
    this.#shared.copy(this.#arena);
    this.#length = this.#shared.length;
  }

  /** Octets of the payload with this recipient's values, or why it has none. */
  #bodyLength(spans: RecipientSpans, bytes: Buffer): number | JobFault {
    const slotVariables = this.#slotVariables;
    const { kinds, valueStarts, valueEnds } = spans;
    let length = this.#fixedBytes;
    for (let slot = 0; slot < slotVariables.length; slot++) {
      const variable = slotVariables[slot];
      const kind = kinds[variable];
      if (kind === ValueKind.absent || kind >= ValueKind.null) return this.#valueFault(slot, spans, bytes);
      if (this.#compiled.payload.slots[slot].isNumber && kind !== ValueKind.number) {
        return this.#valueFault(slot, spans, bytes);
      }
      length += valueEnds[variable] - valueStarts[variable];
    }
    const { payloadBytesMax, head } = this.#compiled;
    if (length <= payloadBytesMax) return length;
    return jobFault(
      'local.payload-too-large',
      'payload',
      `the payload is ${length} bytes with this recipient's variables; Apple takes at most ${payloadBytesMax} of push type ${head.pushType.name}`,
    );
  }

  #valueFault(slot: number, spans: RecipientSpans, bytes: Buffer): JobFault {
    const { slots, variables } = this.#compiled.payload;
    const { variable, isNumber } = slots[slot];
    const name = variables[variable];
    const field = `variables.${name}`;
    const kind = spans.kinds[variable];
    const slotText = `{{${name}${isNumber ? ':number' : ''}}}`;
    if (kind === ValueKind.absent) {
      return jobFault(
        'local.missing-variable',
        field,
        `the recipient has no variable ${quote(name)}, and the notification has ${slotText} in it`,
      );
    }
    const right = isNumber ? 'a number' : 'a text, a number, true or false';
    const is =
      kind === ValueKind.text
        ? 'a text'
        : quote(bytes.toString('utf8', spans.valueStarts[variable], spans.valueEnds[variable]));
    return jobFault('local.wrong-type', field, `${field} is ${is}; ${right} is right for ${slotText}`);
  }

  /** Also leaves the token's digits in `#words`. */
  #writeToken(bytes: Buffer, spans: RecipientSpans, at: number): number | JobFault {
    const start = spans.starts[RecipientKey.token];
    const digits = spans.ends[RecipientKey.token] - start;
    if (digits >= deviceTokenDigitsMin && digits <= deviceTokenDigitsMax && (digits & 1) === 0) {
      if (copyDigits(bytes, start, digits, this.#arena, at, this.#words)) return at + digits;
    }
    const token = parseDeviceToken(textOf(bytes, spans, RecipientKey.token));
    if (isFault(token)) return fieldFault(token);
    const written = Buffer.from(token, 'latin1');
    copyDigits(written, 0, written.length, this.#arena, at, this.#words);
    return at + written.length;
  }

  #writeBody(spans: RecipientSpans, bytes: Buffer, start: number): number {
    const arena = this.#arena;
    const slotVariables = this.#slotVariables;
    const { valueStarts, valueEnds } = spans;
    let at = this.#writePiece(0, start);
    for (let slot = 0; slot < slotVariables.length; slot++) {
      const variable = slotVariables[slot];
      at = copyTo(arena, at, bytes, valueStarts[variable], valueEnds[variable]);
      at = this.#writePiece(slot + 1, at);
    }
    return at;
  }

  #writePiece(piece: number, at: number): number {
    const pieces = this.#pieces;
    const arena = this.#arenaView;
    const length = this.#pieceLengths[piece];
    const start = this.#pieceStarts[piece];
    for (let i = 0; i < length; i += wordBytes) {
      arena.setBigUint64(at + i, pieces.getBigUint64(start + i, true), true);
    }
    return at + length;
  }

  #grow(wanted: number): void {
    if (wanted <= this.#arena.length) return;
    // Twice the size, but not for the first: that one is the caller's expectation.
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#length));
    this.#arena.copy(larger, 0, 0, this.#length);
    this.#arena = larger;
    this.#arenaView = dataViewOf(larger);
  }

  #growIndex(): void {
    const index = new Int32Array(2 * this.#index.length);
    index.set(this.#index);
    this.#index = index;
  }
}

function startsOf(lengths: Int32Array): Int32Array {
  const starts = new Int32Array(lengths.length);
  for (let piece = 1; piece < lengths.length; piece++) {
    starts[piece] = starts[piece - 1] + Math.ceil(lengths[piece - 1] / wordBytes) * wordBytes;
  }
  return starts;
}

function viewOf(pieces: readonly Buffer[], starts: Int32Array): DataView {
  const last = pieces.length - 1;
  const bytes = Buffer.alloc(starts[last] + Math.ceil(pieces[last].length / wordBytes) * wordBytes);
  for (const [piece, octets] of pieces.entries()) octets.copy(bytes, starts[piece]);
  return dataViewOf(bytes);
}

function dataViewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** False: not all of them are lower-case hex digits. */
function copyDigits(
  bytes: Uint8Array,
  start: number,
  digits: number,
  arena: Uint8Array,
  at: number,
  words: Int32Array,
): boolean {
  const whole = digits & ~7;
  let i = 0;
  // Eight at a time: most of what this costs is the loop itself.
  for (; i < whole; i += 8) {
    const from = start + i;
    const to = at + i;
    const a = digitValue[(arena[to] = bytes[from])];
    const b = digitValue[(arena[to + 1] = bytes[from + 1])];
    const c = digitValue[(arena[to + 2] = bytes[from + 2])];
    const d = digitValue[(arena[to + 3] = bytes[from + 3])];
    const e = digitValue[(arena[to + 4] = bytes[from + 4])];
    const f = digitValue[(arena[to + 5] = bytes[from + 5])];
    const g = digitValue[(arena[to + 6] = bytes[from + 6])];
    const h = digitValue[(arena[to + 7] = bytes[from + 7])];
    if ((a | b | c | d | e | f | g | h) < 0) return false;
    words[i >> 3] = (a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h;
  }
  if (i === digits) return true;
  let rest = 0;
  for (; i < digits; i++) {
    const value = digitValue[(arena[at + i] = bytes[start + i])];
    if (value < 0) return false;
    rest = (rest << 4) | value;
  }
  words[whole >> 3] = rest;
  return true;
}

/** Returns the position after the copy. */
function copyTo(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length <= ownCopyMax) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i];
  } else {
    source.copy(target, at, start, end);
  }
  return at + length;
}

function writeId(bytes: Buffer, spans: RecipientSpans, arena: Buffer, at: number): number | JobFault {
  let source = bytes;
  let start = spans.starts[RecipientKey.id];
  let end = spans.ends[RecipientKey.id];
  if ((spans.escaped & (1 << RecipientKey.id)) !== 0) {
    source = Buffer.from(textOf(bytes, spans, RecipientKey.id));
    start = 0;
    end = source.length;
  }
  if (!isJobIdAt(source, start, end)) {
    const shown = quote(source.toString('utf8', start, end));
    return jobFault('local.bad-id', 'id', `id ${shown} is not right: 1 to ${jobIdBytesMax} of A-Z a-z 0-9 . _ : - are`);
  }
  return copyTo(arena, at, source, start, end);
}

/** A field as the text it stands for. */
export function textOf(bytes: Buffer, spans: RecipientSpans, key: number): string {
  const text = bytes.toString('utf8', spans.starts[key], spans.ends[key]);
  // Scanned, and so right between quotes.
  return (spans.escaped & (1 << key)) === 0 ? text : (JSON.parse(`"${text}"`) as string);
}

function duplicate(line: number): DuplicateFault {
  const message = `the device token was there before, at line ${line}, and is sent to once; the receipt of that line says how it went`;
  return { code: 'local.duplicate-recipient', field: 'token', path: null, message, duplicateOf: line };
}
