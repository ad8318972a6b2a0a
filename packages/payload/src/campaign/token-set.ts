// The device tokens that a campaign has sent to, and the line of each: a hash table with open addressing over numbers
// in typed arrays. A token of 64 digits is eight numbers, kept whole; or, where a campaign asks for it, four: a
// fingerprint of 128 bits.
//
//     slots:    Int32Array, a power of two    0: empty, else | bits of the hash | number of an entry, plus one |
//     entries:  pages of Int32Array           | line | token, 8 numbers of 8 digits | or | line | fingerprint, 4 |
//
// Memory: 36 bytes a token (20 as a fingerprint) and 4 to 11 bytes of slots: three of four are in use at most. Pages
// are never moved; the slots double, and for that moment there are both.
//
// A fingerprint is MurmurHash3 (x86, 128 bits) under a seed of this set's own. Device tokens are opaque and not chosen
// by senders: that two of n share one happens with a probability of n²/2^129, 2^-82 for ten million.

import { randomFillSync } from 'node:crypto';

/** Entries a page: 576 KiB of whole tokens. A small campaign takes no more than it has. */
const pageEntries = 16_384;
const firstSlots = 1024;

export interface TokenSetOptions {
  /** Whole tokens, or their fingerprints. */
  readonly keeps: 'tokens' | 'fingerprints';
  /** Tokens at most. */
  readonly tokensMax: number;
  /** About so many will come: their slots are there from the start. Default 0: they grow. */
  readonly expected?: number;
  /** Four numbers; default: random ones. */
  readonly seed?: Int32Array;
}

export class TokenSet {
  readonly #keeps: TokenSetOptions['keeps'];
  readonly #tokensMax: number;
  readonly #expected: number;
  readonly #seed: Int32Array;
  /** By digits of a token: nearly all have 64. */
  readonly #tables: Map<number, Table> = new Map();
  #usual: Table | null = null;
  readonly #hash: Int32Array = new Int32Array(4);
  #size = 0;
  /** Where `add` puts what `find` did not find. */
  #table: Table | null = null;

  constructor({ keeps, tokensMax, expected = 0, seed = randomFillSync(new Int32Array(4)) }: TokenSetOptions) {
    this.#keeps = keeps;
    this.#tokensMax = tokensMax;
    this.#expected = Math.min(expected, tokensMax);
    this.#seed = seed;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#tokensMax;
  }

  /** What it holds, the slots and entries not in use included. */
  get bytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    return bytes;
  }

  /** The line of a token, or 0. `words`: its digits, eight a number; fewer in the last one where they do not go up. */
  find(words: Int32Array, digits: number): number {
    const table = this.#tableOf(digits);
    const length = (digits + 7) >> 3;
    this.#table = table;
    if (this.#keeps === 'tokens') return table.find(words, hash32(words, length, this.#seed[0]));
    hash128(words, length, this.#seed, this.#hash);
    return table.find(this.#hash, this.#hash[0]);
  }

  /** The token that `find` has just not found. The set is not full. */
  add(words: Int32Array, line: number): void {
    if (this.#table === null) throw new Error('add() follows find()');
    this.#table.add(this.#keeps === 'tokens' ? words : this.#hash, line);
    this.#size++;
  }

  #tableOf(digits: number): Table {
    if (this.#usual !== null && this.#usual.digits === digits) return this.#usual;
    let table = this.#tables.get(digits);
    if (table === undefined) {
      table = new Table(digits, this.#keeps === 'tokens' ? (digits + 7) >> 3 : 4, this.#tokensMax, this.#seed[0]);
      this.#tables.set(digits, table);
      // The first token says how long they are; another length is the exception.
      if (this.#usual === null) table.expect(this.#expected);
    }
    this.#usual ??= table;
    return table;
  }
}

/** Tokens of one length. */
class Table {
  readonly digits: number;
  readonly #keyWords: number;
  readonly #stride: number;
  readonly #seed: number;
  /** Of a slot, so many low bits are the entry's. */
  readonly #entryBits: number;
  readonly #pages: Int32Array[] = [];
  #slots: Int32Array = new Int32Array(firstSlots);
  #count = 0;
  /** What the last search ended with: an empty slot, and the hash. */
  #emptyAt = 0;
  #hash = 0;

  constructor(digits: number, keyWords: number, entriesMax: number, seed: number) {
    this.digits = digits;
    this.#keyWords = keyWords;
    this.#stride = keyWords + 1;
    this.#entryBits = 32 - Math.clz32(entriesMax);
    this.#seed = seed;
  }

  /** Slots for so many, before there is any. */
  expect(entries: number): void {
    let length = firstSlots;
    while (entries * 4 > length * 3) length *= 2;
    this.#slots = new Int32Array(length);
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
  }

  /** The line, or 0. */
  find(key: Int32Array, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const keyWords = this.#keyWords;
    const entryBits = this.#entryBits;
    const wanted = hash >>> entryBits;
    let at = hash & mask;
    for (let slot = slots[at]; slot !== 0; slot = slots[at]) {
      // Nearly all other tokens on the way are told by their hash: their pages, far away in memory, are not looked at.
      if (slot >>> entryBits === wanted) {
        const entry = (slot & ((1 << entryBits) - 1)) - 1;
        const page = this.#pages[entry >>> 14];
        const from = (entry & (pageEntries - 1)) * this.#stride;
        let i = 0;
        while (i < keyWords && page[from + 1 + i] === key[i]) i++;
        if (i === keyWords) return page[from] >>> 0;
      }
      at = (at + 1) & mask;
    }
    this.#emptyAt = at;
    this.#hash = hash;
    return 0;
  }

  add(key: Int32Array, line: number): void {
    const entry = this.#count++;
    const inPage = entry & (pageEntries - 1);
    if (inPage === 0) this.#pages.push(new Int32Array(this.#firstPageEntries(entry) * this.#stride));
    else if (entry < pageEntries) this.#growFirstPage(inPage);
    const page = this.#pages[entry >>> 14];
    const from = inPage * this.#stride;
    page[from] = line;
    for (let i = 0; i < this.#keyWords; i++) page[from + 1 + i] = key[i];
    this.#slots[this.#emptyAt] = this.#slotOf(this.#hash, entry);
    if (this.#count * 4 > this.#slots.length * 3) this.#growSlots();
  }

  #slotOf(hash: number, entry: number): number {
    return ((hash >>> this.#entryBits) << this.#entryBits) | (entry + 1);
  }

  #firstPageEntries(entry: number): number {
    return entry === 0 ? 256 : pageEntries;
  }

  /** A list of a dozen recipients does not take half a megabyte. */
  #growFirstPage(inPage: number): void {
    const page = this.#pages[0];
    const entries = page.length / this.#stride;
    if (inPage < entries) return;
    const larger = new Int32Array(Math.min(pageEntries, 4 * entries) * this.#stride);
    larger.set(page);
    this.#pages[0] = larger;
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    const { length } = this.#pages;
    for (let number = 0; number < length; number++) {
      const page = this.#pages[number];
      const first = number * pageEntries;
      const entries = Math.min(pageEntries, this.#count - first);
      for (let inPage = 0; inPage < entries; inPage++) {
        const from = inPage * this.#stride + 1;
        // Of four words: a fingerprint, that is a hash; no token has so few digits.
        const hash = this.#keyWords === 4 ? page[from] : hash32(page, this.#keyWords, this.#seed, from);
        let at = hash & mask;
        while (slots[at] !== 0) at = (at + 1) & mask;
        slots[at] = this.#slotOf(hash, first + inPage);
      }
    }
    this.#slots = slots;
  }
}

/** Where in the table: all bits of all words count, and nobody outside knows the seed. */
function hash32(words: Int32Array, length: number, seed: number, from: number = 0): number {
  let hash = seed;
  for (let at = from; at < from + length; at++) {
    hash = Math.imul(hash ^ words[at], 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return mixed(hash);
}

/** MurmurHash3_x86_128 of `length` numbers; numbers that are missing in the last block of four count as 0. */
function hash128(words: Int32Array, length: number, seed: Int32Array, target: Int32Array): void {
  let h1 = seed[0];
  let h2 = seed[1];
  let h3 = seed[2];
  let h4 = seed[3];
  for (let at = 0; at < length; at += 4) {
    h1 ^= Math.imul(turned(Math.imul(words[at], 0x239b961b), 15), 0xab0e9789);
    h1 = (Math.imul((turned(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    const second = at + 1 < length ? words[at + 1] : 0;
    h2 ^= Math.imul(turned(Math.imul(second, 0xab0e9789), 16), 0x38b34ae5);
    h2 = (Math.imul((turned(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    const third = at + 2 < length ? words[at + 2] : 0;
    h3 ^= Math.imul(turned(Math.imul(third, 0x38b34ae5), 17), 0xa1e38b93);
    h3 = (Math.imul((turned(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    const fourth = at + 3 < length ? words[at + 3] : 0;
    h4 ^= Math.imul(turned(Math.imul(fourth, 0xa1e38b93), 18), 0x239b961b);
    h4 = (Math.imul((turned(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = mixed(h1);
  h2 = mixed(h2);
  h3 = mixed(h3);
  h4 = mixed(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  target[0] = h1;
  target[1] = (h2 + h1) | 0;
  target[2] = (h3 + h1) | 0;
  target[3] = (h4 + h1) | 0;
}

function turned(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function mixed(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
