import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf, headOf, pushesOf } from '../test/pushes.ts';
import { Lane } from './lane.ts';
import type { Push } from './push.ts';

function drain(lane: Lane): Push[] {
  return [...lane.takeAll()];
}

describe('Lane', () => {
  it('gives pushes of one priority in the order in which they came', () => {
    const lane = new Lane('news', 1, null);
    const pushes = countOf(5);
    for (const push of pushes) lane.add(push);
    expect(lane.depth).toBe(5);
    expect(lane.peek()).toBe(pushes[0]);
    expect(drain(lane)).toEqual(pushes);
    expect(lane.depth).toBe(0);
    expect(lane.peek()).toBeNull();
    expect(lane.take()).toBeNull();
  });

  it('puts pushes that come back before those that wait, in the order in which they come back', () => {
    const lane = new Lane('news', 1, null);
    const [a, b, c, d, e, f] = countOf(6) as [Push, Push, Push, Push, Push, Push];
    for (const push of [a, b, c, d]) lane.add(push);
    for (const push of [lane.take(), lane.take(), lane.take()]) lane.addBack(push as Push);
    lane.add(e);
    expect(drain(lane)).toEqual([a, b, c, d, e]);
    lane.addBack(f);
    lane.add(a);
    expect(drain(lane)).toEqual([f, a]);
  });

  it('begins a new row of returns when the last one has been taken', () => {
    const lane = new Lane('news', 1, null);
    const [a, b, c, d] = countOf(4) as [Push, Push, Push, Push];
    lane.add(d);
    lane.addBack(a);
    lane.addBack(b);
    expect(lane.take()).toBe(a);
    expect(lane.take()).toBe(b);
    lane.addBack(c);
    expect(drain(lane)).toEqual([c, d]);
  });

  it('shares turns 5 to 2 to 1 while all three priorities wait, so that nobody starves', () => {
    const lane = new Lane('news', 1, null);
    for (const priority of [1, 5, 10] as const) for (const push of countOf(40, headOf(priority))) lane.add(push);
    const first = Array.from({ length: 40 }, () => lane.take()?.head.priority);
    expect(first.filter((priority) => priority === 10)).toHaveLength(25);
    expect(first.filter((priority) => priority === 5)).toHaveLength(10);
    expect(first.filter((priority) => priority === 1)).toHaveLength(5);
    expect(first.slice(0, 5)).toEqual([10, 10, 10, 10, 10]);
  });

  it('takes the push that peek showed, whatever the credits are', () => {
    const priorities = fc.array(fc.constantFrom(1 as const, 5 as const, 10 as const), { maxLength: 60 });
    fc.assert(
      fc.property(priorities, (order) => {
        const lane = new Lane('news', 1, null);
        for (const priority of order) lane.add(countOf(1, headOf(priority))[0]);
        for (let left = order.length; left > 0; left--) {
          const shown = lane.peek();
          expect(lane.take()).toBe(shown);
          expect(lane.depth).toBe(left - 1);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('behaves as a plain list does, whatever is added, returned, taken and taken out', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('add', 'back', 'take') }),
      fc.record({ kind: fc.constant('takeIf'), nth: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const lane = new Lane('news', 1, null);
        const head = headOf(10);
        let returned: Push[] = [];
        let waiting: Push[] = [];
        for (const one of steps) {
          if (one.kind === 'add' || one.kind === 'back') {
            const push = countOf(1, head)[0];
            if (one.kind === 'add') lane.add(push);
            else lane.addBack(push);
            (one.kind === 'add' ? waiting : returned).push(push);
          } else if (one.kind === 'take') {
            expect(lane.take()).toBe(returned.shift() ?? waiting.shift() ?? null);
          } else {
            const nth = 'nth' in one ? one.nth : 1;
            const isWanted = (push: Push): boolean => push.tag % nth === 0;
            const taken: Push[] = [];
            lane.takeIf(isWanted, (push) => taken.push(push));
            expect(taken).toEqual([...returned, ...waiting].filter(isWanted));
            returned = returned.filter((push) => !isWanted(push));
            waiting = waiting.filter((push) => !isWanted(push));
          }
          expect(lane.depth).toBe(returned.length + waiting.length);
        }
        expect(drain(lane)).toEqual([...returned, ...waiting]);
      }),
      { numRuns: 200 },
    );
  });

  it('knows since when its oldest push waits', () => {
    const lane = new Lane('news', 1, null);
    expect(lane.oldestAt).toBe(Infinity);
    const [young] = pushesOf([{ admittedAt: 20 }], headOf(10)) as [Push];
    const [old] = pushesOf([{ admittedAt: 10 }], headOf(1)) as [Push];
    lane.add(young);
    lane.add(old);
    expect(lane.oldestAt).toBe(10);
  });
});
