import { describe, expect, it } from 'vitest';
import { LoadQueue } from './load-queue.ts';

describe('LoadQueue', () => {
  it('serves so many side by side, and the others in turn', () => {
    const queue = new LoadQueue({ atOnce: 3, serviceMs: 50 });
    const waits = Array.from({ length: 8 }, () => queue.arrive(1000));
    expect(waits).toEqual([50, 50, 50, 100, 100, 100, 150, 150]);
    expect(queue.inHand(1049)).toBe(8);
    expect(queue.inHand(1050)).toBe(5);
    expect(queue.arrive(1060)).toBe(90);
    expect(queue.inHand(2000)).toBe(0);
    expect(queue.arrive(2000)).toBe(50);
    expect(queue.peak).toBe(8);
  });

  it('lets latency climb with what is in hand: n requests take n ÷ atOnce', () => {
    const queue = new LoadQueue({ atOnce: 100, serviceMs: 40 });
    let last = 0;
    for (let count = 0; count < 400; count++) last = queue.arrive(0) ?? NaN;
    expect(last).toBe(160);
  });

  it('refuses above its bound, and no longer when there is room', () => {
    const queue = new LoadQueue({ atOnce: 1, serviceMs: 10, refusesAbove: 2 });
    expect([queue.arrive(0), queue.arrive(0), queue.arrive(0)]).toEqual([10, 20, null]);
    expect(queue.refused).toBe(1);
    expect(queue.arrive(10)).toBe(20);
  });

  it('may become smaller and larger while it runs, and nobody overtakes', () => {
    const queue = new LoadQueue({ atOnce: 4, serviceMs: 10 });
    for (let count = 0; count < 4; count++) queue.arrive(0);
    queue.change({ atOnce: 1 });
    expect([queue.arrive(0), queue.arrive(0)]).toEqual([20, 30]);
    queue.change({ atOnce: 10 });
    expect([queue.arrive(0), queue.arrive(5)]).toEqual([30, 25]);
    expect([queue.arrive(25), queue.arrive(31)]).toEqual([10, 10]);
  });

  it('keeps nothing of what is done', () => {
    const queue = new LoadQueue({ atOnce: 10, serviceMs: 1 });
    for (let now = 0; now < 100_000; now++) queue.arrive(now);
    expect(queue.inHand(99_999)).toBe(1);
    expect(queue.inHand(100_000)).toBe(0);
  });
});
