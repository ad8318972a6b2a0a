import { createEngine } from '@carillon/engine';
import { broadcast, updateLiveActivity } from '@carillon/payload';
import { startSimulator } from '@carillon/simulator';
import type { Simulator, SimulatorOptions } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import type { Engine } from '@carillon/engine';
import { collect, linesOf, newsApp, outcomes, tokenOf } from './world.ts';

const payload = { aps: { event: 'update', 'content-state': { score: 3 } } };

interface Stadium extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly engine: Engine;
}

async function open(options: SimulatorOptions = {}): Promise<Stadium> {
  const simulator = await startSimulator({ ledger: { kind: 'memory' }, ...options });
  const engine = createEngine({ apps: { news: newsApp(simulator, { channelsEndpoint: simulator.channelsEndpoint }) } });
  return {
    simulator,
    engine,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await simulator.close();
    },
  };
}

describe.each(['frames', 'node'] as const)('Engine and the channels of the simulator on %s', (stack) => {
  it('makes a channel, broadcasts to it among pushes, and deletes it', async () => {
    await using world = await open({ stack });
    const { engine, simulator } = world;
    const { channel } = await engine.channels.create({ app: 'news', storagePolicy: 'most-recent' });
    const { channel: other } = await engine.channels.create({ app: 'news', storagePolicy: 'none' });
    expect(await engine.channels.read({ channel })).toMatchObject({ storagePolicy: 'most-recent' });
    expect((await engine.channels.list()).channels).toEqual([channel, other]);

    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const jobs = Array.from({ length: 90 }, (_, number) => {
      if (number % 3 === 0) return { id: `${number}`, channel, payload, expiration: inAnHour };
      return number % 3 === 1
        ? { id: `${number}`, channel: other, payload, priority: 5 }
        : { id: `${number}`, token: tokenOf(number), payload: { aps: { alert: 'Goal' } } };
    });
    const receipts = (await collect(engine.sendBytes([linesOf(jobs)]))).flat();
    expect(outcomes(receipts)).toEqual({ accepted: 90 });
    expect(simulator.stats()).toMatchObject({ requests: 90, broadcasts: 60, channels: 2 });
    const byId = new Map(receipts.map((receipt) => [receipt.apnsId, receipt]));
    for (const { apnsId, channel: named } of simulator.ledger) expect(byId.get(apnsId)?.channel).toBe(named);

    expect(await engine.channels.delete({ channel })).toMatchObject({ wasThere: true });
    expect(await engine.channels.delete({ channel })).toMatchObject({ wasThere: false });
    expect((await engine.channels.list()).channels).toEqual([other]);
    await expect(engine.channels.read({ channel })).rejects.toMatchObject({
      code: 'ERR_CHANNEL_NOT_FOUND',
      reason: 'ChannelNotRegistered',
    });
  });

  it('sends what the builders of notifications make', async () => {
    await using world = await open({ stack });
    const { channel } = await world.engine.channels.create({ storagePolicy: 'none' });
    const goal = updateLiveActivity({ timestamp: new Date(), contentState: { home: 3, away: 1 }, priority: 5 });
    const outcome = await world.engine.send({ app: 'news', ...broadcast(channel, goal) });
    expect(outcome).toMatchObject({ kind: 'accepted' });
    expect(world.simulator.ledger).toMatchObject([{ channel, pushType: 'liveactivity', priority: '5' }]);
  });

  it('hears what is wrong with a broadcast', async () => {
    await using world = await open({ stack });
    const { engine } = world;
    const { channel } = await engine.channels.create({ storagePolicy: 0 });
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const reasons = await Promise.all(
      [
        { channel, payload, expiration: inAnHour },
        { channel: 'AAAAAAAAAAAAAAAAAAAAAA==', payload },
        { channel, payload, topic: 'com.example.other' },
      ].map(async (job) => {
        const outcome = await engine.send(job);
        return outcome.kind === 'rejected' ? `${outcome.status} ${outcome.reason}` : outcome.kind;
      }),
    );
    // A channel belongs to one app: for another one the id never was.
    expect(reasons).toEqual(['400 BadExpirationDate', '400 BadChannelId', '400 BadChannelId']);
  });

  it('hears why a channel cannot be made', async () => {
    await using world = await open({ stack, rules: { channelsMax: 1 } });
    await world.engine.channels.create({ storagePolicy: 'none' });
    await expect(world.engine.channels.create({ storagePolicy: 'none' })).rejects.toMatchObject({
      code: 'ERR_CHANNEL_LIMIT',
      status: 400,
      reason: 'CannotCreateChannelConfig',
    });
    await using off = await open({ stack, rules: { broadcastBundleIds: [] } });
    await expect(off.engine.channels.create({ storagePolicy: 'none' })).rejects.toMatchObject({
      code: 'ERR_CHANNEL_NOT_ENABLED',
      reason: 'BroadcastFeatureNotEnabled',
    });
  });

  it('is clean in the eyes of the referee', async () => {
    await using world = await open({ stack, referee: true });
    const { channel } = await world.engine.channels.create({ storagePolicy: 'none' });
    const jobs = Array.from({ length: 200 }, (_, number) => ({ id: `${number}`, channel, payload }));
    const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
    expect(outcomes(receipts)).toEqual({ accepted: 200 });
    expect(world.simulator.report()).toMatchObject({ verdict: 'clean' });
  });
});
