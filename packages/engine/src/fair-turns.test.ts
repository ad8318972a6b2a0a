import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf } from '../test/pushes.ts';
import { FairTurns } from './fair-turns.ts';
import { Lane } from './lane.ts';
import { TokenBucket } from './token-bucket.ts';

/** Sends `most` pushes and says which lanes they came from. */
function send(turns: FairTurns, most: number, now = 0): string[] {
  const names: string[] = [];
  for (let left = most; left > 0; left--) {
    const lane = turns.current(now);
    if (lane === null) break;
    lane.take();
    turns.spend(lane, now);
    names.push(lane.name);
  }
  return names;
}

function laneOf(name: string, weight: number, pushes: number, rate: TokenBucket | null = null): Lane {
  const lane = new Lane(name, weight, rate);
  for (const push of countOf(pushes)) lane.add(push);
  return lane;
}

function turnsOf(...lanes: Lane[]): FairTurns {
  const turns = new FairTurns();
  for (const lane of lanes) turns.add(lane);
  return turns;
}

describe('FairTurns', () => {
  it('serves an app that waits with ten pushes beside one that waits with thousands', () => {
    const turns = turnsOf(laneOf('many', 1, 2000), laneOf('few', 1, 10));
    expect(send(turns, 64).filter((name) => name === 'few')).toHaveLength(10);
  });

  it('finds none when no lane has work, is there, or may send', () => {
    expect(turnsOf().current(0)).toBeNull();
    const paused = laneOf('paused', 1, 5);
    paused.isPaused = true;
    const turns = turnsOf(laneOf('empty', 1, 0), paused);
    expect(turns.current(0)).toBeNull();
    expect(turns.isRateBound).toBe(false);
  });

  it('says when it is only a rate cap that holds work, and passes that lane over', () => {
    const capped = laneOf('capped', 1, 50, new TokenBucket(10, 1, 0));
    const turns = turnsOf(capped);
    expect(send(turns, 10)).toEqual(['capped']);
    expect(turns.current(0)).toBeNull();
    expect(turns.isRateBound).toBe(true);
    turns.add(laneOf('free', 1, 5));
    expect(send(turns, 10)).toEqual(['free', 'free', 'free', 'free', 'free']);
    expect(send(turns, 10, 100)).toEqual(['capped']);
  });

  it('goes on with the others when a lane is taken away in its turn', () => {
    const going = laneOf('going', 1, 100);
    const turns = turnsOf(going, laneOf('staying', 1, 100));
    send(turns, 5);
    turns.remove(going);
    turns.remove(going);
    expect(new Set(send(turns, 50))).toEqual(new Set(['staying']));
  });

  it('shares by weight to within one turn of each lane, and starves none', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, (each) => {
        const rounds = 3;
        const lanes = each.map((weight, number) => laneOf(String(number), weight, weight * 16 * rounds));
        const sum = each.reduce((a, b) => a + b, 0);
        const sent = send(turnsOf(...lanes), sum * 16 * (rounds - 1));
        for (const [number, weight] of each.entries()) {
          const share = sent.filter((name) => name === String(number)).length;
          expect(Math.abs(share - weight * 16 * (rounds - 1))).toBeLessThanOrEqual(weight * 16);
        }
      }),
      { numRuns: 40 },
    );
  });
});
