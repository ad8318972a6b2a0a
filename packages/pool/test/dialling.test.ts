// When a pool dials, and when it does not: backoff, the gate's rate, D1, P1 of reliability.md.
import { TransportError, queuedDialGate } from '@carillon/pool';
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';
import { VirtualClock } from './virtual-clock.ts';

const refused = (): Error =>
  new TransportError('ERR_TRANSPORT_DIAL_REFUSED', 'gateway.example:443', 'connection refused');
const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((at, index) => at - times[index]);

describe('A pool that cannot reach its gateway', () => {
  it('backs off with full jitter up to 60 s, and tells of each failure', async () => {
    const world = new GatewayWorld(refused);
    world.dialMs = 0;
    world.jobs.add(1);
    await world.clock.advance(400_000);
    const halves = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    expect(gapsOf(world.dialledAt).slice(0, halves.length)).toEqual(halves);
    expect(world.jobs.told('dial-failed').map(({ failures }) => failures)).toEqual(
      world.dialledAt.map((_, at) => at + 1),
    );
    expect(world.pool.lastError).toContain('connection refused');
    expect(world.pool.stats()).toMatchObject({ connections: 0, dialing: 1, dialFailures: world.dialledAt.length });
    await world.pool.close();
    expect(world.clock.pending).toBe(0);
  });

  it('makes no storm whatever the jitter: at most the gate lets through', async () => {
    const clock = new VirtualClock();
    const gate = queuedDialGate({ concurrency: 2, intervalCap: 8, intervalMs: 1000 }, clock);
    // Jitter 0 is the worst that chance can do; ten pools share one gate.
    const worlds = Array.from(
      { length: 10 },
      () => new GatewayWorld(refused, {}, { gate, clock, random: { next: () => 0 } }, clock),
    );
    for (const world of worlds) {
      world.dialMs = 1;
      world.jobs.add(1);
    }
    await clock.advance(20_000);
    const times = worlds.flatMap(({ dialledAt }) => dialledAt).sort((a, b) => a - b);
    expect(times.length).toBeGreaterThanOrEqual(160);
    for (const from of times)
      expect(times.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(8);
    await Promise.all(worlds.map(({ pool }) => pool.close()));
  });

  it('sends what waited as soon as the gateway is back', async () => {
    const world = new GatewayWorld((ordinal) => (ordinal <= 3 ? refused() : {}));
    world.jobs.add(10);
    await world.clock.advance(1700);
    expect(world.jobs.replied).toHaveLength(0);
    await world.clock.advance(200);
    expect(world.jobs.replied).toHaveLength(10);
    expect(world.pool.lastError).toBeNull();
    await world.pool.close();
  });

  it('does not dial while nobody has work', async () => {
    const world = new GatewayWorld(refused);
    await world.clock.advance(100_000);
    expect(world.dialledAt).toEqual([]);
    await world.pool.close();
  });

  it('does not let a backoff hold up a dial after a success', async () => {
    // The pool has one connection and wants more; the second dial fails, again and again.
    const world = new GatewayWorld((ordinal) => (ordinal === 1 || ordinal > 7 ? { answers: false } : refused()), {
      growAfterMs: 10,
      streamsMax: 4,
    });
    await world.send(20);
    await world.clock.advance(20_000);
    expect(world.dialledAt.length).toBeGreaterThanOrEqual(6);
    const before = world.dialledAt.length;
    // In the middle of a backoff of seconds the first connection answers for the first time: the gateway is there.
    world.script = () => ({});
    world.gateways[0].answerAll();
    await world.clock.advance(50);
    expect(world.dialledAt.length).toBeGreaterThan(before);
    await world.pool.close();
  });

  it('does not take replies on an old connection for success of new dials', async () => {
    const world = new GatewayWorld((ordinal) => (ordinal === 1 ? {} : refused()), { growAfterMs: 0, streamsMax: 1 });
    world.dialMs = 0;
    // The first connection answers all the time, and is full all the time.
    world.jobs.onEvent = (event) => {
      if (event === 'reply') world.jobs.add(1);
    };
    world.jobs.add(5);
    for (let round = 0; round < 300; round++) await world.clock.advance(100);
    // 30 s of backoff: half of 500, 1,000, 2,000 … is seven dials, not one every quarter of a second.
    expect(world.dialledAt.length).toBeLessThan(12);
    expect(world.jobs.replied.length).toBeGreaterThan(300);
    world.jobs.onEvent = () => undefined;
    await world.pool.close();
  });
});

describe('A pool whose owner holds its work back', () => {
  it('dials nothing, and dials at once when the work may go', async () => {
    const world = new GatewayWorld();
    world.jobs.isHeld = true;
    world.jobs.add(5);
    await world.clock.advance(60_000);
    expect(world.dialledAt).toEqual([]);
    expect(world.clock.pending).toBe(0);
    world.jobs.isHeld = false;
    world.pool.wake();
    await world.clock.advance(50);
    expect(world.jobs.replied).toHaveLength(5);
    await world.close();
  });

  it('does not replace a connection that the owner retires, until the work may go', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(5);
    world.jobs.isHeld = true;
    world.jobs.add(5);
    for (const connection of world.pool.connections) world.pool.retire(connection);
    await world.clock.advance(5000);
    expect(world.dialledAt).toHaveLength(1);
    world.jobs.isHeld = false;
    world.pool.wake();
    await world.clock.advance(50);
    expect(world.dialledAt).toHaveLength(2);
    await world.close();
  });

  it('goes by what `fill` said when the owner does not tell', async () => {
    const world = new GatewayWorld();
    Object.defineProperty(world.jobs, 'isWaiting', { value: undefined });
    await world.send(5);
    expect(world.jobs.replied).toHaveLength(5);
    await world.close();
  });
});

describe('A connection that never carries a stream', () => {
  it.each([
    ['is closed at once', 'ERR_TRANSPORT_CLOSED'],
    ['speaks nonsense', 'ERR_TRANSPORT_HTTP2'],
    ['sends no SETTINGS', 'ERR_TRANSPORT_HTTP2'],
  ])('counts as a failed dial when it %s', async (how, code) => {
    const world = new GatewayWorld(() => ({ settings: null }));
    world.jobs.add(1);
    let known = 0;
    for (let waited = 0; waited < 60_000; waited += 10) {
      await world.clock.advance(10);
      if (world.gateways.length === known) continue;
      known = world.gateways.length;
      if (how === 'is closed at once') world.last.stream.end();
      if (how === 'speaks nonsense') world.last.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    }
    const failures = world.jobs.told('dial-failed');
    expect(failures.length).toBeGreaterThan(3);
    expect(failures.length).toBeLessThan(12);
    expect(new Set(failures.map(({ error }) => error.code))).toEqual(new Set([code]));
    expect(failures.map((one) => one.failures)).toEqual(failures.map((_, at) => at + 1));
    expect(world.jobs.told('opened')).toEqual([]);
    expect(world.jobs).toMatchObject({ failed: [], waiting: 1 });
    await world.pool.close();
    expect(world.clientStreams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('counts as a failed dial when it ends right after its SETTINGS', async () => {
    const world = new GatewayWorld();
    world.jobs.opensNothing = true;
    world.jobs.add(1);
    let known = 0;
    for (let waited = 0; waited < 20_000; waited += 10) {
      await world.clock.advance(10);
      if (world.gateways.length === known) continue;
      known = world.gateways.length;
      world.last.stream.end();
    }
    expect(world.jobs.told('opened').length).toBe(world.jobs.told('closed').length);
    expect(known).toBeGreaterThan(3);
    expect(known).toBeLessThan(12);
    await world.pool.close();
  });
});

describe('A pool and its sockets', () => {
  it('takes a socket that broke before anybody listened for a lost connection', async () => {
    const world = new GatewayWorld();
    const dial = world.dial.bind(world);
    let broken = 0;
    world.dial = async (target, signal) => {
      const dialed = await dial(target, signal);
      if (broken++ < 2) {
        dialed.stream.on('error', () => undefined);
        dialed.stream.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
        await new Promise((resolve) => dialed.stream.once('close', resolve));
      }
      return dialed;
    };
    world.jobs.add(3);
    await world.clock.advance(3000);
    expect(world.jobs.replied).toHaveLength(3);
    expect(world.jobs.told('dial-failed').map(({ error }) => error.code)).toEqual(
      Array(2).fill('ERR_TRANSPORT_CLOSED'),
    );
    await world.pool.close();
  });

  it.each([
    ['error, end, close', ['error', 'end', 'close']],
    ['end, error, close', ['end', 'error', 'close']],
    ['close, error, end', ['close', 'error', 'end']],
    ['error, error', ['error', 'error', 'close']],
  ])('survives %s in this order, and fails each stream once', async (_, events) => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(7);
    const [stream] = world.clientStreams;
    for (const event of events) stream.emit(event, event === 'error' ? new Error('reset') : undefined);
    await world.clock.advance(2000);
    // An error long after the end has a listener too.
    stream.emit('error', new Error('late'));
    stream.emit('data', Buffer.from('late'));
    expect(world.jobs.failed).toHaveLength(7);
    expect(new Set(world.jobs.failed.map(({ failure }) => failure.kind))).toEqual(new Set(['connection-lost']));
    expect(world.jobs.told('closed')).toHaveLength(1);
    expect(stream.destroyed).toBe(true);
    await world.pool.close();
  });
});
