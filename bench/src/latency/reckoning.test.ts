import { describe, expect, it } from 'vitest';
import type { Slice } from './load-task.ts';
import { quantile } from './quantile.ts';
import { fairness, inFlightBetween, rateBetween, secondsUntil } from './reckoning.ts';

const slices: Slice[] = Array.from({ length: 40 }, (_, at) => ({
  endMs: (at + 1) * 100,
  receipts: at < 20 ? 100 : 400,
  p50Ms: 50,
  inFlight: at < 20 ? [50] : [100, 300],
}));

describe('The reckoning of the latency bench', () => {
  it('counts receipts a second of a time', () => {
    expect(rateBetween(slices, 0, 2000)).toBe(1000);
    expect(rateBetween(slices, 1000, 3000)).toBe(2500);
    expect(rateBetween(slices, 9000, 9900)).toBeNaN();
  });

  it('means what connections have in flight, and how equal that is', () => {
    expect(inFlightBetween(slices, 2000, 4000)).toEqual([100, 300]);
    expect(inFlightBetween(slices, 1000, 3000)).toEqual([75, 150]);
    expect(fairness([100, 100, 100, 100])).toBe(1);
    expect(fairness([400, 0, 0, 0])).toBe(0.25);
  });

  it('says how long it took until something was so and stayed so for half a second', () => {
    const isFast = (some: readonly Slice[]): boolean => some.every(({ receipts }) => receipts >= 400);
    expect(secondsUntil(slices, 1000, 4000, isFast)).toBeCloseTo(1.1);
    expect(secondsUntil(slices, 1000, 2400, isFast)).toBeNaN();
  });

  it('takes quantiles by rank', () => {
    const values = [5, 1, 4, 2, 3];
    expect([quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99), quantile([], 0.5)]).toEqual([
      1,
      3,
      5,
      NaN,
    ]);
  });
});
