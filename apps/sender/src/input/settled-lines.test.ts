import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SettledLines } from './settled-lines.ts';

describe('SettledLines', () => {
  it('holds what a Set of the same lines holds', () => {
    const line = fc.oneof(fc.nat(20_000), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (added, asked) => {
        const settled = new SettledLines();
        const expected = new Set<number>();
        for (const one of added) {
          expect(settled.add(one)).toBe(!expected.has(one));
          expected.add(one);
        }
        expect(settled.count).toBe(expected.size);
        for (const one of [...added, ...asked]) expect(settled.has(one)).toBe(expected.has(one));
      }),
    );
  });

  it('takes a bit a line: a million lines are 125 kB', () => {
    const settled = new SettledLines();
    for (let line = 1; line <= 1_000_000; line++) settled.add(line);
    expect(settled.count).toBe(1_000_000);
    expect(settled.bytes).toBeLessThan(130_000);
  });
});
