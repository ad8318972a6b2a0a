import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ChannelError, createEngine, EngineClosedError } from '@carillon/engine';
import type { AppOptions, Engine, EngineEvent, EngineOptions } from '@carillon/engine';
import { createCertificateAuthority, createIdentity, startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { headerOf, startPeer } from './http2-peer.ts';
import { SkippingClock } from './skipping-clock.ts';
import type { Answering, Http2Peer } from './http2-peer.ts';

const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Managed extends AsyncDisposable {
  readonly peer: Http2Peer;
  readonly engine: Engine;
  readonly events: EngineEvent[];
}

/** An engine whose app's channels are managed at `answer`; its pushes would go nowhere. */
async function manage(
  answer: Answering,
  options: Partial<EngineOptions> = {},
  change: (peer: Http2Peer) => Partial<AppOptions> = () => ({}),
): Promise<Managed> {
  const peer = await startPeer(answer);
  const { ca, keyPem: key, keyId, teamId } = peer.identity;
  const app: AppOptions = {
    topic: 'com.example.sports',
    endpoint: 'https://127.0.0.1:1',
    channelsEndpoint: peer.endpoint,
    ca,
    credential: { kind: 'token', key, keyId, teamId },
    ...change(peer),
  };
  const events: EngineEvent[] = [];
  const engine = createEngine({ apps: { sports: app }, ...options, onEvent: (event) => events.push(event) });
  return {
    peer,
    engine,
    events,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await peer[Symbol.asyncDispose]();
    },
  };
}

const refusal = (status: number, reason: string, more: object = {}) => ({
  headers: { ':status': status, ...more },
  body: JSON.stringify({ reason }),
});

async function errorOf(promise: Promise<unknown>): Promise<ChannelError> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof ChannelError) return error;
  throw new Error(`no ChannelError but ${String(error)}`);
}

describe('engine.channels', () => {
  it('says on the wire what the page says, and makes a result of each answer', async () => {
    const answers = [
      { headers: { ':status': 201, 'apns-channel-id': channel } },
      { headers: { ':status': 200 }, body: '{"message-storage-policy":1,"push-type":"LiveActivity"}' },
      { headers: { ':status': 200 }, body: JSON.stringify({ channels: [channel, 'a+/b'] }) },
      { headers: { ':status': 204, 'apns-request-id': '8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F' } },
    ];
    await using world = await manage((_request, number) => answers[number - 1]);
    const { channels } = world.engine;
    const created = await channels.create({ app: 'sports', storagePolicy: 'most-recent' });
    const read = await channels.read({ app: 'sports', channel });
    const listed = await channels.list({ app: 'sports' });
    const deleted = await channels.delete({ app: 'sports', channel });

    const id = (number: number): string | null => headerOf(world.peer.requests[number], 'apns-request-id');
    for (const number of [0, 1, 2, 3]) expect(id(number)).toMatch(uuid);
    expect(created).toEqual({ channel, storagePolicy: 'most-recent', requestId: id(0) });
    expect(read).toEqual({ channel, storagePolicy: 'most-recent', pushType: 'LiveActivity', requestId: id(1) });
    expect(listed).toEqual({ channels: [channel, 'a+/b'], requestId: id(2) });
    // What the gateway names goes first.
    expect(deleted).toEqual({ channel, wasThere: true, requestId: '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f' });

    const authority = world.peer.endpoint.slice('https://'.length);
    const seen = world.peer.requests.map(({ headers, body }) => [
      ...headers.filter(([name]) => name !== 'apns-request-id' && name !== 'authorization').map(([, value]) => value),
      body,
    ]);
    expect(seen).toEqual([
      [
        'POST',
        'https',
        authority,
        '/1/apps/com.example.sports/channels',
        '{"message-storage-policy":1,"push-type":"LiveActivity"}',
      ],
      ['GET', 'https', authority, '/1/apps/com.example.sports/channels', channel, ''],
      ['GET', 'https', authority, '/1/apps/com.example.sports/all-channels', ''],
      ['DELETE', 'https', authority, '/1/apps/com.example.sports/channels', channel, ''],
    ]);
    expect(world.peer.requests[1].headers.at(-2)).toEqual(['apns-channel-id', channel]);
    const tokens = new Set(world.peer.requests.map((request) => headerOf(request, 'authorization')));
    expect([...tokens]).toEqual([expect.stringMatching(/^bearer [\w-]+\.[\w-]+\.[\w-]+$/)]);
    expect(world.peer.sessions).toBe(1);
  });

  it('takes Apple’s numbers for storage policies, and finds the only app by itself', async () => {
    await using world = await manage(() => ({ headers: { ':status': 201, 'apns-channel-id': channel } }));
    expect(await world.engine.channels.create({ storagePolicy: 0 })).toMatchObject({ storagePolicy: 'none' });
    expect(world.peer.requests[0].body).toBe('{"message-storage-policy":0,"push-type":"LiveActivity"}');
  });

  it('carries the provider token of the pushes, over a connection of its own', async () => {
    await using world = await manage(
      (request) => ({
        headers: { ':status': 200 },
        body: headerOf(request, ':path') === '/1/apps/com.example.sports/all-channels' ? '{"channels":[]}' : '',
      }),
      {},
      ({ endpoint }) => ({ endpoint }),
    );
    const { engine, peer } = world;
    await engine.send({ channel, payload: { aps: { event: 'end' } } });
    await engine.channels.list();
    expect(peer.requests.map((request) => headerOf(request, ':method'))).toEqual(['POST', 'GET']);
    const tokens = new Set(peer.requests.map((request) => headerOf(request, 'authorization')));
    expect([tokens.size, peer.sessions]).toEqual([1, 2]);
  });

  it('needs no provider token with a certificate', async () => {
    await using world = await manage(
      () => ({ headers: { ':status': 200 }, body: '{"channels":[]}' }),
      {},
      ({ identity: { push, topic } }) => ({
        topic,
        credential: { kind: 'certificate', cert: push.certificatePem, key: push.keyPem },
      }),
    );
    expect(await world.engine.channels.list()).toMatchObject({ channels: [] });
    expect(headerOf(world.peer.requests[0], 'authorization')).toBeNull();
  });

  it('goes through the proxy of the engine', async () => {
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, client) => {
      asked.push(request.url ?? '');
      const { hostname, port } = new URL(`http://${request.url}`);
      const gateway = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        gateway.pipe(client).pipe(gateway);
      });
      for (const socket of [gateway, client]) socket.on('error', () => gateway.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo; // it listens
    await using world = await manage(() => ({ headers: { ':status': 200 }, body: '{"channels":[]}' }), {
      proxy: `http://127.0.0.1:${port}`,
    });
    await world.engine.channels.list();
    expect(asked).toEqual([world.peer.endpoint.slice('https://'.length)]);
    proxy.close();
  });

  it('says that a certificate is for the other environment, as a GOAWAY does before any answer', async () => {
    await using simulator = await startSimulator();
    const { ca, channelsEndpoint, endpoint, identity } = simulator;
    const { topic } = identity;
    const authority = createCertificateAuthority();
    const { certificatePem: cert, keyPem: key } = authority.issuePush({
      bundleId: topic,
      teamId: identity.teamId,
      environments: ['sandbox'],
    });
    await using engine = createEngine({
      apps: { sports: { topic, endpoint, channelsEndpoint, ca, credential: { kind: 'certificate', cert, key } } },
    });
    expect(await errorOf(engine.channels.list())).toMatchObject({
      code: 'ERR_CHANNEL_CREDENTIAL',
      reason: 'BadCertificateEnvironment',
    });
  });

  it('lists ten thousand channels', async () => {
    const channels = Array.from({ length: 10_000 }, (_, n) =>
      Buffer.from(`channel-number-${n}`.padEnd(16)).toString('base64'),
    );
    await using world = await manage(() => ({ headers: { ':status': 200 }, body: JSON.stringify({ channels }) }));
    expect((await world.engine.channels.list()).channels).toEqual(channels);
  });

  it('believes nothing of an answer that is too long, is no JSON, or names no channel', async () => {
    const long = JSON.stringify({ channels: [], filler: 'x'.repeat(1_100_000) });
    const bodies = [long, 'oops', '{"channels":["a\\r\\nb"]}'];
    await using world = await manage((_request, number) => {
      if (number <= bodies.length) return { headers: { ':status': 200 }, body: bodies[number - 1] };
      return { headers: { ':status': 201, ...(number === 5 ? { 'apns-channel-id': 'new_alphabet~' } : {}) } };
    });
    const { channels } = world.engine;
    for (const _ of bodies) {
      expect(await errorOf(channels.list())).toMatchObject({ code: 'ERR_CHANNEL_ANSWER', operation: 'list' });
    }
    const unnamed = await errorOf(channels.create({ storagePolicy: 'none' }));
    expect(unnamed).toMatchObject({ code: 'ERR_CHANNEL_ANSWER', processed: 'unknown' });
    expect(unnamed.message).toMatch(/was made.*no id.*list shows it/);
    // An id that we do not take for one is not lost.
    expect((await errorOf(channels.create({ storagePolicy: 'none' }))).message).toMatch(/"new_alphabet~" as its id/);
  });

  describe('when Apple refuses', () => {
    it.each([
      ['create', 400, 'BroadcastFeatureNotEnabled', 'ERR_CHANNEL_NOT_ENABLED'],
      ['create', 400, 'FeatureNotEnabled', 'ERR_CHANNEL_NOT_ENABLED'],
      ['create', 400, 'CannotCreateChannelConfig', 'ERR_CHANNEL_LIMIT'],
      ['create', 400, 'MissingChannelQueueSize', 'ERR_CHANNEL_REFUSED'],
      ['create', 403, 'InvalidProviderToken', 'ERR_CHANNEL_CREDENTIAL'],
      ['create', 403, 'TopicMismatch', 'ERR_CHANNEL_CREDENTIAL'],
      ['create', 429, 'TooManyRequests', 'ERR_CHANNEL_THROTTLED'],
      ['create', 503, 'Service Unavailable', 'ERR_CHANNEL_GATEWAY'],
      ['create', 503, 'ServiceUnavailable', 'ERR_CHANNEL_GATEWAY'],
      ['create', 500, 'InternalServerError', 'ERR_CHANNEL_AMBIGUOUS'],
      ['read', 400, 'ChannelNotRegistered', 'ERR_CHANNEL_NOT_FOUND'],
      ['read', 400, 'BadChannelId', 'ERR_CHANNEL_NOT_FOUND'],
      ['delete', 400, 'BadChannelId', 'ERR_CHANNEL_NOT_FOUND'],
      ['delete', 500, 'InternalServerError', 'ERR_CHANNEL_GATEWAY'],
      ['list', 404, 'BadPath', 'ERR_CHANNEL_REFUSED'],
    ] as const)('%s answered %i %s is %s, with Apple’s text', async (operation, status, reason, code) => {
      await using world = await manage(() => refusal(status, reason, status === 429 ? { 'retry-after': '7' } : {}));
      const { channels } = world.engine;
      const error = await errorOf(
        operation === 'create' ? channels.create({ storagePolicy: 'none' }) : channels[operation]({ channel }),
      );
      expect(error).toMatchObject({ code, operation, app: 'sports', status, reason });
      expect(error.message).toContain(reason);
      expect(error.requestId).toBe(headerOf(world.peer.requests[0], 'apns-request-id'));
      expect(error.retryAfterMs).toBe(
        status === 429 ? 7000 : status === 503 || (operation === 'delete' && status === 500) ? 900_000 : null,
      );
      // Nothing that takes minutes is tried again while somebody waits.
      expect(world.peer.requests).toHaveLength(1);
    });

    it.each([
      [404, 'BadPath'],
      [400, 'ChannelNotRegistered'],
    ])('a delete answered %i %s is done: there is no such channel', async (status, reason) => {
      await using world = await manage(() => refusal(status, reason));
      expect(await world.engine.channels.delete({ channel })).toMatchObject({ channel, wasThere: false });
    });

    it('an expired provider token, once, is the connection’s fault; twice, the clock’s', async () => {
      await using once = await manage((_request, number) =>
        number === 1 ? refusal(403, 'ExpiredProviderToken') : { headers: { ':status': 200 }, body: '{"channels":[]}' },
      );
      expect(await once.engine.channels.list()).toMatchObject({ channels: [] });
      expect(once.peer.sessions).toBe(2);
      await using twice = await manage(() => refusal(403, 'ExpiredProviderToken'));
      const error = await errorOf(twice.engine.channels.list());
      expect(error).toMatchObject({ code: 'ERR_CHANNEL_CREDENTIAL', reason: 'ExpiredProviderToken' });
      expect(error.message).toMatch(/NTP/);
    });

    it('because one server shuts down, another connection is asked, and create too: nothing was done', async () => {
      await using world = await manage((_request, number) =>
        number === 1 ? refusal(503, 'Shutdown') : { headers: { ':status': 201, 'apns-channel-id': channel } },
      );
      expect(await world.engine.channels.create({ storagePolicy: 'none' })).toMatchObject({ channel });
      const [first, second] = world.peer.requests.map((request) => headerOf(request, 'apns-request-id'));
      expect([second, world.peer.sessions]).toEqual([first, 2]);
    });
  });

  describe('when the answer does not come', () => {
    it('asks again for what may be done twice, under the same id, and at most three times', async () => {
      await using world = await manage((_request, number) =>
        number < 3 ? { reset: 2 } : { headers: { ':status': 204 } },
      );
      expect(await world.engine.channels.delete({ channel })).toMatchObject({ wasThere: true });
      expect(new Set(world.peer.requests.map((request) => headerOf(request, 'apns-request-id'))).size).toBe(1);
      await using silent = await manage(() => ({ reset: 2 }));
      expect(await errorOf(silent.engine.channels.read({ channel }))).toMatchObject({
        code: 'ERR_CHANNEL_UNREACHABLE',
        processed: 'unknown',
      });
      expect(silent.peer.requests).toHaveLength(3);
    });

    it('does not repeat create unless it surely was not processed, and says that there may be a channel', async () => {
      await using refused = await manage((_request, number) =>
        number === 1 ? { reset: 7 } : { headers: { ':status': 201, 'apns-channel-id': channel } },
      );
      expect(await refused.engine.channels.create({ storagePolicy: 'none' })).toMatchObject({ channel });
      await using reset = await manage(() => ({ reset: 2 }));
      const error = await errorOf(reset.engine.channels.create({ storagePolicy: 'none' }));
      expect(error).toMatchObject({ code: 'ERR_CHANNEL_AMBIGUOUS', processed: 'unknown', status: null });
      expect(error.message).toMatch(/may be a channel now.*list shows it/);
      expect(reset.peer.requests).toHaveLength(1);
    });

    it('gives up after requestTimeoutMs, and after giveUpAfterMs without a connection', async () => {
      await using silent = await manage(() => null, { requestTimeoutMs: 300 });
      expect(await errorOf(silent.engine.channels.create({ storagePolicy: 'none' }))).toMatchObject({
        code: 'ERR_CHANNEL_AMBIGUOUS',
      });
      await using nowhere = await manage(
        () => null,
        { giveUpAfterMs: 500 },
        () => ({ channelsEndpoint: 'https://127.0.0.1:1' }),
      );
      const error = await errorOf(nowhere.engine.channels.create({ storagePolicy: 'none' }));
      expect(error).toMatchObject({ code: 'ERR_CHANNEL_UNREACHABLE', processed: 'no' });
      expect(error.message).toMatch(/127\.0\.0\.1:1 for 1 s; last: .*refused/);
      expect(nowhere.events.map(({ kind }) => kind)).toContain('dial-failed');
    });

    it('ends at once when its caller gives it up, and says whether it was sent', async () => {
      await using world = await manage(() => null);
      const early = AbortSignal.abort(new Error('too late'));
      const unsent = await errorOf(world.engine.channels.create({ storagePolicy: 'none', signal: early }));
      expect(unsent).toMatchObject({ code: 'ERR_CHANNEL_CANCELLED', processed: 'no', cause: { message: 'too late' } });
      const late = new AbortController();
      const sent = errorOf(world.engine.channels.create({ storagePolicy: 'none', signal: late.signal }));
      while (world.peer.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      late.abort();
      expect(await sent).toMatchObject({ code: 'ERR_CHANNEL_CANCELLED', processed: 'unknown' });
      const waiting = new AbortController();
      // Behind the one that is on the wire: a token connection has one stream before its first answer.
      const waits = errorOf(world.engine.channels.list({ signal: waiting.signal }));
      waiting.abort();
      expect(await waits).toMatchObject({ code: 'ERR_CHANNEL_CANCELLED', processed: 'no' });
    });
  });

  it('refuses wrong arguments before anything is sent, and names them', async () => {
    await using world = await manage(() => null);
    const { channels } = world.engine;
    const cases: [Promise<unknown>, RegExp][] = [
      [channels.read({ channel: 'a b' }), /channel "a b" must not contain/],
      [channels.read({ channel: '' }), /is empty/],
      [channels.delete({ channel: 'x'.repeat(129) }), /too long/],
      [channels.read({} as { channel: string }), /channel "" is empty/],
      [channels.create({ storagePolicy: 'all' as 'none' }), /storagePolicy "all" is unknown/],
      [channels.create({} as { storagePolicy: 'none' }), /storagePolicy undefined/],
      [channels.list({ app: 'news' }), /app "news" is not configured; one of sports is right/],
      [channels.list({ app: '__proto__' }), /not configured/],
    ];
    for (const [call, message] of cases) {
      const error = await errorOf(call);
      expect(error.code).toBe('ERR_CHANNEL_ARGUMENT');
      expect(error.message).toMatch(message);
    }
    expect(world.peer.requests).toHaveLength(0);
  });

  it('wants to know where the channels of an app with a gateway of its own are', async () => {
    const { keyPem: key, keyId, teamId } = createIdentity();
    const credential = { kind: 'token', key, keyId, teamId } as const;
    await using engine = createEngine({
      apps: { sports: { topic: 'com.example.sports', endpoint: 'https://127.0.0.1:1', credential } },
    });
    expect(await errorOf(engine.channels.list())).toMatchObject({
      code: 'ERR_CHANNEL_ARGUMENT',
      message: expect.stringMatching(/channelsEndpoint/) as string,
    });
    const wrong = { topic: 'com.example.sports', channelsEndpoint: 'http://127.0.0.1', credential };
    expect(() => createEngine({ apps: { sports: wrong } })).toThrow(/apps\.sports\.channelsEndpoint.*https/);
  });

  it('waits for the token of a signer', async () => {
    let sign: (token: { token: string; issuedAtMs: number }) => void = () => undefined;
    const signed = new Promise<{ token: string; issuedAtMs: number }>((resolve) => (sign = resolve));
    await using world = await manage(
      () => ({ headers: { ':status': 200 }, body: '{"channels":[]}' }),
      {},
      () => ({ credential: { kind: 'signer', keyId: 'KEY1234567', teamId: 'TEAM123456', signer: () => signed } }),
    );
    const listed = world.engine.channels.list();
    while (!world.events.some(({ kind }) => kind === 'connection-opened'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    sign({ token: 'h.c.s', issuedAtMs: Date.now() });
    expect(await listed).toMatchObject({ channels: [] });
    expect(headerOf(world.peer.requests[0], 'authorization')).toBe('bearer h.c.s');
  });

  it('holds the rate by itself: ten at once, then ten a second, none lost', async () => {
    await using world = await manage(() => ({ headers: { ':status': 204 } }), { giveUpAfterMs: 500 });
    const startedMs = performance.now();
    const deleted = await Promise.all(Array.from({ length: 20 }, () => world.engine.channels.delete({ channel })));
    expect(deleted.every(({ wasThere }) => wasThere)).toBe(true);
    expect(performance.now() - startedMs).toBeGreaterThan(800);
  });

  it('finishes its calls when the engine drains, ends them when it closes, and takes no more', async () => {
    await using world = await manage((_request, number) => (number === 1 ? { headers: { ':status': 204 } } : null));
    const call = world.engine.channels.delete({ channel });
    const drained = world.engine.drain();
    expect(await call).toMatchObject({ wasThere: true });
    await drained;
    await expect(world.engine.channels.list()).rejects.toBeInstanceOf(EngineClosedError);

    await using closing = await manage(() => null);
    const sent = errorOf(closing.engine.channels.create({ storagePolicy: 'none' }));
    const waits = closing.engine.channels.list().then(
      () => null,
      (error: unknown) => error,
    );
    while (closing.peer.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await closing.engine.close();
    expect(await sent).toMatchObject({ code: 'ERR_CHANNEL_AMBIGUOUS', processed: 'unknown' });
    expect(await waits).toBeInstanceOf(EngineClosedError);
  });

  it('keeps its connection between calls, closes it after five minutes without one, and opens another when asked', async () => {
    const clock = new SkippingClock();
    await using world = await manage(() => ({ headers: { ':status': 200 }, body: '{"channels":[]}' }), {
      seams: { clock },
    });
    const { engine, peer, events } = world;
    await engine.channels.list();
    clock.skip(240_000);
    await engine.channels.list();
    expect([peer.sessions, engine.stats().channels.connections]).toEqual([1, 1]);
    // In steps that its PINGs survive, as it would live them.
    for (let k = 0; k < 10; k++) {
      clock.skip(40_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(engine.stats().channels).toMatchObject({ calls: 0, connections: 0 });
    expect(events.map(({ kind }) => kind)).toEqual(['connection-opened', 'connection-closed']);
    await engine.channels.list();
    expect(peer.sessions).toBe(2);
  });

  it('goes on with another credential after it was replaced', async () => {
    await using world = await manage(() => ({ headers: { ':status': 200 }, body: '{"channels":[]}' }));
    const { engine, peer } = world;
    await engine.channels.list();
    const { keyPem: key, keyId } = peer.identity;
    engine.replaceCredential('sports', { kind: 'token', key, keyId, teamId: 'OTHER12345' });
    await engine.channels.list();
    const [first, second] = peer.requests.map((request) => headerOf(request, 'authorization'));
    expect(second).not.toBe(first);
    expect(peer.sessions).toBe(2);
  });
});
