import { describe, expect, it } from 'vitest';
import { throughputOf } from './throughput.ts';

const settling = (counts: readonly number[]) => ({ beganAt: 1_000_000, intervalMs: 20, counts });

describe('The throughput of a run', () => {
  it('is what was settled over the time it took', () => {
    expect(throughputOf(settling(Array<number>(100).fill(10)), [])).toEqual({ perSecond: 500, gapMs: 0 });
  });

  it('leaves out the time from a restart to the first answer after it', () => {
    const counts = [...Array<number>(50).fill(10), ...Array<number>(60).fill(0), ...Array<number>(50).fill(10)];
    // Away from the 50th interval to the 100th; ten more until the sender is there.
    const restart = { atMs: 1_000_000 + 50 * 20, backAtMs: 1_000_000 + 100 * 20 };
    expect(throughputOf(settling(counts), [restart])).toEqual({ perSecond: 500, gapMs: 1_200 });
    expect(throughputOf(settling(counts), []).perSecond).toBeLessThan(320);
  });

  it('counts a slow start after a restart as slow', () => {
    const counts = [10, 10, 0, 0, 1, 1, 1, 1, 10];
    const restart = { atMs: 1_000_000 + 40, backAtMs: 1_000_000 + 80 };
    expect(throughputOf(settling(counts), [restart]).perSecond).toBeCloseTo((34 / 7) * 50, 5);
  });

  it('does not wait for the last two per cent', () => {
    const counts = [...Array<number>(98).fill(10), ...Array<number>(1_000).fill(0), 20];
    expect(throughputOf(settling(counts), []).perSecond).toBe(500);
  });
});
