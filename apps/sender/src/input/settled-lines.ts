// Which lines of one file are settled: a bit a line. A million lines are 125 kB.

// 4,096 lines, 512 bytes: whole files fill their pages, and a few stray receipts do not cost a page of megabytes.
const pageLines = 4096;

export class SettledLines {
  readonly #pages: Map<number, Uint8Array> = new Map();
  #lastIndex = -1;
  #last: Uint8Array | null = null;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** What the bits take. */
  get bytes(): number {
    return this.#pages.size * (pageLines / 8);
  }

  /** False when it was there already. */
  add(line: number): boolean {
    const index = Math.floor(line / pageLines);
    let page = this.#page(index);
    if (page === null) {
      page = new Uint8Array(pageLines / 8);
      this.#pages.set(index, page);
      this.#lastIndex = -1;
    }
    const bit = line - index * pageLines;
    const mask = 1 << (bit & 7);
    if ((page[bit >> 3] & mask) !== 0) return false;
    page[bit >> 3] |= mask;
    this.#count += 1;
    return true;
  }

  has(line: number): boolean {
    const index = Math.floor(line / pageLines);
    const page = this.#page(index);
    if (page === null) return false;
    const bit = line - index * pageLines;
    return (page[bit >> 3] & (1 << (bit & 7))) !== 0;
  }

  /** Lines come in order: the page is nearly always the one of the line before. */
  #page(index: number): Uint8Array | null {
    if (index !== this.#lastIndex) {
      this.#last = this.#pages.get(index) ?? null;
      this.#lastIndex = index;
    }
    return this.#last;
  }
}
