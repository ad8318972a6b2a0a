// Channels and broadcasts (apns-protocol.md D), driven by clients that nobody here wrote: node:http2 and curl.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { Simulator, SimulatorOptions } from '../src/index.ts';
import { providerToken } from './provider-token.ts';

const base64 = /^[A-Za-z0-9+/]{22}==$/;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const requestId = '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f';
const creation = '{"message-storage-policy":1,"push-type":"LiveActivity"}';
const update = '{"aps":{"event":"update"}}';

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One client for one endpoint; a provider token goes along unless a certificate was shown. */
class Client implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #authorization: string | null;

  constructor({ ca, identity }: Simulator, endpoint: string, hasCertificate = false) {
    const certificate = { cert: identity.push.certificatePem, key: identity.push.keyPem };
    this.#session = connect(endpoint, { ca, ...(hasCertificate ? certificate : {}) });
    this.#authorization = hasCertificate ? null : `bearer ${providerToken(identity)}`;
  }

  /** A header set to null is left out. */
  async ask(path: string, change: Record<string, string | null> = {}, body = ''): Promise<Answer> {
    const all = { ':path': path, authorization: this.#authorization, ...change };
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    const request = this.#session.request(headers as OutgoingHttpHeaders, { endStream: body === '' }); // no value is null
    request.setEncoding('utf8');
    const answered = new Promise<IncomingHttpHeaders>((resolve) => request.once('response', resolve));
    if (body !== '') request.end(body);
    let text = '';
    for await (const chunk of request) text += chunk as string; // encoding is set
    return { headers: await answered, body: text };
  }

  /** The status, and the reason where there is one. */
  async line(path: string, change: Record<string, string | null> = {}, body = ''): Promise<string> {
    const { headers, body: text } = await this.ask(path, change, body);
    const status = String(headers[':status']);
    return text.includes('"reason"') ? `${status} ${(JSON.parse(text) as { reason: string }).reason}` : status;
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

const channelsOf = (app = 'com.example.app'): string => `/1/apps/${app}/channels`;
const allOf = (app = 'com.example.app'): string => `/1/apps/${app}/all-channels`;
const broadcastTo = (app = 'com.example.app'): string => `/4/broadcasts/apps/${app}`;

async function create(client: Client, body = creation): Promise<string> {
  const { headers } = await client.ask(channelsOf(), { ':method': 'POST' }, body);
  expect(headers[':status']).toBe(201);
  return String(headers['apns-channel-id']);
}

/** A broadcast as it should be, with changes. */
function broadcast(channel: string, change: Record<string, string | null> = {}): Record<string, string | null> {
  return {
    ':method': 'POST',
    'apns-channel-id': channel,
    'apns-push-type': 'liveactivity',
    'apns-expiration': '0',
    'apns-priority': '10',
    ...change,
  };
}

describe.each(['frames', 'node'] as const)('channel management on %s', (stack) => {
  const start = (options: SimulatorOptions = {}): Promise<Simulator> => startSimulator({ stack, ...options });

  it('creates, reads, lists and deletes, and echoes or makes the request id', async () => {
    await using simulator = await start();
    using client = new Client(simulator, simulator.channelsEndpoint);
    const made = await client.ask(channelsOf(), { ':method': 'POST', 'apns-request-id': requestId }, creation);
    const channel = String(made.headers['apns-channel-id']);
    expect([made.headers[':status'], made.headers['apns-request-id'], made.body]).toEqual([201, requestId, '']);
    expect(channel).toMatch(base64);
    const other = await create(client, '{"message-storage-policy":0,"push-type":"LiveActivity"}');
    expect(other).not.toBe(channel);

    const read = await client.ask(channelsOf(), { 'apns-channel-id': channel });
    expect([read.headers[':status'], JSON.parse(read.body)]).toEqual([200, JSON.parse(creation)]);
    expect(read.headers['apns-request-id']).toMatch(uuid);
    const listed = await client.ask(allOf());
    expect(JSON.parse(listed.body)).toEqual({ channels: [channel, other] });
    expect(JSON.parse((await client.ask(allOf('com.example.other'))).body)).toEqual({ channels: [] });

    const gone = await client.ask(channelsOf(), { ':method': 'DELETE', 'apns-channel-id': channel });
    expect([gone.headers[':status'], gone.body]).toEqual([204, '']);
    expect(JSON.parse((await client.ask(allOf())).body)).toEqual({ channels: [other] });
    expect(simulator.stats()).toMatchObject({ channels: 1, channelCalls: 7, requests: 0 });
  });

  it('refuses with the reasons of the page, and with those of the wire where they differ', async () => {
    await using simulator = await start({ rules: { channelsMax: 1, broadcastBundleIds: ['com.example.app'] } });
    using client = new Client(simulator, simulator.channelsEndpoint);
    const post = { ':method': 'POST' };
    const channel = await create(client);
    const cases: readonly (readonly [() => Promise<string>, string])[] = [
      [() => client.line('/3/device/aa', post, '{}'), '404 BadPath'],
      [() => client.line('/1/apps/com.example.app/all-channels', post, '{}'), '405 MethodNotAllowed'],
      [() => client.line(channelsOf(), { ':method': 'PUT' }, '{}'), '405 MethodNotAllowed'],
      [() => client.line(channelsOf(), { authorization: null }), '403 MissingProviderToken'],
      [() => client.line(channelsOf('com.example.app.voip'), post, creation), '400 TopicDisallowed'],
      [() => client.line(channelsOf('com.example.off'), post, creation), '400 BroadcastFeatureNotEnabled'],
      [() => client.line(channelsOf(), { ...post, 'apns-request-id': 'x' }, creation), '400 BadMessageId'],
      [() => client.line(channelsOf(), post), '400 PayloadEmpty'],
      [() => client.line(channelsOf(), post, 'policy=1'), '400 BadRequestPayload'],
      [() => client.line(channelsOf(), post, creation.replace('}', ',"name":"x"}')), '400 BadRequestParams'],
      [() => client.line(channelsOf(), post, '{"push-type":"LiveActivity"}'), '400 MissingChannelQueueSize'],
      [() => client.line(channelsOf(), post, creation.replace('1', '2')), '400 MissingChannelQueueSize'],
      [() => client.line(channelsOf(), post, '{"message-storage-policy":0}'), '400 MissingPushType'],
      [() => client.line(channelsOf(), post, creation.replace('LiveActivity', 'alert')), '400 InvalidPushType'],
      [() => client.line(channelsOf(), post, creation), '400 CannotCreateChannelConfig'],
      [() => client.line(channelsOf()), '400 MissingChannelId'],
      [() => client.line(channelsOf(), { 'apns-channel-id': 'no base64' }), '400 BadChannelId'],
      [() => client.line(channelsOf(), { 'apns-channel-id': 'AAAAAAAAAAAAAAAAAAAAAA==' }), '400 BadChannelId'],
      [() => client.line(channelsOf(), { ':method': 'DELETE', 'apns-channel-id': channel }), '204'],
      [() => client.line(channelsOf(), { ':method': 'DELETE', 'apns-channel-id': channel }), '404 BadPath'],
      [() => client.line(channelsOf(), { 'apns-channel-id': channel }), '400 ChannelNotRegistered'],
    ];
    for (const [ask, expected] of cases) expect(await ask(), String(ask)).toBe(expected);
  });

  it('speaks as the page does when it is told to', async () => {
    await using simulator = await start({ rules: { spellings: 'page', broadcastBundleIds: ['com.example.app'] } });
    using client = new Client(simulator, simulator.channelsEndpoint);
    const post = { ':method': 'POST' };
    expect(await client.line(channelsOf('com.example.off'), post, creation)).toBe('400 FeatureNotEnabled');
    expect(await client.line(channelsOf(), post, '{"push-type":"LiveActivity"}')).toBe('400 BadRequestParams');
    // Every spelling of the push type that the pages have is taken.
    for (const spelling of ['LiveActivity', 'Liveactivity', 'liveactivity'])
      await create(client, creation.replace('LiveActivity', spelling));
  });

  it('takes a client certificate, for the app that it is for', async () => {
    await using simulator = await start();
    using client = new Client(simulator, simulator.channelsEndpoint, true);
    await create(client);
    expect(await client.line(channelsOf('com.example.other'), { ':method': 'POST' }, creation)).toBe(
      '403 TopicMismatch',
    );
  });

  it('is nowhere but on its own port, and pushes are not there', async () => {
    await using simulator = await start();
    using pushes = new Client(simulator, simulator.endpoint);
    expect(await pushes.line(channelsOf(), { ':method': 'POST' }, creation)).toBe('404 BadPath');
    using channels = new Client(simulator, simulator.channelsEndpoint);
    const channel = await create(channels);
    expect(await channels.line(broadcastTo(), broadcast(channel), update)).toBe('404 BadPath');
  });
});

describe.each(['frames', 'node'] as const)('a broadcast on %s', (stack) => {
  const start = (options: SimulatorOptions = {}): Promise<Simulator> =>
    startSimulator({ stack, ledger: { kind: 'memory' }, ...options });

  it('is accepted on the port of the pushes, counted and recorded', async () => {
    await using simulator = await start();
    using channels = new Client(simulator, simulator.channelsEndpoint);
    using client = new Client(simulator, simulator.endpoint);
    const channel = await create(channels);
    const { headers } = await client.ask(broadcastTo(), broadcast(channel, { 'apns-request-id': requestId }), update);
    expect(headers).toMatchObject({ ':status': 200, 'apns-request-id': requestId, 'apns-channel-id': channel });
    expect(headers['apns-id']).toBeUndefined();
    expect(simulator.stats()).toMatchObject({ requests: 1, broadcasts: 1 });
    expect(simulator.ledger).toMatchObject([{ channel, apnsId: requestId, pushType: 'liveactivity', status: 200 }]);
  });

  it('is refused for each thing that is wrong with it', async () => {
    await using simulator = await start({ rules: { broadcastBundleIds: ['com.example.app'] } });
    using channels = new Client(simulator, simulator.channelsEndpoint);
    using client = new Client(simulator, simulator.endpoint);
    const stored = await create(channels);
    const unstored = await create(channels, creation.replace('1', '0'));
    const deleted = await create(channels);
    await channels.ask(channelsOf(), { ':method': 'DELETE', 'apns-channel-id': deleted });
    const later = String(Math.floor(Date.now() / 1000) + 3600);
    const cases: readonly (readonly [string, Record<string, string | null>, string, string])[] = [
      [broadcastTo(), broadcast(stored), update, '200'],
      [broadcastTo(), broadcast(stored, { 'apns-expiration': later }), update, '200'],
      [broadcastTo(), broadcast(stored, { 'apns-push-type': 'Liveactivity' }), update, '200'],
      [broadcastTo(), broadcast(unstored, { 'apns-expiration': later }), update, '400 BadExpirationDate'],
      [broadcastTo(), broadcast(stored, { 'apns-expiration': null }), update, '400 BadExpirationDate'],
      [broadcastTo(), broadcast(stored, { 'apns-priority': null }), update, '400 BadPriority'],
      [broadcastTo(), broadcast(stored, { 'apns-priority': '7' }), update, '400 BadPriority'],
      [broadcastTo(), broadcast(stored, { 'apns-push-type': null }), update, '400 MissingPushType'],
      [broadcastTo(), broadcast(stored, { 'apns-push-type': 'alert' }), update, '400 InvalidPushType'],
      [broadcastTo(), broadcast(stored, { 'apns-channel-id': null }), update, '400 MissingChannelId'],
      [broadcastTo(), broadcast('AAAAAAAAAAAAAAAAAAAAAA=='), update, '400 BadChannelId'],
      [broadcastTo(), broadcast('not-base64'), update, '400 BadChannelId'],
      [broadcastTo(), broadcast(deleted), update, '400 ChannelNotRegistered'],
      [broadcastTo(), broadcast(stored, { 'apns-request-id': 'x' }), update, '400 BadMessageId'],
      [broadcastTo(), broadcast(stored), '', '400 PayloadEmpty'],
      [broadcastTo(), broadcast(stored), 'x'.repeat(5120), '200'],
      [broadcastTo(), broadcast(stored), 'x'.repeat(5121), '413 PayloadTooLarge'],
      [broadcastTo('com.example.app.push-type.liveactivity'), broadcast(stored), update, '400 TopicDisallowed'],
      [broadcastTo('com.example.off'), broadcast(stored), update, '400 BroadcastFeatureNotEnabled'],
      [broadcastTo(), broadcast(stored, { authorization: null }), update, '403 MissingProviderToken'],
      [broadcastTo(), broadcast(stored, { ':method': 'GET' }), '', '405 MethodNotAllowed'],
      ['/4/broadcasts/com.example.app', broadcast(stored), update, '404 BadPath'],
    ];
    for (const [path, headers, body, expected] of cases) {
      expect(await client.line(path, headers, body), JSON.stringify(headers)).toBe(expected);
    }
  });

  it('costs nobody his reputation: neither its form nor a 429 is held against a device', async () => {
    await using simulator = await start({ referee: true });
    using channels = new Client(simulator, simulator.channelsEndpoint);
    using client = new Client(simulator, simulator.endpoint);
    const channel = await create(channels);
    for (let k = 0; k < 5; k++) {
      expect(await client.line(broadcastTo(), broadcast(channel), `{"aps":{"event":"update","n":${k}}}`)).toBe('200');
    }
    expect(simulator.report()).toMatchObject({ verdict: 'clean' });
  });
});

describe('curl', () => {
  it('manages a channel and broadcasts to it', async () => {
    await using simulator = await startSimulator();
    const directory = await mkdtemp(join(tmpdir(), 'carillon-channels-'));
    try {
      const ca = join(directory, 'ca.pem');
      await writeFile(ca, simulator.ca);
      const authorization = `authorization: bearer ${providerToken(simulator.identity)}`;
      const curl = async (...args: string[]): Promise<string> =>
        (await promisify(execFile)('curl', ['-sS', '-i', '--http2', '--cacert', ca, '-H', authorization, ...args]))
          .stdout;
      const at = `${simulator.channelsEndpoint}${channelsOf()}`;
      const made = await curl('--data', creation, at);
      const channel = /^apns-channel-id: (\S+)/m.exec(made)?.[1] ?? '';
      expect(made).toMatch(/^HTTP\/2 201/);
      expect(channel).toMatch(base64);
      expect(await curl('-H', `apns-channel-id: ${channel}`, at)).toContain(creation);
      expect(await curl(`${simulator.channelsEndpoint}${allOf()}`)).toContain(`{"channels":["${channel}"]}`);
      const headers = Object.entries(broadcast(channel)).filter(([name]) => !name.startsWith(':'));
      const flags = headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
      expect(await curl(...flags, '--data', update, `${simulator.endpoint}${broadcastTo()}`)).toMatch(/^HTTP\/2 200/);
      expect(await curl('-X', 'DELETE', '-H', `apns-channel-id: ${channel}`, at)).toMatch(/^HTTP\/2 204/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
