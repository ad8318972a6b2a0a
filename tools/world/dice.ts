// The dice of a world. Each part of it has its own, so that one fault more or less does not change every other throw.
import { Random } from '../fuzz/random.ts';

/** What dice are thrown for; the number is part of the seed, so the order of this list is part of every seed's story. */
const purposes = ['plan', 'time', 'network', 'gateway', 'engine', 'callers', 'jobs'] as const;
export type Purpose = (typeof purposes)[number];

export class Dice {
  readonly #random = new Random();

  constructor(seed: number, purpose: Purpose) {
    this.#random.begin(seed, purposes.indexOf(purpose));
  }

  /** In [0, 1). */
  next(): number {
    return this.#random.next() / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Small numbers as often as large ones: each order of magnitude is as likely. */
  spread(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  isTrue(chance: number): boolean {
    return this.next() < chance;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)];
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits)
      text += Math.floor(this.next() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return text.slice(0, digits);
  }
}
