// reliability.md N1 to N4 over pipes in memory and virtual time.
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';
import { ErrorCode } from './gateway.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, tag) => tag);
const sorted = (tags: readonly number[]): number[] => [...tags].sort((a, b) => a - b);

describe('A pool whose gateway sends GOAWAY', () => {
  it('N1: dials the replacement before the old connection has ended, and loses nothing', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(20);
    const [first] = world.gateways;
    expect(first.waiting.size).toBe(20);
    // Of 20 streams the gateway has taken the first 12.
    first.goAway(23);
    await world.clock.advance(30);
    expect(world.gateways).toHaveLength(2);
    const [, second] = world.gateways;
    expect(first.stream.destroyed).toBe(false);
    expect(sorted(second.requests.map(({ name }) => Number(name)))).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    for (let id = 1; id <= 23; id += 2) first.answer(id);
    second.answerAll();
    await world.clock.advance(30);
    expect(sorted(world.jobs.replied)).toEqual(upTo(20));
    expect(world.jobs).toMatchObject({ resent: 8, failed: [] });
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['goaway']);
    expect(world.pool.connections).toHaveLength(1);
    await world.pool.drain();
  });

  it('N1: dials the replacement though nothing waits, when the connection is in use', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(5);
    world.last.goAway(9);
    await world.clock.advance(20);
    expect(world.pool.stats()).toMatchObject({ connections: 2, usable: 1, openStreams: 5, dials: 2 });
    world.gateways[0].answerAll();
    await world.clock.advance(20);
    expect(world.jobs.replied).toHaveLength(5);
    expect(world.pool.stats()).toMatchObject({ connections: 1, usable: 1 });
    await world.pool.close();
  });

  it('dials nothing when the connection was idle: who has no work needs none', async () => {
    const world = new GatewayWorld();
    await world.send(5);
    expect(world.jobs.replied).toHaveLength(5);
    await world.clock.advance(60_000);
    world.last.goAway(9);
    await world.clock.advance(600_000);
    expect(world.pool.stats()).toMatchObject({ connections: 0, dials: 1, dialing: 0 });
    expect(world.clock.pending).toBe(0);
    // The next job has a connection at once: no backoff, the old one had served well.
    await world.send(1);
    expect(world.jobs.replied).toHaveLength(6);
    await world.pool.close();
  });

  it('N2: takes a graceful end in two steps', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(10);
    const first = world.last;
    first.goAway(2 ** 31 - 1);
    await world.clock.advance(5);
    world.jobs.add(3);
    await world.clock.advance(30);
    expect(first.requests).toHaveLength(10);
    expect(world.last.requests.map(({ name }) => Number(name))).toEqual([10, 11, 12]);
    first.goAway(15);
    await world.clock.advance(10);
    expect(world.jobs.resent).toBe(2);
    for (const gateway of world.gateways) gateway.answerAll();
    await world.clock.advance(30);
    expect(sorted(world.jobs.replied)).toEqual(upTo(13));
    expect(world.jobs.failed).toEqual([]);
    await world.pool.close();
  });

  it('N2: takes nothing back when a second GOAWAY names a higher stream', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(10);
    const first = world.last;
    first.goAway(9);
    await world.clock.advance(5);
    expect(world.jobs.resent).toBe(5);
    first.goAway(19);
    await world.clock.advance(30);
    expect(world.jobs.resent).toBe(5);
    for (const gateway of world.gateways) gateway.answerAll();
    await world.clock.advance(30);
    expect(sorted(world.jobs.replied)).toEqual(upTo(10));
    await world.pool.close();
  });

  it('N3: calls a GOAWAY in place of SETTINGS a failed dial, and backs off', async () => {
    const world = new GatewayWorld(() => ({ settings: null }));
    world.jobs.add(3);
    const debug = '{"reason":"BadCertificate"}';
    for (let round = 0; round < 4; round++) {
      const known = world.gateways.length;
      while (world.gateways.length === known) await world.clock.advance(10);
      world.last.goAway(0, ErrorCode.noError, debug);
      await world.clock.advance(10);
    }
    expect(world.jobs.told('opened')).toEqual([]);
    expect(world.jobs.told('closed')).toEqual([]);
    const failures = world.jobs.told('dial-failed');
    expect(failures.map(({ failures: inARow }) => inARow)).toEqual([1, 2, 3, 4]);
    expect(failures[0].error).toMatchObject({ code: 'ERR_TRANSPORT_HTTP2', endpoint: 'gateway.example:443' });
    expect(failures[0].error.message).toContain('BadCertificate');
    expect(world.pool.lastError).toContain('BadCertificate');
    expect(world.jobs.told('goaway').map(({ notice }) => notice.reason)).toEqual(Array(4).fill('BadCertificate'));
    // Half of 500, 1,000, 2,000 ms, and 10 ms for the dial itself and for the answer.
    const gaps = world.dialledAt.slice(1).map((at, dial) => at - world.dialledAt[dial]);
    expect(gaps.map((gap) => Math.round(gap / 250) * 250)).toEqual([250, 500, 1000]);
    expect(world.jobs.waiting).toBe(3);
    // Nothing is lost: when the gateway is well again the jobs go out.
    world.script = () => ({});
    await world.clock.advance(10_000);
    expect(world.jobs.replied).toHaveLength(3);
    expect(world.pool.lastError).toBeNull();
    await world.pool.close();
  });

  it('N4: says why and waits longer after ENHANCE_YOUR_CALM, also on a connection that served well', async () => {
    const world = new GatewayWorld();
    await world.send(5);
    expect(world.jobs.replied).toHaveLength(5);
    world.last.answers = false;
    await world.send(3);
    const at = world.clock.now();
    world.last.goAway(0, ErrorCode.enhanceYourCalm, 'Maximum active streams violated for this endpoint.');
    await world.clock.advance(60_000);
    const [{ notice }] = world.jobs.told('goaway');
    expect(notice).toMatchObject({ errorCode: 0xb, text: 'Maximum active streams violated for this endpoint.' });
    // Half of 500 × 2^4: 4 s. A plain GOAWAY is followed by a dial at once.
    expect(world.dialledAt[1] - at).toBeGreaterThanOrEqual(4000);
    expect(world.dialledAt[1] - at).toBeLessThan(8001);
    expect(sorted(world.jobs.replied)).toEqual(upTo(8));
    await world.pool.close();
  });

  it('does not storm a gateway that says GOAWAY after every reply', async () => {
    const world = new GatewayWorld(() => ({}), { dialGate: { concurrency: 2, intervalCap: 8, intervalMs: 1000 } });
    world.dialMs = 1;
    const play = setInterval(() => {
      for (const gateway of world.gateways) {
        gateway.onRequest = ({ streamId }) => queueMicrotask(() => gateway.goAway(streamId));
      }
    }, 0);
    world.jobs.add(1);
    for (let round = 0; round < 40; round++) {
      await world.clock.advance(100);
      world.jobs.add(1);
    }
    clearInterval(play);
    for (const from of world.dialledAt) {
      expect(world.dialledAt.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(8);
    }
    await world.pool.close();
  });
});

describe('A connection that its owner retires', () => {
  it('opens no stream more, finishes what it has, and is replaced at once', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(4);
    const [connection] = world.pool.connections;
    world.pool.retire(connection);
    world.pool.retire(connection);
    world.jobs.add(2);
    await world.clock.advance(20);
    expect(world.pool.stats()).toMatchObject({ connections: 2, usable: 1, openStreams: 6 });
    for (const gateway of world.gateways) gateway.answerAll();
    await world.clock.advance(20);
    expect(sorted(world.jobs.replied)).toEqual(upTo(6));
    expect(world.gateways.map((gateway) => gateway.requests.length)).toEqual([4, 2]);
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['local']);
    await world.pool.close();
  });
});
