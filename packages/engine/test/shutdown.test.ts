import { spawn } from 'node:child_process';
import { EngineClosedError } from '@carillon/engine';
import type { Job, Receipt } from '@carillon/engine';
import { startSimulator } from '@carillon/simulator';
import { InlinePreparer } from '@carillon/payload';
import type { Preparer } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobOf, jobsOf, linesOf, openWorld, outcomes, reconcile, until } from './world.ts';

const slow = {
  faults: [{ id: 'slow', when: { on: 'request', every: 1 }, action: { kind: 'delay', delayMs: 50 } }],
} as const;

describe('Engine', () => {
  describe('drain', () => {
    it('finishes everything that was taken in, then closes, and may be called twice', async () => {
      await using world = await openWorld({ faults: slow, http2: { streamsMax: 100 } });
      const jobs = jobsOf(500);
      const receipts = collect(world.engine.sendBytes([linesOf(jobs)]));
      const sent = Promise.all(jobsOf(100).map((job) => world.engine.send({ ...job, id: `s-${job.id}` })));
      await until('pushes are on the wire', () => world.engine.stats().onWire > 10);
      const [first, second] = [world.engine.drain(), world.engine.drain()];
      await Promise.all([first, second]);
      expect(outcomes((await receipts).flat())).toEqual({ accepted: 500 });
      expect((await sent).every(({ kind }) => kind === 'accepted')).toBe(true);
      expectEmpty(world.engine);
      expect(world.engine.stats().connections).toBe(0);
      await expect(world.engine.send(jobOf(1))).rejects.toThrow(EngineClosedError);
      await expect(collect(world.engine.sendAll(jobs))).rejects.toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    });

    // What a feeder had read and not yet admitted came into a lane after the pool was closed, and stayed there.
    it('sends what feeders had read when it was called', async () => {
      await using world = await openWorld();
      let given = 0;
      async function* source(): AsyncGenerator<Job> {
        for (; given < 3;) yield jobOf(given++);
        await new Promise<never>(() => undefined);
      }
      const receipts = collect(world.engine.sendAll(source()));
      // Before the end of the turn: jobs are read, and not admitted yet.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      expect([given > 0, world.engine.stats().admitted]).toEqual([true, 0]);
      await world.engine.drain();
      const all = await receipts;
      expect(all.length).toBeGreaterThanOrEqual(1);
      expect(outcomes(all)).toEqual({ accepted: all.length });
    });

    it('waits for a batch that is still being prepared', async () => {
      const inline = new InlinePreparer();
      const preparer: Preparer = {
        prepare: async (chunk, firstLine, context) => {
          const copy = Buffer.from(chunk);
          await new Promise((resolve) => setTimeout(resolve, 30));
          return inline.prepare(copy, firstLine, context);
        },
        close: () => Promise.resolve(),
      };
      await using world = await openWorld({}, { seams: { preparer } });
      const receipts = collect(world.engine.sendBytes([linesOf(jobsOf(10))]));
      await new Promise((resolve) => setImmediate(resolve));
      await world.engine.drain();
      expect(outcomes((await receipts).flat())).toEqual({ accepted: 10 });
    });

    it('wakes those who wait for room, and does not wait for a consumer that takes nothing', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 50, receiptsMax: 50 } });
      world.engine.pause('news');
      const iterator = world.engine.sendAll(jobsOf(1000))[Symbol.asyncIterator]();
      const first = iterator.next();
      await until('it is full', () => world.engine.stats().jobs >= 50);
      const refused = world.engine.send(jobOf(1)).catch((error: unknown) => error);
      world.engine.resume('news');
      await world.engine.drain();
      expect(await refused).toBeInstanceOf(EngineClosedError);
      expect((await first).value).toMatchObject({ outcome: 'accepted' });
      expectEmpty(world.engine);
    });

    it('is over at once when nothing was ever sent', async () => {
      const world = await openWorld();
      await world.engine[Symbol.asyncDispose]();
      await world.engine.close();
      expect(world.engine.stats().dials).toBe(0);
      await world.simulator.close();
    });
  });

  describe('close', () => {
    it('settles everything at once: what waits surely unsent, what is on the wire as unknown', async () => {
      await using world = await openWorld({ faults: slow, http2: { streamsMax: 100 } });
      const jobs = jobsOf(1000);
      const receipts = collect(world.engine.sendBytes([linesOf(jobs)]));
      await until('pushes are on the wire', () => world.engine.stats().onWire > 50);
      const begun = performance.now();
      await Promise.all([world.engine.close(), world.engine.drain(), world.engine.close()]);
      expect(performance.now() - begun).toBeLessThan(2000);
      const all = (await receipts).flat();
      reconcile(world, jobs, all);
      const sentOnes = new Set(world.simulator.ledger.map(({ apnsId }) => apnsId));
      for (const { outcome, because, processed, apnsId } of all) {
        if (outcome === 'accepted') continue;
        expect(because).toBe('shutdown');
        if (processed === 'no') expect(sentOnes.has(apnsId ?? '')).toBe(false);
      }
      expect(all.some(({ processed }) => processed === 'unknown')).toBe(true);
      expect(all.some(({ processed }) => processed === 'no')).toBe(true);
    });

    it('ends a drain that would wait for long', async () => {
      await using world = await openWorld();
      world.simulator.setToken(jobOf(1).token ?? '', { kind: 'reply', status: 503, reason: 'ServiceUnavailable' });
      const [delayed, paused] = [world.engine.send(jobOf(1)), world.engine.send(jobOf(2))];
      await until('one is put off', () => world.engine.stats().putOff === 1);
      expect(await paused).toMatchObject({ kind: 'accepted' });
      const drained = world.engine.drain();
      await world.engine.close();
      await drained;
      expect(await delayed).toEqual({
        kind: 'abandoned',
        because: 'shutdown',
        processed: 'no',
        last: 'ServiceUnavailable',
      });
    });

    it('while it dials, abandons what waits', async () => {
      await using world = await openWorld({
        faults: { faults: [{ id: 'hang', when: { on: 'accept' }, action: { kind: 'handshake-hang' } }] },
      });
      const outcome = world.engine.send(jobOf(1));
      await until('it dials', () => world.engine.stats().dialing === 1);
      await world.engine.close();
      expect(await outcome).toMatchObject({ kind: 'abandoned', because: 'shutdown', processed: 'no' });
      expect(world.engine.stats()).toMatchObject({ dialing: 0, connections: 0 });
    });

    it('in the turn of a send, still settles it', async () => {
      await using world = await openWorld();
      const outcomesOf = jobsOf(5).map((job) => world.engine.send(job));
      const receipts: Promise<Receipt[]> = collect(world.engine.sendAll(jobsOf(5)));
      await world.engine.close();
      for (const outcome of await Promise.all(outcomesOf))
        expect(outcome).toMatchObject({ kind: 'abandoned', because: 'shutdown' });
      expect((await receipts).every(({ because }) => because === 'shutdown')).toBe(true);
      expectEmpty(world.engine);
    });
  });

  it('lets the process end after drain, without anybody calling exit', async () => {
    await using simulator = await startSimulator();
    const { endpoint, ca, keyPem: key, keyId, teamId } = simulator;
    const app = { topic: 'com.example.app', endpoint, ca, credential: { kind: 'token', key, keyId, teamId } };
    const program = `
      import { createEngine } from '@carillon/engine';
      const engine = createEngine({ apps: { news: ${JSON.stringify(app)} } });
      console.log((await engine.send(${JSON.stringify(jobOf(1))})).kind);
      await engine.drain();
      process.on('exit', () => console.log('ended after', Math.round(performance.now() - drained), 'ms'));
      const drained = performance.now();`;
    const child = spawn(process.execPath, ['--conditions=@carillon/source', '--input-type=module', '--eval', program], {
      cwd: new URL('.', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const text = (await collect(child.stdout as AsyncIterable<Buffer>)).join('');
    expect(text).toMatch(/^accepted\nended after \d+ ms\n$/);
    expect(Number(/after (\d+)/.exec(text)?.[1])).toBeLessThan(1500);
  });
});
