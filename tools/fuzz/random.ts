// Dice for fuzzing: small, fast, seeded. Each case of a run has its own state, made of the run's seed and the case's
// number, so that one case can be replayed without those before it.
// xoroshiro64* (Blackman, Vigna): 64 bits of state, 32-bit operations only.

export class Random {
  #a = 1;
  #b = 0;

  /** `number` up to 2^53. */
  begin(seed: number, number: number): void {
    const high = mix(seed ^ mix(Math.floor(number / 2 ** 32)));
    this.#a = mix(high ^ (number | 0)) | 1;
    this.#b = mix(this.#a ^ 0x9e3779b9 ^ high);
  }

  /** 0 … 2^32-1. */
  next(): number {
    const a = this.#a;
    const b = this.#b ^ a;
    this.#a = rotate(a, 26) ^ b ^ (b << 9);
    this.#b = rotate(b, 13);
    return Math.imul(a, 0x9e3779bb) >>> 0;
  }

  /** 0 … count-1, for counts below 2^21 even enough. */
  below(count: number): number {
    return Math.floor(this.next() * 2 ** -32 * count);
  }

  /** True once in `count` times. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** murmur3's last step: every bit of the word changes half of the others. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
