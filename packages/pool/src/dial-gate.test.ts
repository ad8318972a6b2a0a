import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../test/virtual-clock.ts';
import { queuedDialGate } from './dial-gate.ts';

const never = new AbortController().signal;

function recorder(clock: VirtualClock, takesMs: number): { begun: number[]; most: number; dial: () => Promise<void> } {
  const state = { begun: [] as number[], running: 0, most: 0 };
  return {
    ...state,
    get most() {
      return state.most;
    },
    dial: () => {
      state.begun.push(clock.now());
      state.running++;
      state.most = Math.max(state.most, state.running);
      return new Promise((resolve) => {
        clock.setTimer(takesMs, () => {
          state.running--;
          resolve();
        });
      });
    },
  };
}

/** The most that began in any window of so many ms. */
function mostInWindow(begun: readonly number[], windowMs: number): number {
  return Math.max(...begun.map((from) => begun.filter((at) => at >= from && at < from + windowMs).length));
}

describe('The gate of dials', () => {
  it('lets at most so many run at once', async () => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 2, intervalCap: 100, intervalMs: 1000 }, clock);
    const record = recorder(clock, 50);
    const all = Promise.all(Array.from({ length: 10 }, () => gate.pass(record.dial, never)));
    await clock.advance(1000);
    await all;
    expect(record.begun).toEqual([0, 0, 50, 50, 100, 100, 150, 150, 200, 200]);
    expect(record.most).toBe(2);
  });

  it('begins at most so many in any interval, however they are asked for', async () => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 50, intervalCap: 8, intervalMs: 1000 }, clock);
    const record = recorder(clock, 1);
    const all: Promise<void>[] = [];
    for (let burst = 0; burst < 5; burst++) {
      for (let dial = 0; dial < 10; dial++) all.push(gate.pass(record.dial, never));
      await clock.advance(370);
    }
    await clock.advance(10_000);
    await Promise.all(all);
    expect(record.begun).toHaveLength(50);
    expect(mostInWindow(record.begun, 1000)).toBe(8);
    // Nor is it slower than it must be: 50 dials are six whole intervals and two.
    expect(record.begun.at(-1)).toBe(6000);
  });

  it('gives back what a dial gave, and its error', async () => {
    const gate = queuedDialGate({ concurrency: 1, intervalCap: 8, intervalMs: 1000 }, new VirtualClock());
    await expect(gate.pass(() => Promise.resolve('socket'), never)).resolves.toBe('socket');
    await expect(gate.pass(() => Promise.reject(new Error('refused')), never)).rejects.toThrow('refused');
    await expect(
      gate.pass(() => {
        throw new Error('thrown at once');
      }, never),
    ).rejects.toThrow('thrown at once');
    await expect(gate.pass(() => Promise.resolve('next'), never)).resolves.toBe('next');
  });

  it('lets nobody wait whose signal aborts, wherever he stands', async () => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 1, intervalCap: 1, intervalMs: 1000 }, clock);
    const running = new AbortController();
    const paced = new AbortController();
    const queued = new AbortController();
    let hasRun = 0;
    let release: () => void = () => undefined;
    const dial = (): Promise<string> => {
      hasRun++;
      return new Promise((resolve) => {
        release = () => resolve('opened');
      });
    };
    const first = gate.pass(dial, running.signal);
    const second = gate.pass(dial, paced.signal);
    const third = gate.pass(dial, queued.signal);
    await clock.settle();
    queued.abort(new Error('third gave up'));
    await expect(third).rejects.toThrow('third gave up');
    // The one that runs is not cut off: a socket it opens must reach somebody who closes it.
    running.abort(new Error('first gave up'));
    await clock.settle();
    release();
    await expect(first).resolves.toBe('opened');
    await clock.advance(10);
    paced.abort(new Error('second gave up'));
    await expect(second).rejects.toThrow('second gave up');
    expect(hasRun).toBe(1);
    await expect(gate.pass(dial, AbortSignal.abort(new Error('never began')))).rejects.toThrow('never began');
    const fourth = gate.pass(() => Promise.resolve('after all'), never);
    await clock.advance(1000);
    await expect(fourth).resolves.toBe('after all');
  });

  it('begins no dial that is aborted in the turn in which it was asked for', async () => {
    const gate = queuedDialGate({ concurrency: 1, intervalCap: 8, intervalMs: 1000 }, new VirtualClock());
    const controller = new AbortController();
    let hasRun = false;
    const passed = gate.pass(() => {
      hasRun = true;
      return Promise.resolve('a socket that nobody would close');
    }, controller.signal);
    controller.abort(new Error('changed my mind'));
    await expect(passed).rejects.toThrow('changed my mind');
    expect(hasRun).toBe(false);
  });

  it('leaves no timer and no listener behind', async () => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 1, intervalCap: 1, intervalMs: 1000 }, clock);
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const all = [1, 2, 3].map((value) => gate.pass(() => Promise.resolve(value), controller.signal));
    await clock.advance(3000);
    await expect(Promise.all(all)).resolves.toEqual([1, 2, 3]);
    expect(add.mock.calls.length).toBeGreaterThan(0);
    expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
    expect(clock.pending).toBe(0);
  });

  // p-queue's own interval reads Date.now(): set back an hour, it would have held every dial up for that hour.
  it.each([
    ['back', -3_600_000],
    ['forth', 3_600_000],
  ])('does not care for a wall clock that steps %s an hour', async (_, stepMs) => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 4, intervalCap: 2, intervalMs: 1000 }, clock);
    const record = recorder(clock, 1);
    const all = [gate.pass(record.dial, never), gate.pass(record.dial, never), gate.pass(record.dial, never)];
    await clock.advance(100);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + stepMs });
    try {
      clock.wallOffsetMs += stepMs;
      all.push(gate.pass(record.dial, never));
      await clock.advance(2000);
      await Promise.all(all);
    } finally {
      vi.useRealTimers();
    }
    expect(record.begun).toEqual([0, 0, 1000, 1000]);
  });
});
