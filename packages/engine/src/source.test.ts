import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Source } from './source.ts';

/** The replies one after the other, true for a refusal; says after how many of them the state changed. */
function give(source: Source, replies: readonly boolean[]): number[] {
  const changes: number[] = [];
  for (const [number, isRefusal] of replies.entries())
    if (isRefusal ? source.refused() : source.accepted()) changes.push(number + 1);
  return changes;
}

function repliesOf(count: number, refusedEvery: number): boolean[] {
  return Array.from({ length: count }, (_, number) => (number + 1) % refusedEvery === 0);
}

describe('Source', () => {
  it('is clean while 2 % of its replies are refusals, for however long', () => {
    const source = new Source('app', 'news');
    expect(give(source, repliesOf(20_000, 50))).toEqual([]);
    expect(source.isDirty).toBe(false);
  });

  it('is dirty with the twenty-first refusal, however early that comes', () => {
    const source = new Source('app', 'news');
    expect(give(source, repliesOf(100, 3))).toEqual([63]);
    expect(source.isDirty).toBe(true);
  });

  it('forgets refusals that are more than a thousand replies ago', () => {
    const source = new Source('app', 'news');
    give(source, repliesOf(20, 1));
    give(source, repliesOf(1_000, Infinity));
    expect(give(source, repliesOf(20, 1))).toEqual([]);
    expect(source.share).toEqual({ refusals: 20, replies: 1_000 });
  });

  it('is clean again after a thousand replies of which ten are refusals, and not before', () => {
    const source = new Source('app', 'news');
    give(source, repliesOf(21, 1));
    expect(give(source, repliesOf(999, 100))).toEqual([]);
    expect(give(source, repliesOf(100, 100))).toEqual([1]);
    give(source, repliesOf(21, 1));
    expect(give(source, repliesOf(3_000, 90))).toEqual([]);
    expect(give(source, repliesOf(1_000, 100))).toHaveLength(1);
    // Between 1 and 2 % it stays what it is.
    expect(give(source, repliesOf(5_000, 60))).toEqual([]);
    expect(source.isDirty).toBe(false);
  });

  it('begins dirty as a call of a dirty app does, and has a thousand replies to prove itself', () => {
    const source = new Source('call', 'news', true);
    expect(give(source, repliesOf(3_000, Infinity))).toEqual([1_000]);
  });

  it('judges as one does that remembers every reply', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1_500), fc.integer({ min: 1, max: 200 })), { maxLength: 12 }), (parts) => {
        const source = new Source('app', 'news');
        let isDirty = false;
        let since: number[] = [];
        for (const isRefusal of parts.flatMap(([count, every]) => repliesOf(count, every))) {
          since.push(isRefusal ? 1 : 0);
          const refusals = since.slice(-1_000).reduce((sum, one) => sum + one, 0);
          if (!isDirty && refusals > 20) {
            isDirty = true;
            since = [];
          } else if (isDirty && since.length >= 1_000 && refusals <= 10) isDirty = false;
          if (isRefusal) source.refused();
          else source.accepted();
          expect(source.isDirty).toBe(isDirty);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is stale with the 101st device that is gone in its last thousand, until fifty are', () => {
    const source = new Source('app', 'news');
    const told: string[] = [];
    for (let reply = 1; reply <= 3_000; reply++) {
      const isGone = reply <= 1_000 && reply % 3 === 0;
      if (isGone ? source.gone() : source.accepted()) told.push(`${reply} ${source.isStale}`);
    }
    // The 50th from the end of the first thousand is forgotten a thousand replies later.
    expect(told).toEqual(['303 true', '1849 false']);
    expect(source.isDirty).toBe(false);
  });

  it('is not stale with a tenth of its devices gone', () => {
    const source = new Source('app', 'news');
    for (let reply = 1; reply <= 10_000; reply++) {
      if (reply % 10 === 0) source.gone();
      else source.accepted();
    }
    expect(source.isStale).toBe(false);
  });

  describe('of a call that has ended', () => {
    function ended(replies: readonly boolean[], app: Source): boolean {
      const call = new Source('call', 'news');
      give(call, replies);
      return call.foldInto(app);
    }

    it('makes its app dirty with the third bad one in a row, not with the first', () => {
      const app = new Source('app', 'news');
      expect([1, 2, 3].map(() => ended(repliesOf(40, 3), app))).toEqual([false, false, true]);
    });

    it('puts in a good word for its app', () => {
      const app = new Source('app', 'news');
      give(app, repliesOf(21, 1));
      expect(ended(repliesOf(50_000, 1_000), app)).toBe(true);
      expect(app.isDirty).toBe(false);
    });

    it('says nothing when nothing was answered', () => {
      const app = new Source('app', 'news');
      expect(ended([], app)).toBe(false);
      expect(app.share).toEqual({ refusals: 0, replies: 0 });
    });
  });
});
