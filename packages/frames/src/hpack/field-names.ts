// Names by their bytes: a number for each static name and each name the owner of the decoder wants to recognise, so
// that nobody makes a string to compare one.
import { staticNames } from './static-table.ts';

/** `nameId` of the first of the known names; the static ones have their index, 1 … 61. */
const knownNameIdFirst = 100;

export class FieldNames {
  readonly #bytes: Buffer;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #ids: Int32Array;
  /** Open addressing: row + 1 of a name, or 0. At most a quarter is taken, so that probes are short. */
  readonly #slots: Int32Array;
  readonly #slotMask: number;

  constructor(knownNames: readonly string[]) {
    // Static names first: the lowest index wins, and a known name that is static keeps its static number.
    const ids = new Map<string, number>();
    for (const [position, name] of staticNames.entries()) if (!ids.has(name)) ids.set(name, position + 1);
    for (const [position, name] of knownNames.entries()) if (!ids.has(name)) ids.set(name, knownNameIdFirst + position);

    this.#bytes = Buffer.from([...ids.keys()].join(''), 'latin1');
    this.#ids = Int32Array.from(ids.values());
    this.#starts = new Int32Array(ids.size);
    this.#ends = new Int32Array(ids.size);
    const slotCount = 2 ** Math.ceil(Math.log2(4 * ids.size));
    this.#slots = new Int32Array(slotCount);
    this.#slotMask = slotCount - 1;
    let at = 0;
    for (const [row, name] of [...ids.keys()].entries()) {
      this.#starts[row] = at;
      at += name.length;
      this.#ends[row] = at;
      let slot = hashName(this.#bytes, this.#starts[row], at) & this.#slotMask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#slotMask;
      this.#slots[slot] = row + 1;
    }
  }

  /** The number of the name bytes[start … end), or 0. */
  find(bytes: Buffer, start: number, end: number): number {
    const slots = this.#slots;
    let slot = hashName(bytes, start, end) & this.#slotMask;
    while (slots[slot] !== 0) {
      const row = slots[slot] - 1;
      if (this.#isName(row, bytes, start, end)) return this.#ids[row];
      slot = (slot + 1) & this.#slotMask;
    }
    return 0;
  }

  #isName(row: number, bytes: Buffer, start: number, end: number): boolean {
    const nameStart = this.#starts[row];
    const length = end - start;
    if (this.#ends[row] - nameStart !== length) return false;
    const names = this.#bytes;
    for (let offset = 0; offset < length; offset++) {
      if (names[nameStart + offset] !== bytes[start + offset]) return false;
    }
    return true;
  }
}

/** Length and the last four octets: what tells header names apart. A peer cannot make the table longer by collisions. */
function hashName(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let at = Math.max(start, end - 4); at < end; at++) hash = (hash * 31 + bytes[at]) | 0;
  return hash ^ (hash >>> 7);
}
