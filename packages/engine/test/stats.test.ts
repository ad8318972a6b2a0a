import { describe, expect, it } from 'vitest';
import { SkippingClock } from './skipping-clock.ts';
import { collect, jobsOf, newsApp, openWorld, outcomes, tokenOf } from './world.ts';

describe('Engine stats', () => {
  it('tell for each connection what it was answered, and for each lane how fast it sends and may', async () => {
    const clock = new SkippingClock();
    await using world = await openWorld(
      {},
      {
        seams: { clock },
        connectionsMax: 1,
        apps: (simulator) => ({
          news: newsApp(simulator, { ratePerSecond: 400 }),
          chat: newsApp(simulator, { topic: 'com.example.chat' }),
        }),
      },
    );
    world.simulator.setToken(tokenOf(1), { kind: 'bad' });
    world.simulator.setToken(tokenOf(2), { kind: 'unregistered' });
    world.simulator.setToken(tokenOf(3), { kind: 'bad' });
    const { engine } = world;
    const receipts = await collect(engine.sendAll(jobsOf(1200, () => ({ app: 'news' }))));
    expect(outcomes(receipts)).toEqual({ accepted: 1197, rejected: 2, unregistered: 1 });
    const [outlet] = engine.stats().outlets;
    const answered = outlet.connections.map(({ reasons }) => reasons);
    expect(answered).toContainEqual({ BadDeviceToken: 2, Unregistered: 1 });
    const [news, chat] = outlet.lanes;
    expect(news).toMatchObject({ app: 'news', perSecondMax: 400 });
    // 1,200 at 400 a second took 3 s: the mean is on its way there, and not past it by more than the burst.
    expect(news.perSecond).toBeGreaterThan(20);
    expect(news.perSecond).toBeLessThan(600);
    expect(chat).toMatchObject({ app: 'chat', perSecond: 0, perSecondMax: null });
    clock.skip(120_000);
    engine.stats();
    clock.skip(30_000);
    expect(engine.stats().outlets[0].lanes[0].perSecond).toBeLessThan(0.01);
  });
});
