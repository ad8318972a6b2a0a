import { EngineFullError } from '@carillon/engine';
import type { Job, Receipt } from '@carillon/engine';
import { describe, expect, it } from 'vitest';
import {
  collect,
  expectEmpty,
  jobOf,
  jobsOf,
  linesOf,
  openWorld,
  outcomes,
  reconcile,
  tokenOf,
  until,
} from './world.ts';

describe('Engine', () => {
  describe('with a source without end', () => {
    it('pulls no more than there is room for while nothing can be sent', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 1000 } });
      world.engine.pause('news');
      let pulled = 0;
      function* endless(): Generator<Job> {
        for (;;) yield jobOf(pulled++);
      }
      const iterator = world.engine.sendAll(endless())[Symbol.asyncIterator]();
      const first = iterator.next();
      await until('it is full', () => world.engine.stats().jobs >= 1000);
      const before = pulled;
      expect(before).toBeLessThanOrEqual(1000 + 256);
      expect(await world.engine.send(jobOf(1), { whenFull: 'wait', signal: AbortSignal.timeout(50) })).toMatchObject({
        because: 'cancelled',
      });
      expect(pulled).toBe(before);
      world.engine.resume('news');
      expect((await first).value).toMatchObject({ outcome: 'accepted' });
      await iterator.return?.();
      await until('what was on the wire has ended', () => world.engine.stats().jobs === 0);
      expectEmpty(world.engine);
    });

    // Found by a simulated world (seed 101029): a batch that never fills was never a reason to wait for room, and a source
    // that gives one job in each turn was pulled without end.
    it('pulls no more from a source that gives its jobs one by one', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 10, receiptsMax: 20 } });
      world.engine.pause('news');
      let pulled = 0;
      async function* slow(): AsyncGenerator<Job> {
        for (;;) {
          yield jobOf(pulled++);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      const iterator = world.engine.sendAll(slow())[Symbol.asyncIterator]();
      const first = iterator.next();
      await until('it is full', () => world.engine.stats().jobs >= 10);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toBeLessThanOrEqual(12);
      world.engine.resume('news');
      await first;
      await until('nobody takes the receipts', () => world.engine.stats().jobs === 0 && pulled > 20);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toBeLessThanOrEqual(1 + 20 + 12);
      await iterator.return?.();
    });

    it('stops pulling when nobody takes the receipts, and goes on when somebody does', async () => {
      await using world = await openWorld({}, { limits: { receiptsMax: 500, jobsMax: 1000 } });
      let pulled = 0;
      function* chunks(): Generator<Buffer> {
        for (;;) yield linesOf(jobsOf(100).map((job) => ({ ...job, id: `x-${pulled++}` })));
      }
      const iterator = world.engine.sendBytes(chunks())[Symbol.asyncIterator]();
      let taken = ((await iterator.next()).value ?? []).length;
      await until('the engine is at rest', () => world.engine.stats().jobs === 0 && pulled > 500);
      const before = pulled;
      expect(before).toBeLessThanOrEqual(taken + 500 + 1000 + 2 * 700);
      await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toBe(before);
      while (taken <= before) taken += ((await iterator.next()).value ?? []).length;
      expect(pulled).toBeGreaterThan(before);
      await iterator.return?.();
    });

    it('pulls by bytes, too', async () => {
      await using world = await openWorld({}, { limits: { jobBytesMax: 200_000 } });
      world.engine.pause('news');
      const big = (number: number): Job => jobOf(number, { payload: { aps: { alert: 'x'.repeat(3000) } } });
      const receipts = collect(world.engine.sendBytes(jobsOf(500).map((_, number) => linesOf([big(number)]))));
      await until('it is full', () => world.engine.stats().jobBytes >= 200_000);
      expect(world.engine.stats().jobBytes).toBeLessThan(200_000 + 2 * 65_536);
      world.engine.resume('news');
      expect(outcomes((await receipts).flat())).toEqual({ accepted: 500 });
    });
  });

  describe('send, when the engine is full', () => {
    // Each held the bytes of its whole batch: with one in a hundred put off, nothing more was let in for minutes.
    it('goes on while a few pushes of every batch wait for long', async () => {
      await using world = await openWorld({}, { limits: { jobBytesMax: 300_000 } });
      const jobs = jobsOf(6000);
      for (let number = 0; number < jobs.length; number += 100)
        world.simulator.setToken(tokenOf(number), { kind: 'throttled', retryAfter: '3', times: 1 });
      const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
      expect(outcomes(receipts)).toEqual({ accepted: 6000 });
      const late = receipts.findIndex(({ attempts }) => attempts > 1);
      expect(late, 'all others were settled before the first of those that waited').toBeGreaterThanOrEqual(5900);
      expectEmpty(world.engine);
    });

    it('refuses with a typed error where that is asked for, and waits otherwise', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 10 } });
      world.engine.pause('news');
      const sent = jobsOf(10).map((job) => world.engine.send(job));
      await expect(world.engine.send(jobOf(11), { whenFull: 'refuse' })).rejects.toThrow(EngineFullError);
      await expect(world.engine.send(jobOf(11), { whenFull: 'refuse' })).rejects.toMatchObject({
        code: 'ERR_ENGINE_FULL',
      });
      const waiting = jobsOf(30).map((job) => world.engine.send(job));
      expect(world.engine.stats().jobs).toBe(10);
      world.engine.resume('news');
      const all = await Promise.all([...sent, ...waiting]);
      expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
      expectEmpty(world.engine);
    });
  });

  describe('with a signal', () => {
    it('that is aborted before, sends nothing', async () => {
      await using world = await openWorld();
      const signal = AbortSignal.abort();
      expect(await world.engine.send(jobOf(1), { signal })).toEqual({
        kind: 'abandoned',
        because: 'cancelled',
        processed: 'no',
        last: null,
      });
      expect(await collect(world.engine.sendAll(jobsOf(10), { signal }))).toEqual([]);
      expect(world.engine.stats()).toMatchObject({ admitted: 0, dials: 0 });
    });

    it('that is aborted while jobs wait, gives those up, each with its receipt', async () => {
      await using world = await openWorld();
      world.engine.pause('news');
      const controller = new AbortController();
      const receipts = collect(world.engine.sendAll(jobsOf(700), { signal: controller.signal }));
      const sent = jobsOf(300).map((job) => world.engine.send(job, { signal: controller.signal }));
      const kept = world.engine.send(jobOf(1));
      await until('all wait', () => world.engine.stats().waiting === 1001);
      controller.abort();
      expect(outcomes(await receipts)).toEqual({ abandoned: 700 });
      const because = (await Promise.all(sent)).map((outcome) => outcome.kind === 'abandoned' && outcome.because);
      expect(new Set(because)).toEqual(new Set(['cancelled']));
      expect(world.engine.stats().waiting).toBe(1);
      world.engine.resume('news');
      expect(await kept).toMatchObject({ kind: 'accepted' });
    });

    it('that is aborted in the turn of the send, still settles it', async () => {
      await using world = await openWorld();
      const controller = new AbortController();
      const outcome = world.engine.send(jobOf(1), { signal: controller.signal });
      controller.abort();
      expect(await outcome).toMatchObject({ kind: 'abandoned', because: 'cancelled' });
      expectEmpty(world.engine);
    });

    // After the abort a push that was refused went back to its lane, and was sent again.
    it('that is aborted while a push is on the wire, lets it end, and does not send it again', async () => {
      await using world = await openWorld();
      world.simulator.setToken(jobOf(1).token ?? '', {
        kind: 'reply',
        status: 503,
        reason: 'ServiceUnavailable',
        retryAfter: '1',
        delayMs: 100,
      });
      const controller = new AbortController();
      const outcome = world.engine.send(jobOf(1), { signal: controller.signal });
      await until('it is on the wire', () => world.engine.stats().onWire === 1);
      controller.abort();
      expect(await outcome).toMatchObject({
        kind: 'abandoned',
        because: 'cancelled',
        processed: 'no',
        last: 'ServiceUnavailable',
      });
      expect(world.simulator.ledger).toHaveLength(1);
    });

    it('to stop, finishes what was read and reads no more, also from a source that hangs', async () => {
      await using world = await openWorld();
      const stop = new AbortController();
      let isReturned = false;
      const source = {
        [Symbol.asyncIterator]: () => {
          let given = 0;
          return {
            next: () =>
              given < 50
                ? Promise.resolve({ done: false as const, value: jobOf(given++) })
                : new Promise<never>(() => undefined),
            return: () => ((isReturned = true), new Promise<never>(() => undefined)),
          };
        },
      };
      const receipts = collect(world.engine.sendAll(source, { stop: stop.signal }));
      await until('all are accepted', () => world.engine.stats().accepted === 50);
      stop.abort();
      expect(outcomes(await receipts)).toEqual({ accepted: 50 });
      expect(isReturned).toBe(true);
    });
  });

  describe('with a caller or a source that breaks off', () => {
    it('gives up what waits for a consumer that left, and tells the source', async () => {
      await using world = await openWorld({ http2: { streamsMax: 5 } }, { connectionsMax: 1 });
      let isClosed = false;
      function* source(): Generator<Job> {
        try {
          for (let number = 0; ; number++) yield jobOf(number);
        } finally {
          isClosed = true;
        }
      }
      for await (const receipt of world.engine.sendAll(source())) {
        expect(receipt.outcome).toBe('accepted');
        break;
      }
      await until('nothing is under way', () => world.engine.stats().jobs === 0);
      expect(isClosed).toBe(true);
      expectEmpty(world.engine);
    });

    // Found by a simulated world (seed 154): the jobs that had not left the builder were sent after the call was over, and
    // nobody got their receipts.
    it('hands it on as late when the source fails in the turn in which it gave jobs', async () => {
      await using world = await openWorld();
      function* source(): Generator<Job> {
        yield* jobsOf(5);
        throw new Error('the source is broken');
      }
      const receipts: Receipt[] = [];
      const taking = (async () => {
        for await (const receipt of world.engine.sendAll(source())) receipts.push(receipt);
      })();
      await expect(taking).rejects.toThrow('the source is broken');
      reconcile(world, jobsOf(5), receipts);
      expect(outcomes(receipts)).toEqual({ accepted: 5 });
    });

    it('hands on the error of the source after the receipts of all it gave', async () => {
      await using world = await openWorld();
      async function* source(): AsyncGenerator<Job> {
        for (const job of jobsOf(300)) yield job;
        await Promise.resolve();
        throw new Error('the disk is gone');
      }
      const receipts: unknown[] = [];
      const reading = (async () => {
        for await (const receipt of world.engine.sendAll(source())) receipts.push(receipt);
      })();
      await expect(reading).rejects.toThrow('the disk is gone');
      expect(receipts).toHaveLength(300);
      expectEmpty(world.engine);
    });
  });
});
