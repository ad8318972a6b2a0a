import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../test/virtual-clock.ts';
import { headStartMs, raceAddresses } from './race.ts';
import type { Address } from './resolver.ts';

/** What becomes of an attempt: ms until it answers or fails; null: it never ends. */
type Fate = { answersAfter: number } | { failsAfter: number } | null;

class Course {
  readonly clock = new VirtualClock();
  readonly begun: [address: string, at: number][] = [];
  readonly failed: string[] = [];
  readonly discarded: string[] = [];
  readonly aborted: string[] = [];
  readonly controller = new AbortController();

  race(fates: Readonly<Record<string, Fate>>): Promise<{ value: string; address: string }> {
    const addresses = Object.keys(fates).map((address): Address => ({ address, family: 4 }));
    const result = raceAddresses(addresses, {
      clock: this.clock,
      signal: this.controller.signal,
      attempt: (address, signal) => this.#attempt(address, fates[address] ?? null, signal),
      discard: (late) => this.discarded.push(late),
      onFailed: (address) => this.failed.push(address),
      worse: (one) => one,
    });
    result.catch(() => undefined);
    return result;
  }

  #attempt(address: string, fate: Fate, signal: AbortSignal): Promise<string> {
    this.begun.push([address, this.clock.now()]);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted.push(address);
        reject(new Error('aborted'));
      });
      if (fate === null) return;
      if ('answersAfter' in fate) this.clock.setTimer(fate.answersAfter, () => resolve(`socket to ${address}`));
      else this.clock.setTimer(fate.failsAfter, () => reject(new Error(`${address} failed`)));
    });
  }
}

describe('The race of addresses', () => {
  it('tries one alone while that is quick', async () => {
    const course = new Course();
    const winner = course.race({ a: { answersAfter: 300 }, b: { answersAfter: 1 } });
    await course.clock.advance(5000);
    await expect(winner).resolves.toEqual({ value: 'socket to a', address: 'a' });
    expect(course).toMatchObject({ begun: [['a', 0]], failed: [], aborted: ['a'], discarded: [] });
    expect(course.clock.pending).toBe(0);
  });

  it('goes on at once when one fails', async () => {
    const course = new Course();
    const winner = course.race({ a: { failsAfter: 10 }, b: { failsAfter: 10 }, c: { answersAfter: 10 } });
    await course.clock.advance(100);
    await expect(winner).resolves.toMatchObject({ address: 'c' });
    expect(course.begun).toEqual([
      ['a', 0],
      ['b', 10],
      ['c', 20],
    ]);
    expect(course.failed).toEqual(['a', 'b']);
  });

  it('gives each that swallows packets a head start, and not the time of the others', async () => {
    const course = new Course();
    const winner = course.race({ a: null, b: null, c: { answersAfter: 200 } });
    await course.clock.advance(2 * headStartMs + 200);
    await expect(winner).resolves.toMatchObject({ address: 'c' });
    expect(course.begun.map(([, at]) => at)).toEqual([0, headStartMs, 2 * headStartMs]);
    // They were overtaken: the next dial tries them last.
    expect(course.failed).toEqual(['a', 'b']);
    expect(course.aborted.sort()).toEqual(['a', 'b', 'c']);
  });

  it('lets a slow one win after all, and blames nobody who began later', async () => {
    const course = new Course();
    const winner = course.race({ a: { answersAfter: 1500 }, b: null });
    await course.clock.advance(1500);
    await expect(winner).resolves.toMatchObject({ address: 'a' });
    expect(course.failed).toEqual([]);
  });

  it('discards what answers at the same moment as the winner', async () => {
    const course = new Course();
    const winner = course.race({ a: { answersAfter: 1200 }, b: { answersAfter: 200 } });
    await course.clock.advance(1200);
    await winner;
    expect(course.discarded.length + course.aborted.filter((address) => address === 'b').length).toBeGreaterThan(0);
  });

  it('fails when the last has failed, whoever that is', async () => {
    const course = new Course();
    const winner = course.race({ a: { failsAfter: 5000 }, b: { failsAfter: 10 }, c: { failsAfter: 10 } });
    await course.clock.advance(4999);
    await expect(Promise.race([winner, Promise.resolve('open')])).resolves.toBe('open');
    await course.clock.advance(1);
    await expect(winner).rejects.toThrow('b failed');
    expect(course.failed).toEqual(['b', 'c', 'a']);
    expect(course.clock.pending).toBe(0);
  });

  it('ends at once when it is aborted, before or in the middle', async () => {
    const course = new Course();
    const winner = course.race({ a: null, b: null });
    await course.clock.advance(1100);
    course.controller.abort(new Error('enough'));
    await expect(winner).rejects.toThrow('enough');
    expect(course).toMatchObject({ failed: [] });
    expect(course.aborted.sort()).toEqual(['a', 'b']);
    expect(course.clock.pending).toBe(0);
    const early = new Course();
    early.controller.abort(new Error('never began'));
    await expect(early.race({ a: null })).rejects.toThrow('never began');
    expect(early.begun).toEqual([]);
  });
});
