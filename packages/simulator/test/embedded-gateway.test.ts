// A gateway inside somebody else's world: it hears node:http2 over a stream in memory, and has no time or chance of its own.
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createIdentity, embedGateway } from '../src/index.ts';
import type { EmbeddedGateway, EmbeddedGatewayOptions, SimulatorClock } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { goodToken } from './test-client.ts';
import { until } from './until.ts';

const identity = createIdentity();
const bodilessPush = {
  ':method': 'POST',
  ':path': `/3/device/${goodToken}`,
  'apns-topic': identity.topic,
  'apns-push-type': 'alert',
};

/** Stands still until it is moved; turns of the event loop are the real ones. */
class HeldClock implements SimulatorClock {
  now = Date.now();
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  epochMs(): number {
    return this.now;
  }

  setTimer(delayMs: number, fire: () => void): { cancel(): void } {
    const timer = { at: this.now + delayMs, fire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  endOfTurn(fire: () => void): void {
    setImmediate(fire);
  }

  advance(byMs: number): void {
    this.now += byMs;
    for (const timer of [...this.#timers]) if (timer.at <= this.now && this.#timers.delete(timer)) timer.fire();
  }
}

describe('an embedded gateway', () => {
  const clock = new HeldClock();
  const clients: ClientHttp2Session[] = [];
  afterEach(() => clients.splice(0).forEach((client) => client.destroy()));

  function embed(options: EmbeddedGatewayOptions = {}): EmbeddedGateway {
    let ids = 0;
    const random = { next: () => 0.5, uuid: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}` };
    return embedGateway({ identity, ledger: { kind: 'memory' }, ...options }, { clock, random });
  }

  function join(
    gateway: EmbeddedGateway,
    certificatePem: string | null = null,
  ): { client: ClientHttp2Session; end: Duplex } {
    const [ours, theirs] = duplexPair();
    gateway.accept(theirs, { address: '192.0.2.1', certificatePem });
    const client = connect('http://gateway.example', { createConnection: () => ours });
    client.on('error', () => undefined);
    clients.push(client);
    return { client, end: theirs };
  }

  function push(client: ClientHttp2Session, headers: Record<string, string> = {}): Promise<IncomingHttpHeaders> {
    const authorization = `bearer ${providerToken(identity)}`;
    const request = client.request({ ...bodilessPush, authorization, ...headers });
    request.end('{"aps":{}}');
    return new Promise((resolve, reject) => request.on('response', resolve).on('error', reject));
  }

  it('answers over any stream, with ids of the world it is in', async () => {
    const gateway = embed();
    const { client } = join(gateway);
    expect(await push(client)).toMatchObject({ ':status': 200, 'apns-id': '00000000-0000-4000-8000-000000000001' });
    expect(gateway.ledger).toHaveLength(1);
    expect(gateway.stats()).toMatchObject({ connectionsAccepted: 1, connectionsOpen: 1, requests: 1 });
  });

  it('thinks as long as the clock of its world says', async () => {
    const gateway = embed({ latency: { replyMs: 50, spreadMs: 20 } });
    const { client } = join(gateway);
    let isAnswered = false;
    const answered = push(client).then(() => (isAnswered = true));
    await until('the request', () => gateway.stats().requests === 1);
    clock.advance(59);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isAnswered).toBe(false);
    clock.advance(1);
    await answered;
  });

  it('knows a client certificate that the embedder saw', async () => {
    const gateway = embed();
    const { client } = join(gateway, identity.push.certificatePem);
    expect(await push(client, { authorization: '' })).toMatchObject({ ':status': 200 });
    const other = await push(client, { 'apns-topic': 'com.example.other' });
    expect(other[':status']).toBe(400);
  });

  it('has a referee whose PINGs go out on that clock', async () => {
    const gateway = embed({ referee: true });
    gateway.setToken(goodToken, { kind: 'unregistered' });
    const { client } = join(gateway);
    expect((await push(client))[':status']).toBe(410);
    clock.advance(50);
    await until('the answer to a PING', () => gateway.report()?.observed.marksAnswered === 1);
    await push(client);
    expect(gateway.report()?.rules.find(({ id }) => id === 'dead-tokens-stay-dead')?.violations).toBe(1);
  });

  it('takes no token of a key that was revoked', async () => {
    const gateway = embed();
    const { client } = join(gateway);
    gateway.revokeKey(identity.keyId);
    expect((await push(client))[':status']).toBe(403);
  });

  it('resets a connection in the way of its embedder', async () => {
    const gateway = embed({
      faults: { faults: [{ when: { on: 'request' }, action: { kind: 'tcp-reset' } }] },
    });
    const [ours, theirs] = duplexPair();
    const reset = new Promise<void>((resolve) => {
      gateway.accept(theirs, { address: '192.0.2.1', certificatePem: null, reset: resolve });
    });
    const client = connect('http://gateway.example', { createConnection: () => ours });
    clients.push(client);
    client.on('error', () => undefined);
    push(client).catch(() => undefined);
    await expect(reset).resolves.toBeUndefined();
  });

  it('leaves handshakes to whoever makes the streams', () => {
    const faults = { faults: [{ when: { on: 'accept' }, action: { kind: 'handshake-hang' } }] } as const;
    expect(() => embed({ faults })).toThrow('accept');
  });
});
