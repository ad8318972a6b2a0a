import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf } from '../test/pushes.ts';
import { DelayHeap } from './delay-heap.ts';
import type { Push } from './push.ts';
import { PushState } from './push.ts';

describe('DelayHeap', () => {
  it('gives nothing before its time, and says when that is', () => {
    const heap = new DelayHeap();
    expect(heap.nextAt).toBe(Infinity);
    expect(heap.takeDue(Infinity)).toBeNull();
    const [push] = countOf(1) as [Push];
    heap.add(push, 50);
    expect(push.state).toBe(PushState.delayed);
    expect(heap.nextAt).toBe(50);
    expect(heap.takeDue(49.9)).toBeNull();
    expect(heap.takeDue(50)).toBe(push);
    expect(heap.size).toBe(0);
  });

  it('gives pushes in the order of their times, also after some were taken out', () => {
    const times = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 100 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 5 }), (dueAts, nth) => {
        const heap = new DelayHeap();
        const pushes = countOf(dueAts.length);
        for (const [number, push] of pushes.entries()) heap.add(push, dueAts[number]);
        const isWanted = (push: Push): boolean => push.tag % nth === 0;
        const taken = heap.takeIf(isWanted);
        expect(new Set(taken)).toEqual(new Set(pushes.filter(isWanted)));
        const left: number[] = [];
        for (let now = 0; now <= 50; now += 7) {
          expect(heap.nextAt).toBe(
            Math.min(
              Infinity,
              ...pushes.filter((push) => !isWanted(push) && push.dueAt > now - 7).map(({ dueAt }) => dueAt),
            ),
          );
          for (let push = heap.takeDue(now); push !== null; push = heap.takeDue(now)) {
            expect(push.dueAt).toBeLessThanOrEqual(now);
            left.push(push.dueAt);
          }
        }
        for (let push = heap.takeDue(Infinity); push !== null; push = heap.takeDue(Infinity)) left.push(push.dueAt);
        const expected = pushes.filter((push) => !isWanted(push)).map(({ dueAt }) => dueAt);
        expect(left).toEqual(expected.sort((a, b) => a - b));
        expect(heap.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
