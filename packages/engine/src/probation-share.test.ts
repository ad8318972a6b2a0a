import { describe, expect, it } from 'vitest';
import { ProbationShare } from './probation-share.ts';

/** For `ms` the clean track sends 100 a millisecond and has more; what may go on probation meanwhile. */
function busyFor(share: ProbationShare, from: number, ms: number): number {
  let went = 0;
  for (let now = from; now < from + ms; now++) {
    share.cleanSent(100, true, now);
    const room = share.room(now);
    share.sent(room);
    went += room;
  }
  return went;
}

describe('ProbationShare', () => {
  it('is all while no clean push waits', () => {
    const share = new ProbationShare();
    expect(share.room(0)).toBe(Infinity);
    share.cleanSent(1_000, false, 10);
    expect(share.room(10)).toBe(Infinity);
  });

  it('is six in a hundred of what clean pushes take while some of them wait', () => {
    const share = new ProbationShare();
    const went = busyFor(share, 0, 1_000);
    expect(went / 100_000).toBeGreaterThan(0.059);
    expect(went / 100_000).toBeLessThan(0.065);
  });

  it('goes on at fifty a second when the clean ones are stuck', () => {
    const share = new ProbationShare();
    share.sent(1_000);
    let went = 0;
    for (let now = 0; now < 10_000; now += 10) {
      share.cleanSent(0, true, now);
      const room = share.room(now);
      share.sent(room);
      went += room;
    }
    expect(went).toBeGreaterThanOrEqual(490);
    expect(went).toBeLessThanOrEqual(525);
  });

  it('is all again half a second after the last clean push waited', () => {
    const share = new ProbationShare();
    busyFor(share, 0, 100);
    expect(share.room(99 + 500)).toBeLessThan(100);
    expect(share.room(99 + 501)).toBe(Infinity);
  });

  it('is all when a source has just gone on probation: what waited may have been its own', () => {
    const share = new ProbationShare();
    busyFor(share, 0, 100);
    share.lookAgain();
    expect([share.isBusy(100), share.room(100)]).toEqual([false, Infinity]);
  });

  it('saves up no more than some milliseconds of a busy engine', () => {
    const share = new ProbationShare();
    for (let now = 0; now < 1_000; now++) share.cleanSent(100, true, now);
    expect(share.room(1_000)).toBe(128);
  });
});
