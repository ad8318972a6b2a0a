// The dynamic table as the decoder sees it (RFC 7541 §2.3.2, §4): octets in a ring, bounds in typed arrays, so that a
// peer that inserts a field with every reply makes nobody allocate.
//
// An entry lies in one piece, name then value. With a ring of twice the octets an entry may have, one piece always
// fits: either behind the newest entry, or (when the end is too near) at the start, in front of the oldest.
//
//   bytes   |    | oldest | … | newest | gap |        start … nameEnd: name, nameEnd … end: value
import { copyBytes } from './copy-bytes.ts';
import { entryOverheadBytes, tableBytesDefault } from './table-size.ts';

export class DecoderTable {
  bytes: Buffer = Buffer.alloc(0);
  /** Bounds by row; `rowOf` says which row. */
  starts: Int32Array = new Int32Array(0);
  nameEnds: Int32Array = new Int32Array(0);
  ends: Int32Array = new Int32Array(0);
  nameIds: Int32Array = new Int32Array(0);
  /** Entries held. */
  count = 0;
  #newestRow = 0;
  #rowMask = 0;
  /** RFC 7541 §4.1: octets of names and values, and 32 an entry. Invariant: ≤ #bytesMax. */
  #size = 0;
  #bytesMax: number;
  /** Table size that the arrays have room for: grows up to #bytesMax when entries need it, never by a promise alone. */
  #roomBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#size;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Position 0 is the newest entry: HPACK index 62. */
  rowOf(position: number): number {
    return (this.#newestRow - position) & this.#rowMask;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  /** The name may lie in this table, even in the entry that this insertion evicts (RFC 7541 §4.4); the value never. */
  insert(
    nameBytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueBytes: Buffer,
    valueStart: number,
    valueEnd: number,
    nameId: number,
  ): void {
    const length = nameEnd - nameStart + valueEnd - valueStart;
    const size = length + entryOverheadBytes;
    this.#evictTo(this.#bytesMax - size);
    if (size > this.#bytesMax) return;
    if (this.#size + size > this.#roomBytes) this.#grow(this.#size + size);

    let at = this.count === 0 ? 0 : this.ends[this.#newestRow];
    if (this.bytes.length - at < length) at = 0;
    const row = (this.#newestRow + 1) & this.#rowMask;
    this.starts[row] = at;
    if (nameBytes === this.bytes) {
      // Source and target may overlap.
      nameBytes.copyWithin(at, nameStart, nameEnd);
      at += nameEnd - nameStart;
    } else {
      at = copyBytes(nameBytes, nameStart, nameEnd, this.bytes, at);
    }
    this.nameEnds[row] = at;
    this.ends[row] = copyBytes(valueBytes, valueStart, valueEnd, this.bytes, at);
    this.nameIds[row] = nameId;
    this.#newestRow = row;
    this.count++;
    this.#size += size;
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.count > 0) {
      const oldest = this.rowOf(this.count - 1);
      this.#size -= this.ends[oldest] - this.starts[oldest] + entryOverheadBytes;
      this.count--;
    }
  }

  /** Moves everything into larger arrays, oldest first. */
  #grow(sizeNeeded: number): void {
    const roomBytes = Math.min(this.#bytesMax, Math.max(sizeNeeded, 2 * this.#roomBytes, tableBytesDefault));
    const bytes = Buffer.alloc(2 * roomBytes);
    // A power of two, for the mask; an entry counts at least its 32 octets.
    const rows = 2 ** Math.ceil(Math.log2(roomBytes / entryOverheadBytes + 1));
    const starts = new Int32Array(rows);
    const nameEnds = new Int32Array(rows);
    const ends = new Int32Array(rows);
    const nameIds = new Int32Array(rows);
    let at = 0;
    for (let next = 0; next < this.count; next++) {
      const row = this.rowOf(this.count - 1 - next);
      starts[next] = at;
      nameEnds[next] = at + this.nameEnds[row] - this.starts[row];
      this.bytes.copy(bytes, at, this.starts[row], this.ends[row]);
      at += this.ends[row] - this.starts[row];
      ends[next] = at;
      nameIds[next] = this.nameIds[row];
    }
    this.bytes = bytes;
    this.starts = starts;
    this.nameEnds = nameEnds;
    this.ends = ends;
    this.nameIds = nameIds;
    this.#rowMask = rows - 1;
    this.#newestRow = (this.count - 1) & this.#rowMask;
    this.#roomBytes = roomBytes;
  }
}
