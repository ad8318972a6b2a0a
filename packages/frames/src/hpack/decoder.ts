// HPACK field blocks in, fields out (RFC 7541), one decoder a connection. Nothing is allocated a field or a block once
// warm. Bounded by the block: time is linear in its octets, memory by the table's and the list's limits, whatever the
// lengths and indexes in it promise.
import type { FieldSink } from './decoded-field.ts';
import { FieldView } from './decoded-field.ts';
import { DecoderTable } from './decoder-table.ts';
import { FieldNames } from './field-names.ts';
import { huffmanDecode } from './huffman.ts';
import { decodeInteger } from './integer.ts';
import { staticBytes, staticCount, staticEnds, staticNameEnds, staticNameIds, staticStarts } from './static-table.ts';
import { entryOverheadBytes, tableBytesDefault } from './table-size.ts';

export interface HpackDecoderOptions {
  /** Our SETTINGS_HEADER_TABLE_SIZE: 4096 unless given. */
  readonly tableBytesMax?: number;
  /** Sum of name + value + 32 over the fields of one block (RFC 9113 §6.5.2): 16384 unless given. */
  readonly headerListBytesMax?: number;
  /** Fields of one block: 64 unless given. */
  readonly fieldsMax?: number;
  /** Names to be recognised as `nameId` 100, 101, … */
  readonly knownNames?: readonly string[];
}

/**
 * `compression`: the tables of both sides no longer agree, the connection is lost (COMPRESSION_ERROR, RFC 9113 §4.3).
 * `list-too-large`: a limit of ours; the block was decoded to its end and the decoder goes on.
 */
export interface HpackFault {
  readonly kind: 'compression' | 'list-too-large';
  readonly message: string;
}

/** Position that says: the block is broken, `#problem` says how. */
const broken = -1;

export class HpackDecoder {
  readonly #table: DecoderTable;
  readonly #names: FieldNames;
  readonly #headerListBytesMax: number;
  readonly #fieldsMax: number;
  /** Our SETTINGS value: the bound of the peer's size updates. */
  #tableBytesAllowed: number;
  /** What a size update at the start of the next block must not exceed; Infinity: none is needed. */
  #updateNeeded = Infinity;

  readonly #field = new FieldView();
  readonly #integer = { value: 0, next: 0 };
  /** Huffman strings decode to here, the name before the value. Grows to twice the longest string we take. */
  #scratch: Buffer = Buffer.allocUnsafe(256);
  #problem = '';
  /** The string that was read last. */
  #stringBytes: Buffer = this.#scratch;
  #stringStart = 0;
  #stringEnd = 0;
  /** It was longer than any we take: its bounds tell the length, its octets are not there. */
  #isStringCut = false;
  /** Sums of the block being decoded. */
  #listBytes = 0;
  #fieldCount = 0;

  constructor(options: HpackDecoderOptions = {}) {
    this.#tableBytesAllowed = options.tableBytesMax ?? tableBytesDefault;
    this.#headerListBytesMax = options.headerListBytesMax ?? 16_384;
    this.#fieldsMax = options.fieldsMax ?? 64;
    // RFC 7541 §4.2: a larger table than the default exists only once the encoder has announced it.
    this.#table = new DecoderTable(Math.min(this.#tableBytesAllowed, tableBytesDefault));
    this.#names = new FieldNames(options.knownNames ?? []);
  }

  /** RFC 7541 §4.1: what the entries count. */
  get tableBytes(): number {
    return this.#table.size;
  }

  /** After our SETTINGS was acknowledged. */
  setTableBytesMax(size: number): void {
    this.#tableBytesAllowed = size;
    // RFC 9113 §4.3.1: an encoder above the new limit must open its next block with a size update.
    if (size < Math.min(this.#table.bytesMax, this.#updateNeeded)) this.#updateNeeded = size;
  }

  /** Newest first, as strings: for tests. */
  entries(): { name: string; value: string }[] {
    const { bytes, starts, nameEnds, ends, count } = this.#table;
    return Array.from({ length: count }, (_, position) => {
      const row = this.#table.rowOf(position);
      return {
        name: bytes.toString('latin1', starts[row], nameEnds[row]),
        value: bytes.toString('latin1', nameEnds[row], ends[row]),
      };
    });
  }

  /** One complete block; null when it is fine. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): HpackFault | null {
    this.#listBytes = 0;
    this.#fieldCount = 0;
    let at = start;
    // RFC 7541 §4.2: size updates stand at the beginning of a block, and nowhere else.
    while (at >= 0 && at < end && (bytes[at] & 0xe0) === 0x20) at = this.#decodeSizeUpdate(bytes, at, end);
    if (at >= 0 && this.#updateNeeded !== Infinity)
      at = this.#fail('the size update after a smaller setting is missing');
    while (at >= 0 && at < end) {
      const first = bytes[at];
      if ((first & 0x80) !== 0) at = this.#decodeIndexed(bytes, at, end, sink);
      else if ((first & 0x40) !== 0) at = this.#decodeLiteral(bytes, at, end, 6, sink);
      else if ((first & 0x20) !== 0) at = this.#fail('a size update after a field');
      else at = this.#decodeLiteral(bytes, at, end, 4, sink);
    }
    if (at === broken) return { kind: 'compression', message: this.#problem };
    return this.#isListTooLarge() ? this.#listFault() : null;
  }

  #decodeSizeUpdate(bytes: Buffer, at: number, end: number): number {
    const next = this.#readInteger(bytes, at, end, 5);
    if (next === broken) return broken;
    const size = this.#integer.value;
    if (size > this.#tableBytesAllowed) return this.#fail(`a size update to ${size}, above our limit`);
    this.#table.resize(size);
    if (size <= this.#updateNeeded) this.#updateNeeded = Infinity;
    return next;
  }

  /** RFC 7541 §6.1. */
  #decodeIndexed(bytes: Buffer, at: number, end: number, sink: FieldSink): number {
    let index = bytes[at] & 0x7f;
    let next = at + 1;
    if (index === 0x7f) {
      next = this.#readInteger(bytes, at, end, 7);
      if (next === broken) return broken;
      index = this.#integer.value;
    }
    if (!this.#loadName(index)) return broken;
    const field = this.#field;
    field.valueBytes = field.nameBytes;
    field.valueStart = field.nameEnd;
    field.isNeverIndexed = false;
    if (index <= staticCount) {
      field.staticIndex = index;
      field.valueEnd = staticEnds[index];
    } else {
      field.staticIndex = 0;
      field.valueEnd = this.#table.ends[this.#table.rowOf(index - staticCount - 1)];
    }
    this.#report(sink);
    return next;
  }

  /** RFC 7541 §6.2: the prefix is 6 bits with indexing, 4 without. */
  #decodeLiteral(bytes: Buffer, at: number, end: number, prefixBits: number, sink: FieldSink): number {
    const first = bytes[at];
    const indexMax = (1 << prefixBits) - 1;
    let index = first & indexMax;
    let next = at + 1;
    if (index === indexMax) {
      next = this.#readInteger(bytes, at, end, prefixBits);
      if (next === broken) return broken;
      index = this.#integer.value;
    }

    const field = this.#field;
    let scratchAt = 0;
    if (index !== 0) {
      if (!this.#loadName(index)) return broken;
    } else {
      next = this.#readString(bytes, next, end, 0);
      if (next === broken) return broken;
      // RFC 9113 §8.2.1 makes an empty name malformed; no encoder writes one, and floods of them cost us fields.
      if (this.#stringEnd === this.#stringStart) return this.#fail('an empty field name');
      field.nameBytes = this.#stringBytes;
      field.nameStart = this.#stringStart;
      field.nameEnd = this.#stringEnd;
      field.nameId = this.#isStringCut ? 0 : this.#names.find(this.#stringBytes, this.#stringStart, this.#stringEnd);
      if (this.#stringBytes === this.#scratch && !this.#isStringCut) scratchAt = this.#stringEnd;
    }
    next = this.#readString(bytes, next, end, scratchAt);
    if (next === broken) return broken;
    field.valueBytes = this.#stringBytes;
    field.valueStart = this.#stringStart;
    field.valueEnd = this.#stringEnd;
    field.staticIndex = 0;
    field.isNeverIndexed = prefixBits === 4 && (first & 0x10) !== 0;
    this.#report(sink);
    // After the report: an insertion may overwrite the name it refers to.
    if (prefixBits === 6) {
      this.#table.insert(
        field.nameBytes,
        field.nameStart,
        field.nameEnd,
        field.valueBytes,
        field.valueStart,
        field.valueEnd,
        field.nameId,
      );
    }
    return next;
  }

  #loadName(index: number): boolean {
    const field = this.#field;
    if (index <= staticCount) {
      if (index === 0) return this.#fail('index 0') !== broken;
      field.nameBytes = staticBytes;
      field.nameStart = staticStarts[index];
      field.nameEnd = staticNameEnds[index];
      field.nameId = staticNameIds[index];
      return true;
    }
    const table = this.#table;
    const position = index - staticCount - 1;
    if (position >= table.count)
      return this.#fail(`index ${index}, the tables hold ${staticCount + table.count}`) !== broken;
    const row = table.rowOf(position);
    field.nameBytes = table.bytes;
    field.nameStart = table.starts[row];
    field.nameEnd = table.nameEnds[row];
    field.nameId = table.nameIds[row];
    return true;
  }

  /** RFC 7541 §5.2; leaves the result in #stringBytes, #stringStart, #stringEnd. */
  #readString(bytes: Buffer, at: number, end: number, scratchAt: number): number {
    if (at >= end) return this.#fail('the block ends where a string is due');
    const isHuffman = (bytes[at] & 0x80) !== 0;
    let length = bytes[at] & 0x7f;
    let next = at + 1;
    if (length === 0x7f) {
      next = this.#readInteger(bytes, at, end, 7);
      if (next === broken) return broken;
      length = this.#integer.value;
    }
    if (length > end - next) return this.#fail('a string is longer than its block');
    if (!isHuffman) {
      this.#stringBytes = bytes;
      this.#stringStart = next;
      this.#stringEnd = next + length;
      this.#isStringCut = false;
      return next + length;
    }
    const scratchEnd = this.#makeScratch(scratchAt, length);
    const stringEnd = huffmanDecode(bytes, next, next + length, this.#scratch, scratchAt, scratchEnd);
    if (stringEnd < 0) return this.#fail('a Huffman string is broken');
    this.#stringBytes = this.#scratch;
    this.#stringStart = scratchAt;
    this.#stringEnd = stringEnd;
    this.#isStringCut = stringEnd > scratchEnd;
    return next + length;
  }

  /**
   * Room for a Huffman string at `scratchAt`, five bits a symbol at least; returns its end. Invariant: never more than
   * the longest string that a list or the table can take, so that the scratch holds two of them at most. A longer one
   * is decoded for its length only: its list is refused, and inserting it empties the table, so nobody reads its octets.
   */
  #makeScratch(scratchAt: number, huffmanLength: number): number {
    const stringBytesMax = Math.max(this.#headerListBytesMax, this.#table.bytesMax);
    const scratchEnd = scratchAt + Math.min(Math.ceil((huffmanLength * 8) / 5), stringBytesMax);
    // The name that is in the old one is kept by its view.
    if (scratchEnd > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 * scratchEnd);
    return scratchEnd;
  }

  #readInteger(bytes: Buffer, at: number, end: number, prefixBits: number): number {
    const fault = decodeInteger(bytes, at, end, prefixBits, this.#integer);
    if (fault !== null)
      return this.#fail(fault === 'overflow' ? 'an integer is too long' : 'the block ends in an integer');
    return this.#integer.next;
  }

  /** Past a limit, fields are decoded for the table's sake and no longer reported. */
  #report(sink: FieldSink): void {
    const field = this.#field;
    this.#listBytes += field.nameEnd - field.nameStart + field.valueEnd - field.valueStart + entryOverheadBytes;
    this.#fieldCount++;
    if (!this.#isListTooLarge()) sink.onField(field);
  }

  #isListTooLarge(): boolean {
    return this.#listBytes > this.#headerListBytesMax || this.#fieldCount > this.#fieldsMax;
  }

  #listFault(): HpackFault {
    const message = `a header list of ${this.#fieldCount} fields, ${this.#listBytes} octets`;
    return { kind: 'list-too-large', message };
  }

  #fail(problem: string): number {
    this.#problem = problem;
    return broken;
  }
}
