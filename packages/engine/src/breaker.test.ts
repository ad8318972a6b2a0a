import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';

const limits = { refusalsMax: 3, baseMs: 100, capMs: 800 };
const longest = { next: () => 1 };

function opened(now = 0): Breaker {
  const breaker = new Breaker(limits, longest);
  for (let refusal = 0; refusal < 3; refusal++) breaker.refused(now);
  return breaker;
}

describe('Breaker', () => {
  it('stays closed while successes come between refusals', () => {
    const breaker = new Breaker(limits, longest);
    for (let round = 0; round < 10; round++) {
      expect(breaker.refused(0)).toBe(false);
      expect(breaker.refused(0)).toBe(false);
      breaker.succeeded();
    }
    expect(breaker.room(0)).toBe(Infinity);
  });

  it('opens at so many refusals in a row, and says so once', () => {
    const breaker = new Breaker(limits, longest);
    expect([breaker.refused(0), breaker.refused(0), breaker.refused(0), breaker.refused(0)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(breaker.state).toBe('open');
    expect(breaker.room(99)).toBe(0);
  });

  it('lets one probe through when its time has come, and no second one while that is out', () => {
    const breaker = opened();
    expect(breaker.room(100)).toBe(1);
    breaker.passed(100);
    expect(breaker.room(101)).toBe(0);
    breaker.succeeded();
    expect(breaker.room(101)).toBe(Infinity);
  });

  it('opens for longer with each probe that is refused, up to its cap', () => {
    const breaker = opened();
    const waits: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      const now = breaker.until;
      expect(breaker.room(now)).toBe(1);
      breaker.passed(now);
      breaker.refused(now);
      waits.push(breaker.until - now);
    }
    expect(waits).toEqual([200, 400, 800, 800, 800, 800]);
  });

  it('sends another probe when one is never answered', () => {
    const breaker = opened();
    expect(breaker.room(100)).toBe(1);
    breaker.passed(100);
    expect(breaker.room(899)).toBe(0);
    expect(breaker.until).toBe(900);
    expect(breaker.room(900)).toBe(1);
  });

  it('never waits nothing, so that it does not spin', () => {
    const breaker = new Breaker(limits, { next: () => 0 });
    for (let refusal = 0; refusal < 3; refusal++) breaker.refused(0);
    expect(breaker.room(9)).toBe(0);
    expect(breaker.room(10)).toBe(1);
  });

  it('lets something through again within its cap, whatever has happened', () => {
    const step = fc.record({
      kind: fc.constantFrom('refused', 'succeeded', 'ask'),
      wait: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const breaker = new Breaker(limits, longest);
        let now = 0;
        for (const { kind, wait } of steps) {
          now += wait;
          if (kind === 'refused') breaker.refused(now);
          else if (kind === 'succeeded') breaker.succeeded();
          else if (breaker.room(now) > 0) breaker.passed(now);
        }
        expect(breaker.room(now + limits.capMs)).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
