import { describe, expect, it } from 'vitest';
import { HandClock } from '../test/pushes.ts';
import { FeedTurns } from './feed-turns.ts';

describe('FeedTurns', () => {
  it('lets some thousand jobs in, then waits for the next turn, together with the other calls', async () => {
    const turns = new FeedTurns(new HandClock());
    turns.spend(2047);
    expect(turns.next()).toBeNull();
    turns.spend(170);
    const [one, other] = [turns.next(), turns.next()];
    expect(one).not.toBeNull();
    expect(other).toBe(one);
    await one;
    expect(turns.next()).toBeNull();
    turns.spend(2048);
    expect(turns.next()).not.toBeNull();
  });
});
