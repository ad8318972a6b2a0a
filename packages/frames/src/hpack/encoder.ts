// Header lists in, HPACK field blocks out (RFC 7541), one encoder a connection. `encode` looks every field up; what is
// sent again and again goes through a `HeaderTemplate`.
import { WordView } from './copy-words.ts';
import { EncoderTable } from './encoder-table.ts';
import type { HeaderField, Indexing } from './header-field.ts';
import { huffmanBytes, huffmanEncode } from './huffman.ts';
import { encodeInteger, integerBytesMax } from './integer.ts';
import { staticFieldIndex, staticNameIndex } from './static-table.ts';
import { entryBytes, tableBytesDefault } from './table-size.ts';

/** RFC 7541 §4.2: at most two size updates open a block. */
export const sizeUpdatesBytesMax: number = 2 * integerBytesMax;

export interface HpackEncoderOptions {
  /** The largest dynamic table we are willing to keep, whatever the peer allows: 4096 unless given. */
  readonly tableBytesMax?: number;
  /** `shorter` unless given: Huffman where it saves an octet. */
  readonly huffman?: 'never' | 'shorter';
}

export class HpackEncoder {
  /** For `HeaderTemplate`. */
  readonly table: EncoderTable;
  /** For `HeaderTemplate`: the batch and the slab that its templates are copying between. Keeps one of each alive. */
  readonly sourceView: WordView = new WordView();
  readonly targetView: WordView = new WordView();
  readonly #tableBytesWilling: number;
  readonly #isHuffmanAllowed: boolean;
  /** The smallest size since the last block, which the next one must announce (RFC 7541 §4.2); Infinity: none. */
  #smallestUpdate = Infinity;

  constructor(options: HpackEncoderOptions = {}) {
    this.#tableBytesWilling = options.tableBytesMax ?? tableBytesDefault;
    this.#isHuffmanAllowed = options.huffman !== 'never';
    this.table = new EncoderTable(tableBytesDefault);
    this.setPeerTableBytes(tableBytesDefault);
  }

  /** Changes with every insert, eviction or resize: cached indexes are stale. */
  get generation(): number {
    return this.table.generation;
  }

  get tableBytes(): number {
    return this.table.bytes;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. Evicts at once; the next block tells the peer's decoder. */
  setPeerTableBytes(size: number): void {
    const bytesMax = Math.min(size, this.#tableBytesWilling);
    if (bytesMax === this.table.bytesMax) return;
    this.#smallestUpdate = Math.min(this.#smallestUpdate, bytesMax);
    this.table.resize(bytesMax);
  }

  /** One block. The caller guarantees room: `fieldsBytesMax(fields)` octets always suffice. Returns the position after. */
  encode(fields: readonly HeaderField[], target: Buffer, at: number): number {
    let next = this.encodeSizeUpdates(target, at);
    for (const field of fields) {
      next = this.encodeField(field.name, field.value, field.indexing ?? 'incremental', target, next);
    }
    if (next > target.length) throw new RangeError('the field block does not fit in its target');
    return next;
  }

  /** Opens a block: RFC 7541 §4.2, the smallest size since the last block and the one now in force. */
  encodeSizeUpdates(target: Buffer, at: number): number {
    if (this.#smallestUpdate === Infinity) return at;
    const bytesMax = this.table.bytesMax;
    let next = at;
    if (this.#smallestUpdate < bytesMax) next = encodeInteger(target, next, 5, 0x20, this.#smallestUpdate);
    this.#smallestUpdate = Infinity;
    return encodeInteger(target, next, 5, 0x20, bytesMax);
  }

  /** One field of a block, in the shortest form that its indexing allows. */
  encodeField(name: string, value: string, indexing: Indexing, target: Buffer, at: number): number {
    const index = staticFieldIndex(name, value) || (indexing === 'never' ? 0 : this.table.fieldIndex(name, value));
    if (index !== 0) return encodeInteger(target, at, 7, 0x80, index);
    // An entry larger than the table would only empty it (RFC 7541 §4.4).
    const isTooLarge = indexing === 'incremental' && entryBytes(name, value) > this.table.bytesMax;
    const kind = isTooLarge ? 'without' : indexing;
    const next = this.encodeLiteralName(name, kind, target, at);
    if (kind === 'incremental') this.table.insert(name, value);
    return this.encodeString(value, target, next);
  }

  /** What comes before the value of a literal (RFC 7541 §6.2): its kind, and its name as an index or a string. */
  encodeLiteralName(name: string, indexing: Indexing, target: Buffer, at: number): number {
    const index = staticNameIndex(name) || this.table.nameIndex(name);
    let next: number;
    if (indexing === 'incremental') next = encodeInteger(target, at, 6, 0x40, index);
    else next = encodeInteger(target, at, 4, indexing === 'never' ? 0x10 : 0, index);
    return index === 0 ? this.encodeString(name, target, next) : next;
  }

  /** RFC 7541 §5.2. */
  encodeString(text: string, target: Buffer, at: number): number {
    assertLatin1(text);
    if (this.#isHuffmanAllowed) {
      const length = huffmanBytes(text);
      if (length < text.length) {
        return huffmanEncode(text, target, encodeInteger(target, at, 7, 0x80, length));
      }
    }
    const textAt = encodeInteger(target, at, 7, 0, text.length);
    target.write(text, textAt, 'latin1');
    return textAt + text.length;
  }
}

/** Octets that `encode` takes at most for these fields. */
export function fieldsBytesMax(fields: readonly HeaderField[]): number {
  let bytes = sizeUpdatesBytesMax;
  for (const field of fields) bytes += fieldBytesMax(field.name, field.value);
  return bytes;
}

/** A literal with a new name is the longest form: three integers and the raw octets. */
export function fieldBytesMax(name: string, value: string): number {
  return 3 * integerBytesMax + name.length + value.length;
}

/** Fields come from allow-lists: another character here is a bug of ours, and would be sent as a different one. */
function assertLatin1(text: string): void {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0xff) throw new RangeError('a header field has a character outside latin1');
  }
}
