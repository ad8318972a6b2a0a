import fc from 'fast-check';
import { recordStride } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { arenaOf, headOf, Kept } from '../test/pushes.ts';
import { DevicePace } from './device-pace.ts';
import { PushTable } from './push.ts';
import type { Push } from './push.ts';

const tokens = Array.from({ length: 4 }, (_, number) => `${number}`.repeat(64));
const arena = arenaOf(tokens.map((token) => ({ token, payload: { aps: {} } })));
const head = headOf();
const table = new PushTable();

/** A push to the device of that number. */
function pushTo(device: number, deadlineAt = Infinity): Push {
  return table.take(arena, device * recordStride, head, new Kept(), 0, deadlineAt);
}

/** The turn of the push has come: it leaves, and 0 is returned, or until when it is held. */
function turn(pace: DevicePace, push: Push, now: number): number {
  const until = pace.heldUntil(push, now);
  if (until > now) return until;
  pace.sent(push, now);
  return 0;
}

describe('DevicePace', () => {
  it('lets one go, and gives the others places one interval apart', () => {
    const pace = new DevicePace(2, 100);
    const pushes = [1, 2, 3, 4].map(() => pushTo(0));
    expect(pushes.map((push) => turn(pace, push, 1000))).toEqual([0, 1500, 2000, 2500]);
    expect(pushes.slice(1).map((push, at) => turn(pace, push, 1500 + 500 * at))).toEqual([0, 0, 0]);
    expect(pushes.some(({ isPaced }) => isPaced)).toBe(false);
  });

  it('knows each device, and each topic, by itself', () => {
    const pace = new DevicePace(1, 100);
    expect([0, 1, 2].map((device) => turn(pace, pushTo(device), 0))).toEqual([0, 0, 0]);
    const ofShop = Object.assign(pushTo(0), { head: headOf(10, 'com.example.shop') });
    expect([turn(pace, ofShop, 0), turn(pace, pushTo(0), 0)]).toEqual([0, 1000]);
  });

  it('lets nobody overtake those that have a place', () => {
    const pace = new DevicePace(1, 100);
    turn(pace, pushTo(0), 0);
    const waiting = pushTo(0);
    expect(turn(pace, waiting, 0)).toBe(1000);
    expect(turn(pace, pushTo(0), 950)).toBe(2000);
    expect(turn(pace, waiting, 1000)).toBe(0);
  });

  it('gives the places of those that were given up away again', () => {
    const pace = new DevicePace(1, 100);
    turn(pace, pushTo(0), 0);
    const many = Array.from({ length: 50 }, () => pushTo(0));
    expect(Math.max(...many.map((push) => turn(pace, push, 0)))).toBe(50_000);
    for (const push of many) pace.left(push);
    expect(turn(pace, pushTo(0), 0)).toBe(1000);
  });

  it('gives no place to a push that would reach its deadline there', () => {
    const pace = new DevicePace(1, 100);
    turn(pace, pushTo(0), 0);
    for (let time = 0; time < 20; time++) expect(turn(pace, pushTo(0, 900), 0)).toBe(1000);
    expect(turn(pace, pushTo(0), 0)).toBe(1000);
  });

  it('does not count what was surely not processed', () => {
    const pace = new DevicePace(1, 100);
    const push = pushTo(0);
    turn(pace, push, 0);
    pace.unsent(push);
    expect(turn(pace, push, 10)).toBe(0);
    expect(turn(pace, pushTo(0), 10)).toBeGreaterThanOrEqual(1000);
  });

  it('remembers no more devices than it may, and drops those first that may get a push anyway', () => {
    const pace = new DevicePace(1, 3);
    for (const [device, now] of [0, 500, 600].entries()) turn(pace, pushTo(device), now);
    expect(turn(pace, pushTo(3), 1200)).toBe(0);
    expect(pace.size).toBe(3);
    expect([1, 2].map((device) => turn(pace, pushTo(device), 1200))).toEqual([1500, 1600]);
    const small = new DevicePace(1, 2);
    for (const device of [0, 1, 2]) turn(small, pushTo(device), 0);
    expect([small.size, turn(small, pushTo(0), 0)]).toEqual([2, 0]);
  });

  it('whatever comes and however late it is looked at, never lets more go than the rate and a tenth of a second', () => {
    const arrival = fc.record({
      device: fc.integer({ min: 0, max: 1 }),
      afterMs: fc.integer({ min: 0, max: 300 }),
      ends: fc.constantFrom('sent', 'sent', 'sent', 'unsent', 'left'),
    });
    const perSecond = fc.constantFrom(0.5, 1, 3, 20);
    fc.assert(
      fc.property(
        fc.array(arrival, { maxLength: 60 }),
        perSecond,
        fc.integer({ min: 1, max: 250 }),
        (all, rate, lateMs) => {
          const pace = new DevicePace(rate, 100);
          let held: { push: Push; device: number; until: number }[] = [];
          const sent: number[][] = [[], []];
          let now = 0;
          const look = (push: Push, device: number): void => {
            const until = turn(pace, push, now);
            if (until > 0) held.push({ push, device, until });
            else sent[device].push(now);
          };
          const release = (): void => {
            const due = held.filter(({ until }) => until <= now);
            held = held.filter(({ until }) => until > now);
            for (const { push, device } of due) look(push, device);
          };
          for (const { device, afterMs, ends } of all) {
            now += afterMs;
            release();
            const push = pushTo(device);
            look(push, device);
            if (ends === 'left' && push.isPaced) {
              held = held.filter((one) => one.push !== push);
              pace.left(push);
            }
            if (ends === 'unsent' && sent[device].at(-1) === now && !push.isPaced) {
              sent[device].pop();
              pace.unsent(push);
            }
          }
          for (let looks = 0; held.length > 0 && looks < 100_000; looks++) {
            now += lateMs;
            release();
          }
          expect(held).toEqual([]);
          for (const times of sent) {
            for (const [at, from] of times.entries()) {
              const within = times.slice(at).filter((time) => time < from + 4000).length;
              expect(within).toBeLessThanOrEqual(1 + 4.1 * rate);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
