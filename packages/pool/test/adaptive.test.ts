// What a connection's limiter does to its pool: slow start, overload, and when to dial.
import { defaultLimiterPolicy } from '@carillon/pool';
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';
import { ErrorCode, SettingId } from './gateway.ts';
import type { Gateway } from './gateway.ts';

/** Answers everything that waits, `latencyMs` after it came in. */
async function answerLate(world: GatewayWorld, latencyMs: number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const waiting = world.gateways.map((gateway): [Gateway, number[]] => [gateway, [...gateway.waiting]]);
    await world.clock.advance(latencyMs);
    for (const [gateway, ids] of waiting) for (const id of ids) gateway.answer(id);
    await world.clock.settle();
  }
}

const openStreams = (world: GatewayWorld): number[] => world.pool.connections.map((one) => one.openStreams);

describe('A pool whose connections limit themselves', () => {
  it('begins with 100 streams on a connection and doubles them each round trip, and dials no second meanwhile', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(3000, 10);
    const seen = [openStreams(world)];
    for (let round = 0; round < 4; round++) {
      expect(world.dialledAt).toHaveLength(1);
      await answerLate(world, 80, 1);
      seen.push(openStreams(world));
    }
    expect(seen).toEqual([[100], [200], [400], [800], [1000]]);
    // Now it is full of streams, and work waits.
    await world.clock.advance(300);
    expect(world.dialledAt).toHaveLength(2);
    await world.close();
  });

  it('opens fewer streams when answers come late, and dials no more connections for it', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(20_000, 10);
    await answerLate(world, 50, 3);
    expect(openStreams(world)).toEqual([800]);
    await answerLate(world, 300, 20);
    const [connection] = world.pool.connections;
    expect(connection.limiter.streams).toBeLessThan(100);
    expect(connection.limiter.fellBecause).toBe('latency');
    expect(connection.openStreams).toBeLessThanOrEqual(connection.limiter.streams);
    expect(world.dialledAt).toHaveLength(1);
    expect(world.jobs.waiting).toBeGreaterThan(0);
    await world.close();
  });

  it('dials another when one that it holds back has said nothing for a second: it may be gone', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(1000, 10);
    await world.clock.advance(900);
    expect(world.dialledAt).toHaveLength(1);
    await world.clock.advance(500);
    expect(world.dialledAt).toHaveLength(2);
    await world.close();
  });

  it('takes the place of a refused stream away, so that it is not tried again in it', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(1000, 10);
    const gateway = world.last;
    for (const id of [...gateway.waiting].slice(0, 30)) gateway.reset(id, ErrorCode.refusedStream);
    await world.clock.advance(1);
    expect(openStreams(world)).toEqual([70]);
    expect(world.pool.connections[0].limiter).toMatchObject({ falls: 1, fellBecause: 'refused' });
    await world.close();
  });

  it('does not take a limit that the peer lowered for an overload, though it refuses what was above', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(1000, 10);
    const gateway = world.last;
    gateway.settings([[SettingId.maxConcurrentStreams, 1]]);
    for (const id of [...gateway.waiting].slice(1)) gateway.reset(id, ErrorCode.refusedStream);
    await world.clock.advance(1);
    expect(openStreams(world)).toEqual([1]);
    expect(world.pool.connections[0].limiter).toMatchObject({ streams: 100, falls: 0 });
    gateway.settings([[SettingId.maxConcurrentStreams, 1000]]);
    await world.clock.advance(200);
    expect(openStreams(world)).toEqual([100]);
    await world.close();
  });

  it('never goes above the live limit of the peer, and waits at 0', async () => {
    const world = new GatewayWorld(() => ({ answers: false, settings: [[SettingId.maxConcurrentStreams, 40]] }), {
      connectionsMax: 1,
    });
    await world.send(1000, 10);
    await answerLate(world, 50, 3);
    expect(openStreams(world)).toEqual([40]);
    const gateway = world.last;
    gateway.settings([[SettingId.maxConcurrentStreams, 0]]);
    await answerLate(world, 50, 3);
    expect(openStreams(world)).toEqual([0]);
    gateway.settings([[SettingId.maxConcurrentStreams, 40]]);
    await world.clock.advance(200);
    expect(openStreams(world)).toEqual([40]);
    expect(gateway.streamsPeak).toBeLessThanOrEqual(41);
    await world.close();
  });

  it('falls when its owner says that the gateway has too much to do', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    world.jobs.onEvent = (event, connection) => {
      if (event === 'reply') connection?.overloaded();
    };
    await world.send(1000, 10);
    await world.clock.advance(50);
    for (const id of [...world.last.waiting].slice(0, 20)) world.last.answer(id, 503);
    await world.clock.advance(1);
    expect(openStreams(world)).toEqual([80]);
    expect(world.pool.connections[0].limiter.fellBecause).toBe('overload');
    await world.close();
  });

  it('counts a request that was never answered', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { requestTimeoutMs: 2000, connectionsMax: 1 });
    await world.send(100, 10);
    await world.clock.advance(2500);
    expect(world.jobs.failed).toHaveLength(100);
    expect(world.pool.connections[0].limiter).toMatchObject({ fellBecause: 'timeout', streams: 50 });
    await world.close();
  });

  it('holds nothing against the gateway in time in which our event loop stood still', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(20_000, 10);
    await answerLate(world, 50, 4);
    for (let times = 0; times < 5; times++) {
      await world.clock.jump(400);
      world.last.answerAll();
      await world.clock.settle();
    }
    expect(world.pool.connections[0].limiter.falls).toBe(0);
    await world.close();
  });

  it('goes on from what an earlier connection to the address learned of its floor', async () => {
    const limiter = { ...defaultLimiterPolicy, startStreams: 10 };
    const world = new GatewayWorld(() => ({ answers: false, settings: [[SettingId.maxConcurrentStreams, 10]] }), {
      limiter,
      connectionsMax: 2,
    });
    await world.send(1000, 10);
    await answerLate(world, 50, 3);
    await world.clock.advance(300);
    expect(world.pool.connections).toHaveLength(2);
    expect(world.pool.connections[1].limiter.floorMs).toBe(world.pool.connections[0].limiter.floorMs);
    await world.close();
  });
});
