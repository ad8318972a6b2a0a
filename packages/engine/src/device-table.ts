/**
 * One page of the ledger in memory. Bounded: when full, the entry noted longest ago goes. Looked at by the token's own
 * bytes; with nothing noted it costs a comparison, and a token of which nothing is noted a look at its digest.
 */
import type { LedgerPage } from './device-ledger.ts';

interface Entry {
  readonly token: string;
  readonly at: number;
}

/** What Node's Buffer has had since its first versions, and its types leave out. */
type SliceableBuffer = Buffer & { latin1Slice(start: number, end: number): string };

export class DeviceTable implements LedgerPage {
  readonly #entriesMax: number;
  /** By scope and token; a Map keeps the order of insertion, so the first is the oldest. */
  readonly #entries = new Map<string, Entry>();
  /** By the digest of a token: how many entries have it. Most pushes are answered by this. */
  readonly #digests = new Map<number, number>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(scope: string, token: string, at: number): void {
    const key = keyOf(scope, token);
    if (!this.#entries.delete(key)) this.#count(token, 1);
    this.#entries.set(key, { token, at });
    if (this.#entries.size <= this.#entriesMax) return;
    const oldest = this.#entries.entries().next().value;
    if (oldest !== undefined) this.#remove(oldest[0], oldest[1].token);
  }

  find(scope: string, bytes: Buffer, start: number, end: number): number | null {
    if (this.#entries.size === 0) return null;
    if (!this.#digests.has(digestOf(bytes, start, end))) return null;
    const token = (bytes as SliceableBuffer).latin1Slice(start, end);
    return this.#entries.get(keyOf(scope, token))?.at ?? null;
  }

  deleteBefore(scope: string, token: string, at: number): void {
    const key = keyOf(scope, token);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.at < at) this.#remove(key, token);
  }

  /** From the oldest on, until one that still means something: what it misses goes another time. */
  forgetUntil(at: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.at > at) return;
      this.#remove(key, entry.token);
    }
  }

  #remove(key: string, token: string): void {
    this.#entries.delete(key);
    this.#count(token, -1);
  }

  #count(token: string, change: number): void {
    const digest = digestOf(Buffer.from(token, 'latin1'), 0, token.length);
    const count = (this.#digests.get(digest) ?? 0) + change;
    if (count === 0) this.#digests.delete(digest);
    else this.#digests.set(digest, count);
  }
}

function keyOf(scope: string, token: string): string {
  return `${scope} ${token}`;
}

/** The first and the last eight digits, mixed into 30 bits: V8 keeps those as plain numbers. Tokens have 64 digits and more. */
function digestOf(bytes: Buffer, start: number, end: number): number {
  const first = bytes.readInt32LE(start) ^ Math.imul(bytes.readInt32LE(start + 4), 0x9e3779b1);
  const last = bytes.readInt32LE(end - 4) ^ Math.imul(bytes.readInt32LE(end - 8), 0x85ebca6b);
  const mixed = Math.imul(first ^ (last << 7) ^ (last >>> 25), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 15)) & 0x3fffffff;
}
