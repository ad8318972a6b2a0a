import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RisingSums } from './rising-sums.ts';

describe('RisingSums', () => {
  it('passes a sum on that never fell', () => {
    const rising = new RisingSums();
    expect([0, 3, 3, 10].map((sum) => rising.raise('a', sum))).toEqual([0, 3, 3, 10]);
  });

  it('stands still where the sum fell, and rises from there by what is added', () => {
    const rising = new RisingSums();
    expect([10, 4, 6, 0, 1].map((sum) => rising.raise('a', sum))).toEqual([10, 10, 12, 12, 13]);
  });

  it('keeps one key apart from another', () => {
    const rising = new RisingSums();
    rising.raise('a', 10);
    expect([rising.raise('b', 1), rising.raise('a', 11)]).toEqual([1, 11]);
  });

  it('never falls, and rises by every rise', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000)), (sums) => {
        const rising = new RisingSums();
        let before = { sum: 0, raised: 0 };
        for (const sum of sums) {
          const raised = rising.raise('a', sum);
          expect(raised - before.raised).toBe(Math.max(0, sum - before.sum));
          before = { sum, raised };
        }
      }),
    );
  });
});
