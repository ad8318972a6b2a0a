import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('lets its burst through at once, and then as much as flows in', () => {
    const bucket = new TokenBucket(100, 10, 0);
    const taken = (now: number): number => {
      let count = 0;
      while (bucket.tryTake(now)) count++;
      return count;
    };
    expect(taken(0)).toBe(10);
    expect(taken(10)).toBe(1);
    expect(taken(10)).toBe(0);
    expect(taken(60)).toBe(5);
    expect(taken(100_000)).toBe(10);
  });

  it('says when it will give again', () => {
    const bucket = new TokenBucket(10, 1, 0);
    expect(bucket.wakeAt(0)).toBe(0);
    expect(bucket.tryTake(0)).toBe(true);
    expect(bucket.has(0)).toBe(false);
    const at = bucket.wakeAt(0);
    expect(at).toBeCloseTo(100);
    expect(bucket.tryTake(at + 0.001)).toBe(true);
  });

  it('gives one at least, however low the rate', () => {
    const bucket = new TokenBucket(0.5, 0.05, 0);
    expect(bucket.tryTake(0)).toBe(true);
    expect(bucket.tryTake(1990)).toBe(false);
    expect(bucket.tryTake(2010)).toBe(true);
  });

  it('takes no harm from a clock that goes back', () => {
    const bucket = new TokenBucket(10, 1, 1000);
    expect(bucket.tryTake(1000)).toBe(true);
    expect(bucket.tryTake(0)).toBe(false);
    expect(bucket.tryTake(1101)).toBe(true);
  });

  it('never gives more than burst + rate × time, however it is asked', () => {
    const steps = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 100 }),
        steps,
        (perSecond, burst, waits) => {
          const bucket = new TokenBucket(perSecond, burst, 0);
          let now = 0;
          let taken = 0;
          for (const wait of waits) {
            now += wait;
            if (bucket.tryTake(now)) taken++;
            expect(taken).toBeLessThanOrEqual(burst + (perSecond * now) / 1000 + 1e-6);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
