// Which of some known names a key is: one look-up and one comparison, whatever the number of names. The names are known
// when the program starts, so the table is made without collisions then.

import { equalAt } from '../byte-classes.ts';

const slotBits = 7;
/** Of tries, each of which works for two dozen names about once in seven. */
const multipliersMax = 10_000;

/** Differs for nearly all keys that differ. */
export function signatureOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  return (length << 24) ^ (bytes[start] << 16) ^ (bytes[start + (length >> 1)] << 8) ^ bytes[end - 1];
}

export class KeyTable {
  readonly #names: readonly Buffer[];
  readonly #slots: Int8Array;
  readonly #multiplier: number;

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name));
    const signatures = this.#names.map((name) => signatureOf(name, 0, name.length));
    this.#multiplier = multiplierFor(signatures);
    this.#slots = new Int8Array(1 << slotBits).fill(-1);
    for (const [key, signature] of signatures.entries()) this.#slots[slotOf(signature, this.#multiplier)] = key;
  }

  /** The place of the key among the names, or -1. `signature` is that of the bytes. */
  find(signature: number, bytes: Uint8Array, start: number, end: number): number {
    const key = this.#slots[slotOf(signature, this.#multiplier)];
    return key >= 0 && equalAt(bytes, start, end, this.#names[key]) ? key : -1;
  }
}

function slotOf(signature: number, multiplier: number): number {
  return Math.imul(signature, multiplier) >>> (32 - slotBits);
}

function multiplierFor(signatures: readonly number[]): number {
  for (let tries = 1; tries <= multipliersMax; tries++) {
    // The golden ratio of 2^32 (Knuth, multiplicative hashing), and odd numbers from there.
    const multiplier = Math.imul(tries, 0x9e3779b1) | 1;
    if (new Set(signatures.map((signature) => slotOf(signature, multiplier))).size === signatures.length) {
      return multiplier;
    }
  }
  throw new Error('no multiplier keeps the known keys apart');
}
