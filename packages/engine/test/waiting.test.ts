import { describe, expect, it } from 'vitest';
import type { EngineOptions } from '@carillon/engine';
import {
  collect,
  expectEmpty,
  jobOf,
  jobsOf,
  linesOf,
  newsApp,
  openWorld,
  outcomes,
  reconcile,
  until,
} from './world.ts';
import type { World } from './world.ts';

function arrivals(world: World): number[] {
  return world.simulator.ledger.map(({ at }) => Date.parse(at));
}

function twoApps(simulator: Parameters<typeof newsApp>[0]): EngineOptions['apps'] {
  return { news: newsApp(simulator, { weight: 3 }), chat: newsApp(simulator, { topic: 'com.example.chat' }) };
}

describe('Engine', () => {
  describe('with a rate cap', () => {
    it('sends no more than that over all apps', async () => {
      await using world = await openWorld({}, { ratePerSecond: 500 });
      const jobs = jobsOf(600);
      const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
      expect(outcomes(receipts)).toEqual({ accepted: 600 });
      const times = arrivals(world);
      const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
      // A tenth of a second's worth leaves at once: 550 take 1.1 s.
      expect(spanMs).toBeGreaterThan(1000);
      expect(spanMs).toBeLessThan(2500);
      for (const from of times)
        expect(times.filter((at) => at >= from && at < from + 200).length).toBeLessThanOrEqual(500 * 0.2 + 50 + 60);
    });

    it('sends no more than that for the app, and the other app at full speed', async () => {
      await using world = await openWorld(
        {},
        {
          apps: (simulator) => ({
            news: newsApp(simulator, { ratePerSecond: 200 }),
            chat: newsApp(simulator, { topic: 'com.example.chat' }),
          }),
        },
      );
      const receipts = await collect(
        world.engine.sendAll(jobsOf(600, (number) => ({ app: number < 200 ? 'news' : 'chat' }))),
      );
      expect(outcomes(receipts)).toEqual({ accepted: 600 });
      const timesOf = (topic: string): number[] =>
        world.simulator.ledger.filter((entry) => entry.topic === topic).map(({ at }) => Date.parse(at));
      const [news, chat] = [timesOf('com.example.app'), timesOf('com.example.chat')];
      expect((news.at(-1) ?? 0) - (news[0] ?? 0)).toBeGreaterThan(700);
      expect((chat.at(-1) ?? 0) - (chat[0] ?? 0)).toBeLessThan(500);
    });
  });

  describe('with priorities and weights', () => {
    it('sends priority 10 first, and the others all the same', async () => {
      await using world = await openWorld({ http2: { streamsMax: 1 } }, { connectionsMax: 1 });
      const priorities = [1, 5, 10] as const;
      world.engine.pause('news');
      const all = collect(world.engine.sendAll(jobsOf(240, (number) => ({ priority: priorities[number % 3] ?? 10 }))));
      await until('all wait', () => world.engine.stats().waiting === 240);
      world.engine.resume('news');
      expect(outcomes(await all)).toEqual({ accepted: 240 });
      const order = world.simulator.ledger.map(({ priority }) => priority);
      const first = order.slice(0, 80);
      expect(first.filter((priority) => priority === '10')).toHaveLength(50);
      expect(first.filter((priority) => priority === '5')).toHaveLength(20);
      expect(first.filter((priority) => priority === '1')).toHaveLength(10);
    });

    it('shares a connection between apps by weight', async () => {
      await using world = await openWorld({ http2: { streamsMax: 1 } }, { connectionsMax: 1, apps: twoApps });
      for (const app of ['news', 'chat']) world.engine.pause(app);
      const all = collect(world.engine.sendAll(jobsOf(400, (number) => ({ app: number % 2 === 0 ? 'news' : 'chat' }))));
      await until('all wait', () => world.engine.stats().waiting === 400);
      for (const app of ['news', 'chat']) world.engine.resume(app);
      expect(outcomes(await all)).toEqual({ accepted: 400 });
      const news = world.simulator.ledger.slice(0, 128).filter(({ topic }) => topic === 'com.example.app').length;
      expect(news).toBeGreaterThanOrEqual(80);
      expect(news).toBeLessThanOrEqual(112);
    });
  });

  describe('when an app is paused', () => {
    it('sends nothing for it, goes on with the others, and sends all when it is resumed', async () => {
      await using world = await openWorld({}, { apps: twoApps });
      world.engine.pause('news');
      const paused = collect(world.engine.sendAll(jobsOf(100, () => ({ app: 'news' }))));
      expect(outcomes(await collect(world.engine.sendAll(jobsOf(100, () => ({ app: 'chat' })))))).toEqual({
        accepted: 100,
      });
      expect(world.simulator.ledger.some(({ topic }) => topic === 'com.example.app')).toBe(false);
      world.engine.resume('news');
      expect(outcomes(await paused)).toEqual({ accepted: 100 });
      expect(() => world.engine.pause('shop')).toThrow(/not configured/);
    });

    // The time of the pause counted as silence of the gateway: everything was abandoned as unreachable on resume.
    it('does not take the time of a pause for silence of the gateway', async () => {
      // Answers take longer than the engine's next look at the clock.
      const faults = {
        faults: [{ id: 'slow', when: { on: 'request', every: 1 }, action: { kind: 'delay', delayMs: 250 } }],
      } as const;
      await using world = await openWorld({ faults }, { giveUpAfterMs: 600 });
      world.engine.pause('news');
      const begun = performance.now();
      const receipts = collect(world.engine.sendAll(jobsOf(50)));
      await until('the pause is longer than giveUpAfterMs', () => performance.now() - begun > 800);
      expect(world.engine.stats().waiting).toBe(50);
      world.engine.resume('news');
      expect(outcomes(await receipts)).toEqual({ accepted: 50 });
    });

    it('still abandons what reaches its deadline', async () => {
      await using world = await openWorld();
      world.engine.pause('news');
      const outcome = await world.engine.send(jobOf(1, { deadline: new Date(Date.now() + 50) }));
      expect(outcome).toEqual({ kind: 'abandoned', because: 'deadline', processed: 'no', last: null });
      expectEmpty(world.engine);
    });
  });

  describe('with deadlines', () => {
    it('abandons a job whose deadline has passed without sending it', async () => {
      await using world = await openWorld();
      const jobs = jobsOf(20, (number) => (number % 2 === 0 ? { deadline: new Date(Date.now() - 1000) } : {}));
      const receipts = await collect(world.engine.sendAll(jobs));
      expect(outcomes(receipts)).toEqual({ accepted: 10, abandoned: 10 });
      expect(
        receipts
          .filter(({ because }) => because === 'deadline')
          .every(({ attempts, processed }) => attempts === 0 && processed === 'no'),
      ).toBe(true);
      reconcile(world, jobs, receipts);
    });

    it('gives up at once what would have to wait for longer than its deadline', async () => {
      await using world = await openWorld();
      world.simulator.setToken(jobOf(1).token ?? '', { kind: 'reply', status: 503, reason: 'ServiceUnavailable' });
      const outcome = await world.engine.send(jobOf(1, { deadline: new Date(Date.now() + 60_000) }));
      expect(outcome).toMatchObject({
        kind: 'abandoned',
        because: 'deadline',
        processed: 'no',
        last: 'ServiceUnavailable',
      });
    });
  });

  describe('when the event loop was blocked', () => {
    it('does not take that for silence of the gateway', async () => {
      // One stream at a time: most of them wait in the lane meanwhile.
      await using world = await openWorld({ http2: { streamsMax: 1 } }, { giveUpAfterMs: 1200, connectionsMax: 1 });
      expect(await world.engine.send(jobOf(0))).toMatchObject({ kind: 'accepted' });
      const receipts = collect(world.engine.sendAll(jobsOf(200)));
      await until('all are taken in', () => world.engine.stats().admitted === 201);
      const end = performance.now() + 1500;
      while (performance.now() < end);
      expect(outcomes(await receipts)).toEqual({ accepted: 200 });
    });
  });
});
