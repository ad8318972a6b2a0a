/**
 * What is remembered of device tokens: those that are dead (410) and those that rest (429). Owner: the pipeline. Bounded:
 * when full, the oldest entry goes. Looked at by the token's own bytes; with nothing remembered it costs a comparison.
 */
import { RecordField } from '@carillon/payload';
import type { Arena } from './arena.ts';

interface Entry {
  readonly token: string;
  /** Dead: Apple's timestamp, EpochMs. Resting: monotonic ms until when. */
  readonly at: number;
}

export class DeviceTable {
  readonly #entriesMax: number;
  /** By scope and token; a Map keeps the order of insertion, so the first is the oldest. */
  readonly #entries = new Map<string, Entry>();
  /** Of the first eight digits of a token: how many entries begin so. Most pushes are answered by this. */
  readonly #prefixes = new Map<number, number>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `scope` keeps environments and topics apart: a token may be dead for one and alive for another. */
  set(scope: string, token: string, at: number): void {
    const key = keyOf(scope, token);
    if (!this.#entries.delete(key)) this.#count(token, 1);
    this.#entries.set(key, { token, at });
    if (this.#entries.size <= this.#entriesMax) return;
    const oldest = this.#entries.entries().next().value;
    if (oldest !== undefined) this.#remove(oldest[0], oldest[1].token);
  }

  /** The entry of the token of a record; null when there is none. */
  find(scope: string, arena: Arena, at: number): number | null {
    if (this.#entries.size === 0) return null;
    const start = arena.index[at + RecordField.tokenStart];
    if (!this.#prefixes.has(prefixOf(arena.bytes, start))) return null;
    return this.#entries.get(keyOf(scope, arena.token(at)))?.at ?? null;
  }

  /** Forgets the token if what is known of it is older than `at`. */
  deleteBefore(scope: string, token: string, at: number): void {
    const key = keyOf(scope, token);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.at < at) this.#remove(key, token);
  }

  #remove(key: string, token: string): void {
    this.#entries.delete(key);
    this.#count(token, -1);
  }

  #count(token: string, change: number): void {
    const prefix = prefixOf(Buffer.from(token.slice(0, 8), 'latin1'), 0);
    const count = (this.#prefixes.get(prefix) ?? 0) + change;
    if (count === 0) this.#prefixes.delete(prefix);
    else this.#prefixes.set(prefix, count);
  }
}

function keyOf(scope: string, token: string): string {
  return `${scope} ${token}`;
}

/** Eight digits as one number below 2^53: 4 bytes of ASCII and 4 more, of which the low 20 bits are enough. */
function prefixOf(bytes: Buffer, start: number): number {
  return bytes.readUInt32LE(start) * 0x100000 + (bytes.readUInt32LE(start + 4) & 0xfffff);
}
