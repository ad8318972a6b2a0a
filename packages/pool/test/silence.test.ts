// Gateways that go silent, stop reading, or vanish: T2 to T6 of reliability.md over pipes in memory and virtual time.
// The same with real sockets is in faults.test.ts.
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';
import type { Gateway } from './gateway.ts';

/** The gateway's kernel goes on, its process stands still. */
function freeze(gateway: Gateway): void {
  gateway.stream.removeAllListeners('data');
  gateway.stream.pause();
}

describe('A pool whose gateway goes silent', () => {
  it.each([1, 100])('T3, T5: moves %i open streams to another connection within 5 s', async (streams) => {
    const world = new GatewayWorld((ordinal) => ({ answers: ordinal > 1 }));
    world.jobs.resendsAll = true;
    await world.send(streams);
    freeze(world.last);
    const frozenAt = world.clock.now();
    let movedAt = NaN;
    while (Number.isNaN(movedAt)) {
      await world.clock.advance(20);
      if (world.jobs.replied.length === streams) movedAt = world.clock.now();
      expect(world.clock.now() - frozenAt).toBeLessThan(10_000);
    }
    // Silence counts from the last byte; 5 s to call it dead, then backoff (a failed dial: it never answered) and dial.
    expect(movedAt - frozenAt).toBeLessThan(5000 + 500);
    const [closed] = world.jobs.told('closed');
    expect(closed.closure.kind).toBe('ping-timeout');
    expect(world.gateways[0].pings).toHaveLength(0);
    await world.close();
    expect(world.clientStreams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('T2: finds out within 70 s when nothing is on the wire, and dials nothing for it', async () => {
    const world = new GatewayWorld();
    await world.send(3);
    freeze(world.last);
    await world.clock.advance(69_000);
    expect(world.pool.connections).toHaveLength(1);
    await world.clock.advance(1500);
    expect(world.pool.connections).toHaveLength(0);
    expect(world.dialledAt).toHaveLength(1);
    await world.close();
  });

  it('P1: lives on as long as PINGs are answered, hours on end', async () => {
    const world = new GatewayWorld();
    await world.send(3);
    await world.clock.advance(3_600_000);
    expect(world.pool.connections).toHaveLength(1);
    // P2: one a minute of silence, no more.
    expect(world.last.pings.length).toBeGreaterThan(50);
    expect(world.last.pings.length).toBeLessThanOrEqual(60);
    await world.close();
  });

  it('gives up a request that alone is never answered, and goes on with the connection', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { requestTimeoutMs: 20_000 });
    await world.send(10);
    for (const id of world.last.waiting) if (id !== 7) world.last.answer(id);
    const chatter = setInterval(() => world.last.ping(), 1);
    await world.clock.advance(21_000);
    clearInterval(chatter);
    expect(world.jobs.replied).toHaveLength(9);
    expect(world.jobs.failed.map(({ tag, failure }) => [tag, failure.kind])).toEqual([[3, 'timeout']]);
    expect(world.last.resets).toEqual([8]);
    expect(world.pool.connections).toHaveLength(1);
    await world.close();
  });

  it('W2: calls nobody dead when our own event loop stood still', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(5);
    // Ten seconds in which no timer ran and no socket was read; the answers lie in the kernel.
    world.last.answerAll();
    await world.clock.jump(10_000);
    expect(world.jobs).toMatchObject({ failed: [] });
    expect(world.jobs.replied).toHaveLength(5);
    expect(world.dialledAt).toHaveLength(1);
    await world.close();
  });
});

describe('A pool whose gateway does not read', () => {
  it('T7: holds no more than the high-water mark and a slab, and fills again when there is room', async () => {
    const highWaterBytes = 64 * 1024;
    const world = new GatewayWorld(() => ({}), { highWaterBytes, connectionsMax: 1, streamsMax: 1000 });
    await world.send(1, 1000);
    const { last } = world;
    last.grant(10_000_000);
    await world.clock.advance(10);
    last.stream.pause();
    world.jobs.add(2000, 1000);
    await world.clock.advance(200);
    const held = world.pool.stats().bytesHeld;
    expect(held).toBeGreaterThan(highWaterBytes / 2);
    expect(held).toBeLessThanOrEqual(highWaterBytes + 128 * 1024);
    // The rest waits with its owner.
    expect(world.jobs.waiting).toBeGreaterThan(1500);
    let most = 0;
    for (let round = 0; round < 400 && world.jobs.settled < 2001; round++) {
      last.stream.resume();
      await world.clock.settle();
      last.stream.pause();
      await world.clock.advance(50);
      most = Math.max(most, world.pool.stats().bytesHeld);
    }
    expect(most).toBeLessThanOrEqual(highWaterBytes + 128 * 1024);
    expect(world.jobs.replied).toHaveLength(2001);
    expect(world.jobs.failed).toEqual([]);
    await world.close();
  });

  it('gives up a gateway that talks and never reads, when every request has had its time', async () => {
    const world = new GatewayWorld((ordinal) => ({ answers: ordinal > 1 }), {
      highWaterBytes: 16 * 1024,
      connectionsMax: 1,
    });
    world.jobs.resendsAll = true;
    await world.send(1, 1000);
    const [first] = world.gateways;
    first.grant(1_000_000);
    await world.clock.advance(10);
    first.stream.pause();
    world.jobs.add(500, 1000);
    for (let second = 0; second < 45 && world.jobs.replied.length < 501; second++) {
      // Its PINGs are bytes: it is not silent.
      first.ping();
      await world.clock.advance(1000);
    }
    expect(world.jobs.replied).toHaveLength(501);
    const [closed] = world.jobs.told('closed');
    expect(closed.closure.message).toContain('has taken no bytes for 20000 ms');
    await world.close();
  });
});

describe('A connection that is lost', () => {
  it.each([
    ['by FIN in the middle of replies (T6)', (gateway: Gateway) => gateway.stream.end()],
    ['by a reset in the middle of replies (T6)', (gateway: Gateway) => gateway.stream.destroy()],
  ])('%s fails what is unanswered once, as perhaps processed, and is replaced', async (_, lose) => {
    const world = new GatewayWorld((ordinal) => ({ answers: ordinal > 1 }));
    await world.send(50);
    const [gateway] = world.gateways;
    for (const id of [...gateway.waiting].slice(0, 20)) gateway.answer(id);
    await world.clock.advance(1);
    lose(gateway);
    world.jobs.add(10);
    await world.clock.advance(1000);
    expect(world.jobs.replied).toHaveLength(30);
    expect(world.jobs.failed).toHaveLength(30);
    for (const { failure } of world.jobs.failed) {
      expect(failure).toMatchObject({ kind: 'connection-lost', processed: 'unknown', initiator: 'remote' });
    }
    // It had served: the next one is dialled without backoff.
    expect(world.dialledAt).toHaveLength(2);
    await world.close();
  });
});
