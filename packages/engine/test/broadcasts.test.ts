import { createEngine } from '@carillon/engine';
import type { Engine, EngineOptions } from '@carillon/engine';
import { describe, expect, it } from 'vitest';
import { headerOf, startPeer } from './http2-peer.ts';
import type { Http2Peer } from './http2-peer.ts';
import { collect, expectEmpty, linesOf, outcomes, tokenOf } from './world.ts';

const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
const payload = { aps: { event: 'update', timestamp: 1, 'content-state': { score: 3 } } };

function engineFor({ endpoint, identity }: Http2Peer, options: Partial<EngineOptions> = {}): Engine {
  const { ca, keyPem: key, keyId, teamId } = identity;
  const credential = { kind: 'token', key, keyId, teamId } as const;
  return createEngine({ apps: { sports: { topic: 'com.example.sports', endpoint, ca, credential } }, ...options });
}

const accepted = { headers: { ':status': 200 } } as const;
const refusal = (status: number, reason: string): { headers: { ':status': number }; body: string } => ({
  headers: { ':status': status },
  body: JSON.stringify({ reason }),
});

describe('A job with a channel', () => {
  it('goes to the path of its app, with the headers of a broadcast and no others', async () => {
    await using peer = await startPeer(() => accepted);
    await using engine = engineFor(peer);
    const apnsId = '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f';
    const outcome = await engine.send({ channel, payload, apnsId, priority: 5, expiration: 1_900_000_000 });
    expect(outcome).toEqual({ kind: 'accepted', apnsId });
    const [{ headers, body }] = peer.requests as [Http2Peer['requests'][number]];
    expect(headers.filter(([name]) => name !== 'authorization')).toEqual([
      [':method', 'POST'],
      [':scheme', 'https'],
      [':authority', peer.endpoint.slice('https://'.length)],
      [':path', '/4/broadcasts/apps/com.example.sports'],
      ['apns-push-type', 'liveactivity'],
      ['apns-priority', '5'],
      ['apns-channel-id', channel],
      ['apns-request-id', apnsId],
      ['apns-expiration', '1900000000'],
    ]);
    expect(JSON.parse(body)).toEqual(payload);
  });

  it('travels with pushes over one connection, by every way in, and its receipt names the channel', async () => {
    await using peer = await startPeer(() => accepted);
    await using engine = engineFor(peer, { connectionsMax: 1 });
    const jobs = Array.from({ length: 300 }, (_, number) => {
      const address = number % 3 === 0 ? { channel } : { token: tokenOf(number) };
      return { id: `job-${number}`, ...address, payload };
    });
    const byLines = (await collect(engine.sendBytes([linesOf(jobs)]))).flat();
    const byObjects = await collect(engine.sendAll(jobs));
    for (const receipts of [byLines, byObjects]) {
      expect(outcomes(receipts)).toEqual({ accepted: 300 });
      for (const { id, token, channel: named } of receipts) {
        const number = Number(id?.slice('job-'.length));
        expect([token, named]).toEqual(number % 3 === 0 ? [null, channel] : [tokenOf(number), undefined]);
      }
    }
    expect(peer.sessions).toBe(1);
    const broadcasts = peer.requests.filter((request) => headerOf(request, ':path')?.startsWith('/4/'));
    expect(broadcasts).toHaveLength(200);
    for (const request of broadcasts) {
      expect(headerOf(request, 'apns-expiration')).toBe('0');
      expect([headerOf(request, 'apns-topic'), headerOf(request, 'apns-id')]).toEqual([null, null]);
    }
    const paths = new Set(peer.requests.map((request) => headerOf(request, ':path')));
    expect(paths.size).toBe(1 + 200);
    expectEmpty(engine);
  });

  it('is prepared in a worker thread as well', async () => {
    await using peer = await startPeer(() => accepted);
    await using engine = engineFor(peer, { prepare: 'workers', workersMax: 1 });
    const receipts = (await collect(engine.sendBytes([linesOf([{ channel, payload }])]))).flat();
    expect(receipts).toMatchObject([{ outcome: 'accepted', token: null, channel, line: 1 }]);
  });

  it('may name another bundle id, and is refused before Apple is asked when that has a suffix', async () => {
    await using peer = await startPeer(() => accepted);
    await using engine = engineFor(peer);
    await engine.send({ channel, payload, topic: 'com.example.other' });
    expect(headerOf(peer.requests[0], ':path')).toBe('/4/broadcasts/apps/com.example.other');
    const suffixed = 'com.example.other.push-type.liveactivity';
    expect(await engine.send({ channel, payload, topic: suffixed })).toMatchObject({
      kind: 'rejected',
      status: null,
      reason: 'local.bad-topic',
    });
    expect(peer.requests).toHaveLength(1);
  });

  it('is refused with a receipt that names the channel when its app is unknown', async () => {
    await using peer = await startPeer(() => accepted);
    await using engine = engineFor(peer);
    const receipts = (await collect(engine.sendBytes([linesOf([{ app: 'news', channel, payload }])]))).flat();
    expect(receipts).toMatchObject([{ reason: 'local.unknown-app', token: null, channel }]);
  });

  it('is not mistaken for a device: neither 410 nor 429 says anything about one', async () => {
    await using peer = await startPeer((_request, number) =>
      number === 1 ? refusal(410, 'Unregistered') : number === 2 ? refusal(429, 'TooManyRequests') : accepted,
    );
    await using engine = engineFor(peer, { perDevicePerSecond: 0.001 });
    expect(await engine.send({ channel, payload })).toEqual({
      kind: 'rejected',
      status: 410,
      reason: 'Unregistered',
    });
    // It waits for its own next attempt; the channel is neither dead, nor resting, nor paced.
    const waiting = new AbortController();
    const cooled = engine.send({ channel, payload }, { signal: waiting.signal });
    while (engine.stats().putOff === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let k = 0; k < 3; k++) expect(await engine.send({ channel, payload })).toMatchObject({ kind: 'accepted' });
    expect(engine.stats()).toMatchObject({ deadDevices: 0, restingDevices: 0 });
    waiting.abort();
    expect(await cooled).toMatchObject({ kind: 'abandoned', because: 'cancelled', last: 'TooManyRequests' });
  });

  it.each([
    [400, 'ChannelNotRegistered'],
    [400, 'BadChannelId'],
    [400, 'BroadcastFeatureNotEnabled'],
    [400, 'FeatureNotEnabled'],
    [400, 'BadExpirationDate'],
  ])('ends as rejected when Apple answers %i %s', async (status, reason) => {
    await using peer = await startPeer(() => refusal(status, reason));
    await using engine = engineFor(peer);
    expect(await engine.send({ channel, payload })).toEqual({ kind: 'rejected', status, reason });
  });
});
