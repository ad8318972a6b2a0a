// What the strict profile makes of pushes, over the wire and on both stacks: the rules of apns-protocol.md A and C.
import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { createCertificateAuthority, startSimulator } from '../src/index.ts';
import type { ProviderKey, ScriptedToken, Simulator, SimulatorOptions } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { goodToken, TestClient } from './test-client.ts';
import { until } from './until.ts';

type Changes = Readonly<Record<string, string | null>>;

async function reasonFor(simulator: Simulator, changes: Changes, body?: string): Promise<string> {
  const client = await TestClient.connect(simulator);
  try {
    const answer = await client.answer(client.push(changes, body));
    if (answer.status === '200') return '200';
    return `${answer.status} ${(JSON.parse(answer.body) as { reason: string }).reason}`;
  } finally {
    client.close();
  }
}

function keyPair(): { pem: string; publicKeyPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

describe.each(['frames', 'node'] as const)('strict on %s', (stack) => {
  const start = (options: SimulatorOptions = {}): Promise<Simulator> => startSimulator({ stack, ...options });

  it.each<[what: string, changes: Changes, expected: string]>([
    ['GET', { ':method': 'GET' }, '405 MethodNotAllowed'],
    ['another path', { ':path': '/3/devices/aa' }, '404 BadPath'],
    ['a path without a token', { ':path': '/3/device/' }, '400 MissingDeviceToken'],
    ['a token of odd length', { ':path': `/3/device/${goodToken}a` }, '400 BadDeviceToken'],
    ['a token of 31 octets', { ':path': `/3/device/${'ab'.repeat(31)}` }, '400 BadDeviceToken'],
    ['a token of 100 octets', { ':path': `/3/device/${'ab'.repeat(100)}` }, '200'],
    ['a token in upper case', { ':path': `/3/device/${goodToken.toUpperCase()}` }, '200'],
    ['a token that leaves its path', { ':path': '/3/device/../../1/apps/x' }, '400 BadDeviceToken'],
    ['no authorization', { authorization: null }, '403 MissingProviderToken'],
    ['basic authorization', { authorization: 'Basic eDp5' }, '403 MissingProviderToken'],
    ['an empty bearer', { authorization: 'bearer' }, '403 MissingProviderToken'],
    ['no topic', { 'apns-topic': null }, '400 MissingTopic'],
    ['a topic of bad characters', { 'apns-topic': 'com example' }, '400 BadTopic'],
    ['an apns-id in upper case', { 'apns-id': '8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F' }, '400 BadMessageId'],
    ['an unknown push type', { 'apns-push-type': 'smoke-signal' }, '400 InvalidPushType'],
    ['voip without its topic suffix', { 'apns-push-type': 'voip' }, '400 BadTopic'],
    ['voip with it', { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' }, '200'],
    ['an expiration that is no number', { 'apns-expiration': 'tomorrow' }, '400 BadExpirationDate'],
    ['an expiration of 0', { 'apns-expiration': '0' }, '200'],
    ['priority 1', { 'apns-priority': '1' }, '200'],
    ['background with priority 10', { 'apns-push-type': 'background', 'apns-priority': '10' }, '400 BadPriority'],
    ['background with priority 5', { 'apns-push-type': 'background', 'apns-priority': '5' }, '200'],
  ])('answers %s', async (_what, changes, expected) => {
    await using simulator = await start();
    expect(await reasonFor(simulator, changes)).toBe(expected);
  });

  it('measures payloads by their push type', async () => {
    await using simulator = await start();
    const voip = { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' };
    expect(await reasonFor(simulator, {}, '')).toBe('400 PayloadEmpty');
    expect(await reasonFor(simulator, {}, 'x'.repeat(4_096))).toBe('200');
    expect(await reasonFor(simulator, {}, 'x'.repeat(4_097))).toBe('413 PayloadTooLarge');
    expect(await reasonFor(simulator, voip, 'x'.repeat(5_120))).toBe('200');
    expect(await reasonFor(simulator, voip, 'x'.repeat(5_121))).toBe('413 PayloadTooLarge');
  });

  it('refuses a documented header that comes twice', async () => {
    await using simulator = await start();
    const client = await TestClient.connect(simulator);
    const stream = client.openStream([
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: 'https' },
      { name: ':path', value: `/3/device/${goodToken}` },
      { name: ':authority', value: 'localhost' },
      { name: 'authorization', value: `bearer ${providerToken(simulator.identity)}` },
      { name: 'apns-topic', value: simulator.identity.topic },
      { name: 'apns-priority', value: '5' },
      { name: 'apns-priority', value: '10' },
    ]);
    client.sendBody(stream, Buffer.from('{}'), true);
    expect((await client.answer(stream)).body).toBe('{"reason":"DuplicateHeaders"}');
    client.close();
  });

  it.each<[state: ScriptedToken, expected: string, more?: object]>([
    [{ kind: 'ok' }, '200 '],
    [{ kind: 'ok', topics: ['com.example.other'] }, '400 {"reason":"DeviceTokenNotForTopic"}'],
    [{ kind: 'bad' }, '400 {"reason":"BadDeviceToken"}'],
    [
      { kind: 'unregistered', timestampMs: 1_508_249_865_488 },
      '410 {"reason":"Unregistered","timestamp":1508249865488}',
    ],
    [{ kind: 'expired', timestampMs: 1 }, '410 {"reason":"ExpiredToken","timestamp":1}'],
    [{ kind: 'wrong-topic' }, '400 {"reason":"DeviceTokenNotForTopic"}'],
    [{ kind: 'throttled', retryAfter: '7' }, '429 {"reason":"TooManyRequests"}', { 'retry-after': '7' }],
    [
      { kind: 'reply', status: 503, reason: 'Shutdown', retryAfter: '1' },
      '503 {"reason":"Shutdown"}',
      { 'retry-after': '1' },
    ],
    [{ kind: 'reply', status: 500 }, '500 '],
    [{ kind: 'reply', status: 418, body: '{{MalformedJSON}}' }, '418 {{MalformedJSON}}'],
    [{ kind: 'reply', status: 400, reason: 'NeverHeardOf' }, '400 {"reason":"NeverHeardOf"}'],
  ])('answers a token that is %o', async (state, expected, more = {}) => {
    await using simulator = await start();
    simulator.setToken(goodToken, state);
    const client = await TestClient.connect(simulator);
    const answer = await client.answer(client.push());
    expect(`${answer.status} ${answer.body}`).toBe(expected);
    expect(answer.fields).toMatchObject(more);
    client.close();
  });

  it('shows a scripted state as often as asked, then the token is ok', async () => {
    await using simulator = await start();
    simulator.setToken(goodToken, { kind: 'throttled', times: 2 });
    const client = await TestClient.connect(simulator);
    const statuses: string[] = [];
    for (let k = 0; k < 3; k++) statuses.push((await client.answer(client.push())).status);
    expect(statuses).toEqual(['429', '429', '200']);
    client.close();
  });

  it('takes a push of a silent token and never answers it', async () => {
    await using simulator = await start({ ledger: { kind: 'memory' } });
    simulator.setToken(goodToken, { kind: 'silence' });
    const client = await TestClient.connect(simulator);
    await client.until('settings');
    const silent = client.push();
    await until('the push to arrive', () => simulator.ledger.length === 1);
    expect(simulator.ledger[0]).toMatchObject({ status: null, token: goodToken });
    expect(client.frames.some((frame) => frame.kind === 'headers' && frame.streamId === silent)).toBe(false);
    client.close();
  });

  it('resets a stream when its token says so', async () => {
    await using simulator = await start();
    simulator.setToken(goodToken, { kind: 'reset', errorCode: 2 });
    const client = await TestClient.connect(simulator);
    const stream = client.push();
    expect(await client.until('rst')).toEqual({ kind: 'rst', streamId: stream, code: 2 });
    client.close();
  });

  it('knows only the tokens of its store when asked to', async () => {
    await using simulator = await start({ rules: { unknownTokens: 'bad' } });
    expect(await reasonFor(simulator, {})).toBe('400 BadDeviceToken');
    simulator.setToken(goodToken, { kind: 'ok' });
    expect(await reasonFor(simulator, {})).toBe('200');
  });

  describe('with provider tokens', () => {
    it('refuses those older than an hour and those from the future', async () => {
      await using simulator = await start();
      const at = (offsetS: number): Changes => ({
        authorization: `bearer ${providerToken(simulator.identity, {
          claims: { iss: simulator.teamId, iat: Math.floor(Date.now() / 1_000) + offsetS },
        })}`,
      });
      expect(await reasonFor(simulator, at(-3_590))).toBe('200');
      expect(await reasonFor(simulator, at(-3_610))).toBe('403 ExpiredProviderToken');
      expect(await reasonFor(simulator, at(30))).toBe('200');
      expect(await reasonFor(simulator, at(600))).toBe('403 InvalidProviderToken');
    });

    it.each<[what: string, parts: Parameters<typeof providerToken>[1]]>([
      ['without alg', { header: { kid: 'KEY1234567' } }],
      ['of another algorithm', { header: { alg: 'none', kid: 'KEY1234567' } }],
      ['of another team', { claims: { iss: 'OTHERTEAM1', iat: Math.floor(Date.now() / 1_000) } }],
      ['with iat as text, like the sample on Apple’s page', { claims: { iss: 'TEAM123456', iat: '1459143580650' } }],
      ['signed in DER', { encoding: 'der' }],
    ])('refuses a token %s', async (_what, parts) => {
      await using simulator = await start();
      const authorization = `bearer ${providerToken(simulator.identity, parts)}`;
      expect(await reasonFor(simulator, { authorization })).toBe('403 InvalidProviderToken');
    });

    it('accepts signatures in DER when told to, as the real gateway seems to', async () => {
      await using simulator = await start({ rules: { acceptsDerSignatures: true } });
      const authorization = `bearer ${providerToken(simulator.identity, { encoding: 'der' })}`;
      expect(await reasonFor(simulator, { authorization })).toBe('200');
    });

    it('refuses a second token within 20 minutes on a connection and takes it afterwards', async () => {
      await using simulator = await start();
      const client = await TestClient.connect(simulator);
      const second = { authorization: `bearer ${providerToken(simulator.identity)}` };
      expect((await client.answer(client.push())).status).toBe('200');
      expect((await client.answer(client.push(second))).body).toBe('{"reason":"TooManyProviderTokenUpdates"}');
      expect((await client.answer(client.push())).status).toBe('200');
      simulator.advanceClock(20 * 60_000);
      expect((await client.answer(client.push(second))).status).toBe('200');
      client.close();
    });

    it('holds a connection to the team of its first push', async () => {
      const stranger = keyPair();
      const other: ProviderKey = { keyId: 'KEY7654321', teamId: 'OTHERTEAM1', publicKeyPem: stranger.publicKeyPem };
      await using simulator = await start({ rules: { keys: [other] } });
      const client = await TestClient.connect(simulator);
      const ofOther = providerToken(simulator.identity, {
        header: { alg: 'ES256', kid: other.keyId },
        claims: { iss: other.teamId, iat: Math.floor(Date.now() / 1_000) },
        keyPem: stranger.pem,
      });
      expect(await reasonFor(simulator, { authorization: `bearer ${ofOther}` })).toBe('200');
      expect((await client.answer(client.push())).status).toBe('200');
      const mixed = await client.answer(client.push({ authorization: `bearer ${ofOther}` }));
      expect(mixed.body).toBe('{"reason":"InvalidProviderToken"}');
      client.close();
    });

    it('holds topic-specific keys to their topics, environment and related keys', async () => {
      const pair = keyPair();
      const key: ProviderKey = {
        keyId: 'TOPICKEY12',
        teamId: 'TEAM123456',
        publicKeyPem: pair.publicKeyPem,
        topics: ['com.example.app'],
      };
      const elsewhere: ProviderKey = { ...key, keyId: 'SANDBOX123', environment: 'sandbox' };
      await using simulator = await start({ rules: { keys: [key, elsewhere] } });
      const tokenOf = (kid: string): string =>
        `bearer ${providerToken(simulator.identity, { header: { alg: 'ES256', kid }, keyPem: pair.pem })}`;
      expect(await reasonFor(simulator, { authorization: tokenOf(key.keyId) })).toBe('200');
      expect(await reasonFor(simulator, { authorization: tokenOf(key.keyId), 'apns-topic': 'com.other' })).toBe(
        '400 TopicDisallowed',
      );
      expect(await reasonFor(simulator, { authorization: tokenOf(elsewhere.keyId) })).toBe(
        '403 BadEnvironmentKeyInToken',
      );

      const client = await TestClient.connect(simulator);
      expect((await client.answer(client.push())).status).toBe('200');
      const unrelated = await client.answer(client.push({ authorization: tokenOf(key.keyId) }));
      expect(unrelated.body).toBe('{"reason":"UnrelatedKeyIdInToken"}');
      client.close();
    });

    it('spoils the connection after an expired token when told to', async () => {
      await using simulator = await start({ rules: { poisonsExpired: true } });
      const client = await TestClient.connect(simulator);
      expect((await client.answer(client.push())).status).toBe('200');
      simulator.advanceClock(3_700_000);
      expect((await client.answer(client.push())).body).toBe('{"reason":"ExpiredProviderToken"}');
      const fresh = providerToken(simulator.identity, {
        claims: { iss: simulator.teamId, iat: Math.floor(Date.now() / 1_000) + 3_700 },
      });
      expect((await client.answer(client.push({ authorization: `bearer ${fresh}` }))).body).toBe(
        '{"reason":"ExpiredProviderToken"}',
      );
      expect(await reasonFor(simulator, { authorization: `bearer ${fresh}` })).toBe('200');
      client.close();
    });

    it('allows one stream until the first authenticated reply, and says so in SETTINGS', async () => {
      await using simulator = await start();
      const client = await TestClient.connect(simulator);
      expect((await client.until('settings')).values[3]).toBe(1);
      await client.until('settings-ack');
      expect((await client.answer(client.push({ authorization: null }))).status).toBe('403');
      expect((await client.answer(client.push())).status).toBe('200');
      await client.until('settings', ({ values }) => values[3] === 1_000);
      const streams = Array.from({ length: 50 }, () => client.push());
      for (const stream of streams) expect((await client.answer(stream)).status).toBe('200');
      client.close();
    });
  });

  describe('with client certificates', () => {
    it('opens all streams at once, ignores authorization and keeps to the certificate’s topics', async () => {
      await using simulator = await start();
      const client = await TestClient.connect(simulator, { certificate: simulator.identity.push });
      expect((await client.until('settings')).values[3]).toBe(1_000);
      expect((await client.answer(client.push({ authorization: 'bearer nonsense' }))).status).toBe('200');
      expect((await client.answer(client.push({ 'apns-topic': 'com.other' }))).body).toBe(
        '{"reason":"TopicDisallowed"}',
      );
      expect((await client.answer(client.push({ 'apns-topic': null }))).body).toBe('{"reason":"MissingTopic"}');
      client.close();
    });

    it('takes the topic from a certificate that has only one', async () => {
      await using simulator = await start();
      const certificate = createCertificateAuthority().issuePush({
        bundleId: 'com.single',
        teamId: 'TEAM123456',
        topics: [{ topic: 'com.single', kind: 'app' }],
      });
      const client = await TestClient.connect(simulator, { certificate });
      expect((await client.answer(client.push({ 'apns-topic': null }))).status).toBe('200');
      client.close();
    });

    it('answers BadCertificate once it has expired', async () => {
      await using simulator = await start();
      const client = await TestClient.connect(simulator, { certificate: simulator.identity.push });
      expect((await client.answer(client.push())).status).toBe('200');
      simulator.advanceClock(31 * 86_400_000);
      expect((await client.answer(client.push())).body).toBe('{"reason":"BadCertificate"}');
      client.close();
    });

    it('sends GOAWAY with BadCertificateEnvironment to one for the other environment', async () => {
      await using simulator = await start();
      const certificate = createCertificateAuthority().issuePush({
        bundleId: 'com.example.app',
        teamId: 'TEAM123456',
        environments: ['sandbox'],
      });
      const client = await TestClient.connect(simulator, { certificate });
      const goAway = await client.until('goaway');
      expect(goAway).toMatchObject({ lastStreamId: 0, code: 0, debug: '{"reason":"BadCertificateEnvironment"}' });
      await client.untilClosed();
    });
  });

  it('generates apns-ids in upper case and an apns-unique-id in the sandbox only', async () => {
    await using production = await start();
    await using sandbox = await start({ rules: { environment: 'sandbox' } });
    const fieldsOf = async (simulator: Simulator): Promise<Readonly<Record<string, string>>> => {
      const client = await TestClient.connect(simulator);
      const { fields } = await client.answer(client.push());
      client.close();
      return fields;
    };
    const fields = await fieldsOf(production);
    expect(fields['apns-id']).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
    expect(fields['apns-unique-id']).toBeUndefined();
    expect((await fieldsOf(sandbox))['apns-unique-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it('writes what arrived into the ledger', async () => {
    await using simulator = await start({ ledger: { kind: 'memory', payloadSha256: true } });
    const client = await TestClient.connect(simulator);
    const apnsId = '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f';
    const stream = client.push({
      'apns-id': apnsId,
      'apns-push-type': 'alert',
      'apns-priority': '5',
      'apns-expiration': '0',
      'apns-collapse-id': 'one',
    });
    await client.answer(stream);
    expect(simulator.ledger).toEqual([
      {
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        connection: 1,
        stream: 1,
        token: goodToken,
        apnsId,
        topic: simulator.identity.topic,
        pushType: 'alert',
        priority: '5',
        expiration: '0',
        collapseId: 'one',
        payloadBytes: 10,
        payloadSha256: '4a81bb4d90a8236190b13e3eb683015de1baec4c0735e825767b37d3e03d5f97',
        status: 200,
        reason: null,
      },
    ]);
    client.close();
  });
});

describe('strict on frames', () => {
  it('refuses streams above the limit without processing them', async () => {
    await using simulator = await startSimulator({ ledger: { kind: 'memory' } });
    simulator.setToken(goodToken, { kind: 'ok', delayMs: 50 });
    const client = await TestClient.connect(simulator);
    const [served, refused] = [client.push(), client.push()];
    expect(await client.until('rst')).toEqual({ kind: 'rst', streamId: refused, code: 7 });
    expect((await client.answer(served)).status).toBe('200');
    expect(simulator.ledger.map(({ stream }) => stream)).toEqual([served]);
    expect(simulator.stats()).toMatchObject({ streamsRefused: 1, streamsPeak: 1 });
    client.close();
  });

  it('ends a connection above the limit with Apple’s plain text when told to', async () => {
    await using simulator = await startSimulator({ http2: { overLimit: 'goaway' } });
    simulator.setToken(goodToken, { kind: 'ok', delayMs: 20 });
    const client = await TestClient.connect(simulator);
    client.push();
    client.push();
    expect(await client.until('goaway')).toMatchObject({
      code: 7,
      debug: 'Maximum active streams violated for this endpoint.',
    });
    await client.untilClosed();
  });

  it('lets the limit fall to 1 after a rejection and rise after an acceptance, when told to', async () => {
    await using simulator = await startSimulator({ http2: { dropsStreamsAfterRejection: true } });
    const client = await TestClient.connect(simulator);
    const limits = (): (number | undefined)[] =>
      client.frames.flatMap((frame) => (frame.kind === 'settings' ? [frame.values[3]] : []));
    await client.answer(client.push());
    await client.answer(client.push({ 'apns-priority': '7' }));
    simulator.setToken(goodToken, { kind: 'unregistered', times: 1 });
    await client.answer(client.push());
    await client.answer(client.push());
    await client.untilTrue('four limits', () => limits().length === 4);
    expect(limits()).toEqual([1, 1_000, 1, 1_000]); // the 410 in between changed nothing
    client.close();
  });
});
