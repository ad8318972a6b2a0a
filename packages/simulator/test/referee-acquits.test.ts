// Well-behaved clients: somebody else's HTTP/2, both stacks, and what a simulator says when there is no referee.
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';

import { describe, expect, it } from 'vitest';

import { spawnSimulator, startSimulator } from '../src/index.ts';
import type { Simulator } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { apnsIdOf, JudgedClient, pathOf } from './referee-client.ts';

interface NodePush {
  readonly path: string;
  readonly apnsId?: string;
}

/** A push over node:http2; resolves with its status. */
function push(
  session: ClientHttp2Session,
  simulator: Simulator,
  authorization: string,
  { path, apnsId }: NodePush,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      authorization,
      'apns-topic': simulator.identity.topic,
      ...(apnsId === undefined ? {} : { 'apns-id': apnsId }),
    });
    stream.on('response', (headers) => resolve(Number(headers[':status'])));
    stream.on('error', reject);
    stream.resume();
    stream.end('{"aps":{}}');
  });
}

describe('The referee', () => {
  it.each(['frames', 'node'] as const)('finds nothing against node:http2 with manners, on stack %s', async (stack) => {
    await using simulator = await startSimulator({ stack, referee: true });
    const dead = pathOf(7);
    simulator.setToken(dead.slice('/3/device/'.length), { kind: 'unregistered' });
    const authorization = `bearer ${providerToken(simulator.identity)}`;
    const session = connect(simulator.endpoint, { ca: simulator.ca });
    // One push first: a token connection has one stream until it is answered.
    expect(await push(session, simulator, authorization, { path: pathOf(0) })).toBe(200);
    await expect.poll(() => session.remoteSettings.maxConcurrentStreams).toBe(1_000);
    const pushes = Array.from({ length: 300 }, (_, number) => ({ path: pathOf(number), apnsId: apnsIdOf(number) }));
    const statuses = await Promise.all(pushes.map((one) => push(session, simulator, authorization, one)));
    expect(statuses.filter((status) => status === 410)).toHaveLength(1);
    await expect.poll(() => simulator.report()?.observed.marksAnswered).toBeGreaterThan(0);
    session.close();
    expect(simulator.report()).toMatchObject({
      verdict: 'clean',
      observed: { requests: 301, replies: 301, connections: 1 },
    });
  });

  it.each(['frames', 'node'] as const)('convicts node:http2 without manners, on stack %s', async (stack) => {
    await using simulator = await startSimulator({ stack, referee: true });
    const path = pathOf(7);
    simulator.setToken(path.slice('/3/device/'.length), { kind: 'unregistered' });
    const authorization = `bearer ${providerToken(simulator.identity)}`;
    const session = connect(simulator.endpoint, { ca: simulator.ca });
    await push(session, simulator, authorization, { path });
    await expect.poll(() => simulator.report()?.observed.marksAnswered).toBe(1);
    await push(session, simulator, authorization, { path });
    session.close();
    const broken = simulator.report()?.rules.filter(({ violations }) => violations > 0);
    expect(broken?.map(({ id }) => id)).toEqual(['dead-tokens-stay-dead']);
  });

  it('finds nothing against a client that waits, replaces and resends as it should', async () => {
    const throttled = pathOf(1);
    await using judged = await JudgedClient.start({
      faults: {
        faults: [{ when: { on: 'reply', nth: 3, connections: [1] }, action: { kind: 'goaway', lastStreamId: 5 } }],
      },
      rules: {
        tokens: { [throttled.slice('/3/device/'.length)]: { kind: 'throttled', retryAfter: '1', times: 1 } },
      },
    });
    const first = await judged.connect();
    expect(await judged.pushed(first, { ':path': throttled, 'apns-id': apnsIdOf(1) })).toBe('429');
    const answered = judged.push(first, { 'apns-id': apnsIdOf(2) });
    const lost = judged.push(first, { 'apns-id': apnsIdOf(3) });
    expect((await first.answer(answered)).status).toBe('200');
    expect((await first.until('goaway')).lastStreamId).toBeLessThan(lost);
    const second = await judged.connect();
    expect(await judged.pushed(second, { 'apns-id': apnsIdOf(3) })).toBe('200');
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // the Retry-After
    expect(await judged.pushed(second, { ':path': throttled, 'apns-id': apnsIdOf(1) })).toBe('200');
    await judged.known();
    expect(judged.violations).toEqual({});
  });

  it('lets client certificates begin with as many streams as HTTP/2 assumes', async () => {
    await using judged = await JudgedClient.start();
    const { push: certificate } = judged.simulator.identity;
    const client = await judged.dial({ certificate });
    const streams = Array.from({ length: 50 }, () => client.push({ authorization: null }));
    for (const stream of streams) expect((await client.answer(stream)).status).toBe('200');
    expect(judged.violations).toEqual({});
  });

  it('is there only when asked for, and judges the fast profile too', async () => {
    await using without = await startSimulator();
    expect(without.report()).toBeNull();
    await using judged = await JudgedClient.start({ profile: 'fast' });
    const client = await judged.dial();
    const streams = Array.from({ length: 20 }, () => judged.push(client));
    for (const stream of streams) await client.answer(stream);
    expect(judged.report).toMatchObject({ verdict: 'clean', observed: { requests: 20 } });
    await judged.pushed(client, { 'x-odd': '1' });
    expect(judged.violations).toEqual({ 'frames-clean': 1 });
  });

  it('reports from another process, with limits of the caller’s', async () => {
    await using simulator = await spawnSimulator({ referee: { limits: { pingsMax: 3 } } });
    const report = await simulator.report();
    expect(report).toMatchObject({ verdict: 'clean', violations: 0 });
    expect(report?.rules.find(({ id }) => id === 'pings-sparing')?.limits[0]).toEqual({
      name: 'pingsMax',
      value: 3,
      unit: 'pings',
    });
  });
});
