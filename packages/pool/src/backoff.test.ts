import { describe, expect, it } from 'vitest';
import { fullJitterMs } from './backoff.ts';
import { systemRandom } from './random.ts';
import type { Random } from './random.ts';

const limits = { baseMs: 500, capMs: 60_000 };

/** mulberry32: the same draws in every run. */
function seeded(seed: number): Random {
  let state = seed;
  return {
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

describe('Full jitter', () => {
  it('draws evenly between nothing and base × 2^n', () => {
    const random = seeded(1);
    const draws = 100_000;
    const buckets = new Uint32Array(20);
    let sum = 0;
    for (let draw = 0; draw < draws; draw++) {
      const delayMs = fullJitterMs(4, limits, random);
      sum += delayMs;
      buckets[Math.floor(delayMs / 200)]++;
    }
    // Ceiling 500 × 2^3 = 4,000 ms; five standard deviations are 345 draws of a bucket and 18 ms of the mean.
    expect(sum / draws).toBeGreaterThan(2000 - 19);
    expect(sum / draws).toBeLessThan(2000 + 19);
    for (const count of buckets) expect(Math.abs(count - draws / 20)).toBeLessThan(350);
  });

  it('doubles its ceiling with each failure and stops at the cap', () => {
    const most: Random = { next: () => 1 - Number.EPSILON };
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 9, 40, 10_000].map((failures) => fullJitterMs(failures, limits, most));
    expect(ceilings.map(Math.round)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000,
    ]);
    expect(fullJitterMs(3, limits, { next: () => 0 })).toBe(0);
  });

  it('lets 1,000 clients that lost their gateway together come back apart', () => {
    // Each fails three times in a row: their fourth tries are spread over seconds, not at one moment.
    const random = seeded(2);
    const buckets = new Map<number, number>();
    for (let client = 0; client < 1000; client++) {
      let at = 0;
      for (let failures = 1; failures <= 4; failures++) at += fullJitterMs(failures, limits, random);
      const bucket = Math.floor(at / 100);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    // Even spread over 7.5 s would be 13 a bucket, the hump of the sum twice that.
    expect(Math.max(...buckets.values())).toBeLessThan(50);
    expect(buckets.size).toBeGreaterThan(45);
  });

  it('spreads the very first tries of 1,000 clients over the whole base', () => {
    const buckets = new Uint32Array(5);
    for (let client = 0; client < 1000; client++) buckets[Math.floor(fullJitterMs(1, limits, systemRandom) / 100)]++;
    // 200 expected, standard deviation 13.
    for (const count of buckets) expect(count).toBeLessThan(280);
  });
});
