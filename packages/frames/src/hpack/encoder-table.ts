// The dynamic table as the encoder sees it (RFC 7541 §2.3.2, §4). Objects and linear searches: inserts are rare, and
// what is written often is cached by `HeaderTemplate`.
import { staticCount } from './static-table.ts';
import { entryBytes } from './table-size.ts';

interface Entry {
  readonly name: string;
  readonly value: string;
}

export class EncoderTable {
  /** Oldest first. At most bytesMax / 32 of them: 128 for the default of 4096. */
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #bytesMax: number;
  /** Changes with every insert, eviction and resize: indexes kept from an earlier generation are stale. */
  generation = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** HPACK index of the entry, or 0. */
  fieldIndex(name: string, value: string): number {
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at];
      if (entry.value === value && entry.name === name) return this.#indexOf(at);
    }
    return 0;
  }

  /** HPACK index of the newest entry of this name, or 0. */
  nameIndex(name: string): number {
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      if (this.#entries[at].name === name) return this.#indexOf(at);
    }
    return 0;
  }

  /** RFC 7541 §4.4: evicts until the entry fits; one that is larger than the table only empties it. */
  insert(name: string, value: string): void {
    const bytes = entryBytes(name, value);
    this.#evictTo(this.#bytesMax - bytes);
    if (bytes <= this.#bytesMax) {
      this.#entries.push({ name, value });
      this.#bytes += bytes;
    }
    this.generation++;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
    this.generation++;
  }

  #evictTo(bytes: number): void {
    let count = 0;
    while (this.#bytes > bytes && count < this.#entries.length) {
      const entry = this.#entries[count++];
      this.#bytes -= entryBytes(entry.name, entry.value);
    }
    this.#entries.splice(0, count);
  }

  #indexOf(at: number): number {
    return staticCount + this.#entries.length - at;
  }
}
