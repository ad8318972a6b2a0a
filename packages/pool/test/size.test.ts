// How many connections a pool has: growth by starvation, shares of the work, shrinking, and replacement by age.
import { defaultLimiterPolicy, TransportError } from '@carillon/pool';
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';
import { SettingId } from './gateway.ts';

const refused = (): Error =>
  new TransportError('ERR_TRANSPORT_DIAL_REFUSED', 'gateway.example:443', 'connection refused');

describe('A pool with more work than slots', () => {
  it('grows one connection at a time while work waits, up to its maximum', async () => {
    const world = new GatewayWorld(() => ({ answers: false, settings: [[SettingId.maxConcurrentStreams, 10]] }), {
      connectionsMax: 3,
      growAfterMs: 100,
    });
    await world.send(100);
    expect(world.pool.stats()).toMatchObject({ connections: 1, openStreams: 10 });
    await world.clock.advance(200);
    expect(world.pool.stats()).toMatchObject({ connections: 2, openStreams: 20 });
    await world.clock.advance(5000);
    expect(world.pool.stats()).toMatchObject({ connections: 3, openStreams: 30, dials: 3 });
    // 100 ms of waiting, looked at every 100 ms, and a dial: none came earlier.
    expect(world.dialledAt[1] - world.dialledAt[0]).toBeGreaterThanOrEqual(100);
    expect(world.dialledAt[2] - world.dialledAt[1]).toBeGreaterThanOrEqual(100);
    await world.pool.close();
  });

  it('does not dial a second while the first growth is still on its way', async () => {
    const world = new GatewayWorld((ordinal) => (ordinal === 1 ? { answers: false } : 'hang'), {
      streamsMax: 2,
      growAfterMs: 10,
    });
    await world.send(10);
    await world.clock.advance(5000);
    expect(world.dialledAt).toHaveLength(2);
    await world.pool.close();
  });

  it('grows when the window is used up, though streams are free', async () => {
    const world = new GatewayWorld(() => ({ answers: false, opensWindow: false }));
    // 65,535 octets of window hold 15 bodies of 4 KiB.
    await world.send(20, 4096);
    expect(world.pool.stats().openStreams).toBe(15);
    await world.clock.advance(400);
    expect(world.pool.stats()).toMatchObject({ connections: 2, openStreams: 20 });
    await world.pool.close();
  });

  it('does not grow when work comes and goes and no slot is short', async () => {
    const world = new GatewayWorld(() => ({}), { growAfterMs: 0 });
    await world.send(1);
    for (let round = 0; round < 50; round++) await world.send(10);
    expect(world.dialledAt).toHaveLength(1);
    expect(world.jobs.replied).toHaveLength(501);
    await world.pool.close();
  });

  it('does not grow because a connection had its share and slots are left', async () => {
    const limiter = { ...defaultLimiterPolicy, startStreams: 500 };
    const policy = { growAfterMs: 0, connectionsMax: 4, streamsMax: 500, limiter };
    const world = new GatewayWorld(() => ({ answers: false }), policy);
    world.jobs.add(600);
    await world.clock.advance(300);
    expect(world.pool.stats().connections).toBe(2);
    const before = world.dialledAt.length;
    // 400 slots are free on the second: a reply on the first offers a share of 64 only, and the rest must find them.
    world.jobs.add(300);
    world.gateways[0].answerAll();
    await world.clock.advance(1000);
    expect(world.dialledAt.length).toBe(before);
    expect(world.jobs.waiting).toBe(0);
    await world.pool.close();
  });

  it('gives new work to the least loaded', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { growAfterMs: 0, streamsMax: 100 });
    world.jobs.add(101);
    await world.clock.advance(200);
    expect(world.gateways.map(({ requests }) => requests.length)).toEqual([100, 1]);
    world.gateways[0].answerAll();
    await world.clock.advance(20);
    world.jobs.add(60);
    await world.clock.advance(20);
    // 0 and 1 open: the first takes a share of 64.
    expect(world.gateways.map(({ waiting }) => waiting.size)).toEqual([60, 1]);
    world.jobs.add(60);
    await world.clock.advance(20);
    expect(world.gateways.map(({ waiting }) => waiting.size)).toEqual([60, 61]);
    await world.pool.close();
  });

  it('waits, and uses other connections, when the gateway allows no stream (N10)', async () => {
    const world = new GatewayWorld(
      (ordinal) => ({ settings: [[SettingId.maxConcurrentStreams, ordinal === 1 ? 0 : 100]] }),
      { requestTimeoutMs: 20_000 },
    );
    await world.send(10);
    expect(world.jobs.replied).toHaveLength(0);
    await world.clock.advance(500);
    expect(world.gateways.map(({ requests }) => requests.length)).toEqual([0, 10]);
    expect(world.jobs.replied).toHaveLength(10);
    await world.pool.close();
  });

  it('replaces a connection that has had no slot for as long as a request may take (N10, N14)', async () => {
    const world = new GatewayWorld(
      (ordinal) => ({ settings: [[SettingId.maxConcurrentStreams, ordinal === 1 ? 0 : 100]] }),
      { connectionsMax: 1, requestTimeoutMs: 20_000 },
    );
    await world.send(10);
    await world.clock.advance(19_000);
    expect(world.dialledAt).toHaveLength(1);
    await world.clock.advance(2000);
    expect(world.jobs.replied).toHaveLength(10);
    expect(world.pool.stats()).toMatchObject({ connections: 1, dials: 2 });
    await world.pool.close();
  });

  // Found by a simulated world (seed 327): a round trip of 700 ms and a patience of 500. Every connection was of no use, and
  // was replaced at once: more than one dial a second, for as long as there was work.
  it('dials ever more slowly while nothing it dials brings an answer', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), {
      connectionsMax: 1,
      isProbing: true,
      requestTimeoutMs: 500,
    });
    await world.send(500);
    await world.clock.advance(60_000);
    expect(world.dialledAt.length).toBeGreaterThan(3);
    expect(world.dialledAt.length).toBeLessThan(12);
    await world.close();
  });

  // Found by a simulated world (seed 24421): with one stream allowed, a single request without an answer ended the
  // connection as one of no use, over and over.
  it('keeps a connection that answers, though its only stream timed out', async () => {
    const world = new GatewayWorld(() => ({ settings: [[SettingId.maxConcurrentStreams, 1]] }), {
      connectionsMax: 1,
      requestTimeoutMs: 500,
    });
    await world.send(5);
    expect(world.jobs.replied).toHaveLength(5);
    for (let round = 0; round < 5; round++) {
      world.last.answers = false;
      world.jobs.add(3);
      await world.clock.advance(400);
      world.last.answers = true;
      await world.clock.advance(600);
    }
    expect(world.dialledAt).toHaveLength(1);
    await world.close();
  });

  it('goes on when the limit falls to 1 and rises again (N9)', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { connectionsMax: 1 });
    await world.send(20);
    const gateway = world.last;
    gateway.settings([[SettingId.maxConcurrentStreams, 1]]);
    await world.clock.advance(10);
    world.jobs.add(20);
    gateway.answerAll();
    await world.clock.advance(10);
    for (let round = 0; round < 5; round++) {
      expect(gateway.waiting.size).toBe(1);
      gateway.answerAll();
      await world.clock.advance(10);
    }
    gateway.settings([[SettingId.maxConcurrentStreams, 1000]]);
    await world.clock.advance(10);
    expect(gateway.waiting.size).toBe(15);
    gateway.answerAll();
    await world.clock.advance(10);
    expect(world.jobs.replied).toHaveLength(40);
    await world.pool.close();
  });

  it('sends one push at a time on a connection that is on probation, until its owner trusts it (N11)', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { isProbing: true, connectionsMax: 1 });
    await world.send(20);
    expect(world.last.waiting.size).toBe(1);
    world.last.answerAll();
    await world.clock.advance(10);
    expect(world.last.waiting.size).toBe(19);
    await world.pool.close();
  });
});

describe('A pool that has more connections than it needs', () => {
  async function grown(): Promise<GatewayWorld> {
    const world = new GatewayWorld(() => ({ answers: false }), {
      growAfterMs: 0,
      streamsMax: 10,
      shrinkAfterMs: 60_000,
    });
    world.jobs.add(40);
    await world.clock.advance(2000);
    expect(world.pool.stats().connections).toBe(4);
    for (const gateway of world.gateways) {
      gateway.answerAll();
      gateway.answers = true;
    }
    await world.clock.advance(10);
    return world;
  }

  it('shrinks to one after a while of idleness, gracefully', async () => {
    const world = await grown();
    await world.clock.advance(57_000);
    expect(world.pool.stats().connections).toBe(4);
    await world.clock.advance(5000);
    expect(world.pool.stats().connections).toBe(1);
    expect(world.gateways.map(({ goAways }) => goAways).sort((a, b) => a - b)).toEqual([0, 1, 1, 1]);
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['local', 'local', 'local']);
    // The one that stays does so for hours, kept alive by PINGs, and works.
    await world.clock.advance(3_600_000);
    expect(world.pool.stats()).toMatchObject({ connections: 1, dials: 4 });
    await world.send(5);
    expect(world.jobs.replied).toHaveLength(45);
    await world.pool.close();
  });

  it('keeps none where none need stay, and dials again for the next work', async () => {
    const world = new GatewayWorld(() => ({}), { connectionsMax: 1, connectionsMin: 0, shrinkAfterMs: 60_000 });
    await world.send(5);
    await world.clock.advance(59_000);
    expect(world.pool.stats().connections).toBe(1);
    await world.clock.advance(2000);
    expect(world.pool.stats()).toMatchObject({ connections: 0, dials: 1 });
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['local']);
    await world.send(5);
    await world.clock.advance(1000);
    expect(world.jobs.replied).toHaveLength(10);
    expect(world.pool.stats()).toMatchObject({ connections: 1, dials: 2 });
    await world.pool.close();
  });

  it('keeps those that are used', async () => {
    const world = await grown();
    for (let second = 0; second < 120; second++) {
      world.jobs.add(40);
      await world.clock.advance(1000);
    }
    expect(world.pool.stats().connections).toBe(4);
    await world.pool.close();
  });
});

describe('A connection whose time is over', () => {
  it.each([
    ['by age', { ageMaxMs: 10_000 }],
    ['by requests', { requestsMax: 50 }],
  ])('is replaced %s: the new one first, then the old one drains', async (_, policy) => {
    const world = new GatewayWorld((ordinal) => ({ answers: ordinal > 1 }), policy);
    world.dialMs = 500;
    world.jobs.add(60);
    await world.clock.advance(600);
    const [old] = world.pool.connections;
    // 0.9 of the age or of the requests: the jitter is half of a fifth.
    while (world.dialledAt.length < 2) await world.clock.advance(20);
    expect(old.isRetiring).toBe(true);
    // While the replacement is dialled the old one goes on taking work.
    world.jobs.add(5);
    await world.clock.advance(100);
    expect(world.gateways[0].requests).toHaveLength(65);
    await world.clock.advance(600);
    expect(world.pool.connections).toHaveLength(2);
    expect(old.isUsable).toBe(false);
    world.jobs.add(5);
    await world.clock.advance(50);
    expect(world.gateways.map(({ requests }) => requests.length)).toEqual([65, 5]);
    world.gateways[0].answerAll();
    await world.clock.advance(50);
    expect(world.pool.connections).toHaveLength(1);
    expect(world.jobs.replied).toHaveLength(70);
    expect(world.jobs.failed).toEqual([]);
    await world.pool.close();
  });

  it('stays as long as there is no replacement', async () => {
    const world = new GatewayWorld((ordinal) => (ordinal === 1 || ordinal > 5 ? {} : refused()), { ageMaxMs: 10_000 });
    await world.send(1);
    await world.clock.advance(10_000);
    for (let round = 0; round < 5; round++) await world.send(1);
    expect(world.jobs.replied).toHaveLength(6);
    expect(world.gateways).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(world.gateways.length).toBeGreaterThan(1);
    expect(world.pool.stats().connections).toBe(1);
    await world.send(1);
    expect(world.jobs.replied).toHaveLength(7);
    await world.pool.close();
  });

  it('has its replacement dialled again after a backoff when that fails, also while no work waits', async () => {
    // Refused; connected, but without SETTINGS; refused again; there.
    const world = new GatewayWorld(
      (ordinal) => (ordinal === 3 ? { settings: null } : ordinal === 2 || ordinal === 4 ? refused() : {}),
      { ageMaxMs: 10_000 },
    );
    await world.send(1);
    await world.clock.advance(10_000);
    const [old] = world.pool.connections;
    expect(old.isRetiring).toBe(true);
    // The replacement's own time is not over yet.
    await world.clock.advance(8000);
    expect(world.jobs.told('dial-failed')).toHaveLength(3);
    expect(world.dialledAt).toHaveLength(5);
    // Half of 500, 1000 and 2000 ms at the least: a backoff, not a look every 100 ms.
    const [, ...replacing] = world.dialledAt;
    for (const [at, leastMs] of [250, 500, 1000].entries())
      expect(replacing[at + 1] - replacing[at]).toBeGreaterThanOrEqual(leastMs);
    expect(world.pool.connections).toHaveLength(1);
    expect(world.pool.connections[0].id).toBeGreaterThan(old.id);
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['local']);
    await world.send(1);
    expect(world.jobs.replied).toHaveLength(2);
    await world.pool.close();
  });

  it('is not let go for the sake of another that was there before', async () => {
    const world = new GatewayWorld((ordinal) => (ordinal <= 2 ? { answers: false } : 'hang'), {
      growAfterMs: 0,
      streamsMax: 10,
      connectionsMax: 2,
      ageMaxMs: 10_000,
      requestTimeoutMs: 100_000,
    });
    world.jobs.add(15);
    await world.clock.advance(9200);
    const [first, second] = world.pool.connections;
    expect([first.isRetiring, second.isRetiring]).toContain(true);
    world.gateways[1].answerAll();
    await world.clock.advance(100);
    expect([first.isUsable, second.isUsable]).toEqual([true, true]);
    await world.pool.close();
  });

  it('retires alone: jitter sets apart what was opened together', async () => {
    const draws = [0.1, 0.9, 0.3, 0.7];
    let draw = 0;
    const world = new GatewayWorld(
      () => ({ answers: false }),
      { growAfterMs: 0, streamsMax: 1, connectionsMax: 4, ageMaxMs: 3_600_000 },
      { random: { next: () => draws[draw++ % draws.length] } },
    );
    world.jobs.add(4);
    await world.clock.advance(2000);
    const ends = world.pool.connections.map(({ retireAt, openedAt }) => Math.round((retireAt - openedAt) / 1000));
    expect(new Set(ends).size).toBeGreaterThan(1);
    for (const end of ends) expect(end).toBeGreaterThanOrEqual(2880);
    for (const end of ends) expect(end).toBeLessThanOrEqual(3600);
    await world.pool.close();
  });
});
