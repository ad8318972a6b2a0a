import { describe, expect, it } from 'vitest';
import { jointRate } from './joint-rate.ts';
import { TokenBucket } from './token-bucket.ts';

describe('Two rate caps together', () => {
  it('are none, or the only one there is', () => {
    const one = new TokenBucket(10, 1, 0);
    expect(jointRate(null, null)).toBeNull();
    expect(jointRate(one, null)).toBe(one);
    expect(jointRate(null, one)).toBe(one);
  });

  it('let through what both let through, and take from both', () => {
    const slow = new TokenBucket(10, 2, 0);
    const fast = new TokenBucket(1000, 5, 0);
    const both = jointRate(slow, fast);
    expect(both?.perSecond).toBe(10);
    expect([1, 2, 3].map(() => both?.tryTake(0))).toEqual([true, true, false]);
    // The one that had some left keeps it.
    expect([1, 2, 3, 4].map(() => fast.tryTake(0))).toEqual([true, true, true, false]);
    expect(both?.has(99)).toBe(false);
    expect(both?.has(100)).toBe(true);
  });
});
