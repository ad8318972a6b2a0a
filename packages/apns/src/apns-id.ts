// `apns-id`: the UUID that names a push at Apple and stays with it across resends. Parsed from jobs and replies;
// generated for every other push straight into the batch's bytes.
//
// Cost of a generated id: 36 byte stores and 16 random bytes from a pool; no allocation.

import { randomFillSync } from 'node:crypto';
import { fault, type ApnsFault } from './fault.ts';
import { quote } from './quote.ts';

declare const brand: unique symbol;
/** 32 lower-case hex digits, grouped 8-4-4-4-12 (Apple, Sending notification requests). */
export type ApnsId = string & { readonly [brand]: 'ApnsId' };

export const apnsIdBytes = 36;

/** Either case comes in: Apple's own replies have been seen in upper case. */
export function parseApnsId(text: string): ApnsId | ApnsFault {
  if (text.length !== apnsIdBytes) return refuse(text);
  let hasUpper = false;
  for (let i = 0; i < apnsIdBytes; i++) {
    const code = text.charCodeAt(i);
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== 0x2d) return refuse(text);
    } else if (code >= 0x41 && code <= 0x46) {
      hasUpper = true;
    } else if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) {
      return refuse(text);
    }
  }
  return (hasUpper ? text.toLowerCase() : text) as ApnsId;
}

function refuse(text: string): ApnsFault {
  return fault(
    'local.bad-apns-id',
    'apnsId',
    `apnsId ${quote(text)} is not a UUID. Right is 8f14e45f-ceea-467a-9575-6f0c1b2d3e4f: hex digits, 8-4-4-4-12`,
  );
}

/** Fills the whole array with random bytes. */
export type RandomFill = (target: Uint8Array) => void;

export interface ApnsIdGeneratorOptions {
  /** Default: node:crypto. Worlds under one seed bring their own. */
  readonly fill?: RandomFill;
  /** Default 16,384: a thousand ids a call, about 6 ns an id for the random bytes (measured, two x86-64 cores). */
  readonly poolBytes?: number;
}

/** The two ASCII digits of every byte, the first in the low octet: one look-up a byte instead of two. */
const digitPairs: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, '0');
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});

export class ApnsIdGenerator {
  readonly #fill: RandomFill;
  readonly #pool: Uint8Array;
  #at: number;

  constructor(options: ApnsIdGeneratorOptions = {}) {
    const { fill = fillFromCrypto, poolBytes = 16_384 } = options;
    if (!Number.isInteger(poolBytes) || poolBytes < 16)
      throw new RangeError(`poolBytes ${poolBytes} is less than one id`);
    this.#fill = fill;
    this.#pool = new Uint8Array(poolBytes - (poolBytes % 16));
    this.#at = this.#pool.length;
  }

  /** Writes a version 4 UUID (RFC 9562 §5.4) as 36 ASCII bytes; returns the position after it. */
  write(target: Uint8Array, at: number): number {
    const pool = this.#pool;
    if (this.#at === pool.length) {
      this.#fill(pool);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at = from + 16;
    writePair(target, at, pool[from]);
    writePair(target, at + 2, pool[from + 1]);
    writePair(target, at + 4, pool[from + 2]);
    writePair(target, at + 6, pool[from + 3]);
    target[at + 8] = 0x2d;
    writePair(target, at + 9, pool[from + 4]);
    writePair(target, at + 11, pool[from + 5]);
    target[at + 13] = 0x2d;
    writePair(target, at + 14, (pool[from + 6] & 0x0f) | 0x40); // version 4
    writePair(target, at + 16, pool[from + 7]);
    target[at + 18] = 0x2d;
    writePair(target, at + 19, (pool[from + 8] & 0x3f) | 0x80); // variant 10
    writePair(target, at + 21, pool[from + 9]);
    target[at + 23] = 0x2d;
    writePair(target, at + 24, pool[from + 10]);
    writePair(target, at + 26, pool[from + 11]);
    writePair(target, at + 28, pool[from + 12]);
    writePair(target, at + 30, pool[from + 13]);
    writePair(target, at + 32, pool[from + 14]);
    writePair(target, at + 34, pool[from + 15]);
    return at + apnsIdBytes;
  }
}

function writePair(target: Uint8Array, at: number, byte: number): void {
  const pair = digitPairs[byte];
  target[at] = pair & 0xff;
  target[at + 1] = pair >> 8;
}

function fillFromCrypto(target: Uint8Array): void {
  randomFillSync(target);
}
