import { spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createCertificateAuthority } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { authority, goodServer, tcpServer, tlsServer } from '../test/tls-servers.ts';
import type { TestServer } from '../test/tls-servers.ts';
import { VirtualClock } from '../test/virtual-clock.ts';
import { tlsDialer } from './dialer.ts';
import type { Dialed, DialTarget } from './dialer.ts';
import { TransportError } from './errors.ts';
import type { Address, Resolver } from './resolver.ts';
import type { TlsIdentity } from './tls-identity.ts';

const ca = authority.certificatePem;
const never = new AbortController().signal;
const dayMs = 86_400_000;

const to = (addresses: readonly string[]): Resolver => ({
  resolve: () =>
    Promise.resolve(addresses.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }))),
});

function target(port: number, more: Partial<DialTarget> = {}): DialTarget {
  return { host: '127.0.0.1', port, tls: { ca }, timeoutMs: 5000, ...more };
}

async function failure(dial: Promise<Dialed>): Promise<TransportError> {
  try {
    const { stream } = await dial;
    stream.destroy();
  } catch (error) {
    expect(error).toBeInstanceOf(TransportError);
    return error as TransportError;
  }
  throw new Error('the dial succeeded');
}

/** Dials a server that must be refused; afterwards neither side may have a connection open. */
async function refusal(server: TestServer, more: Partial<DialTarget> = {}): Promise<{ code: string; message: string }> {
  const { code, message } = await failure(tlsDialer().dial(target(server.port, more), never));
  await server.whenEmpty();
  return { code, message: message.replaceAll(String(server.port), 'PORT') };
}

describe('The TLS dialler', () => {
  it('connects to a gateway that it may trust and that speaks HTTP/2', async () => {
    await using server = await tlsServer();
    const { stream, address } = await tlsDialer().dial(target(server.port), never);
    const secure = stream as TLSSocket;
    expect(address).toBe('127.0.0.1');
    expect(secure.alpnProtocol).toBe('h2');
    expect(secure.authorized).toBe(true);
    expect(secure.getProtocol()).toBe('TLSv1.3');
    // An error has somebody who hears it, whatever becomes of the socket next.
    expect(secure.listenerCount('error')).toBeGreaterThan(0);
    secure.destroy(new Error('nobody waits for this'));
    await server.whenEmpty();
  });

  it('speaks TLS 1.2 with a gateway that has no newer', async () => {
    await using server = await tlsServer({ maxVersion: 'TLSv1.2' });
    const { stream } = await tlsDialer().dial(target(server.port), never);
    expect((stream as TLSSocket).getProtocol()).toBe('TLSv1.2');
    stream.destroy();
  });

  it('names the host in the handshake, and no address', async () => {
    const names: (string | false | null)[] = [];
    await using server = await tlsServer({}, (socket) => {
      // Node's types leave it out on the server's side.
      names.push((socket as TLSSocket & { servername: string | false }).servername);
      socket.end('x');
    });
    const dialer = tlsDialer(to(['127.0.0.1']));
    for (const more of [{ host: 'localhost' }, {}, { tls: { ca, servername: 'localhost' } }]) {
      const { stream } = await dialer.dial(target(server.port, more), never);
      await new Promise((resolve) => stream.once('data', resolve));
      stream.destroy();
    }
    expect(names).toEqual(['localhost', false, 'localhost']);
  });

  it.each(['::1', '[::1]'])('dials the IPv6 literal %s', async (host) => {
    await using server = await tlsServer({}, undefined, '::1');
    const { stream, address } = await tlsDialer().dial(target(server.port, { host }), never);
    expect(address).toBe('::1');
    stream.destroy();
    const { code, endpoint } = await failure(tlsDialer().dial(target(server.port, { host, tls: {} }), never));
    expect({ code, endpoint }).toEqual({ code: 'ERR_TRANSPORT_TLS_UNTRUSTED', endpoint: `[::1]:${server.port}` });
  });

  it('shows a client certificate to a gateway that asks', async () => {
    const push = authority.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456' });
    let subject = '';
    await using server = await tlsServer({ requestCert: true, rejectUnauthorized: true, ca }, (socket) => {
      subject = socket.getPeerCertificate().subject.CN;
      socket.write('x');
    });
    const tls: TlsIdentity = { ca, cert: push.certificatePem, key: push.keyPem };
    const { stream } = await tlsDialer().dial(target(server.port, { tls }), never);
    await new Promise((resolve) => stream.once('data', resolve));
    expect(subject).toBe('Apple Push Services: com.example.app');
    stream.destroy();
  });
});

describe('The TLS dialler refuses, with a message that says what is wrong,', () => {
  const now = Date.now();
  const wrongName = authority.issueServer({ names: ['gateway.invalid'] });
  const expired = authority.issueServer({ notBefore: new Date(now - 2 * dayMs), notAfter: new Date(now - dayMs) });
  const early = authority.issueServer({ notBefore: new Date(now + dayMs), notAfter: new Date(now + 2 * dayMs) });
  const foreign = createCertificateAuthority({ name: 'Somebody Else' });
  const other = foreign.issueServer();
  const identity = ({ certificatePem: cert, keyPem: key }: { certificatePem: string; keyPem: string }) => ({
    cert,
    key,
  });

  it.each([
    ['a certificate for another name', identity(wrongName), 'ERR_TRANSPORT_TLS_NAME', 'for another name'],
    ['an expired certificate', identity(expired), 'ERR_TRANSPORT_TLS_EXPIRED', 'has expired'],
    ['a certificate that is not valid yet', identity(early), 'ERR_TRANSPORT_TLS_EXPIRED', 'is the clock right?'],
    ['a certificate of another CA', identity(other), 'ERR_TRANSPORT_TLS_UNTRUSTED', 'unknown CA'],
    [
      'a certificate of another CA that sends its chain',
      { cert: other.certificatePem + foreign.certificatePem, key: other.keyPem },
      'ERR_TRANSPORT_TLS_UNTRUSTED',
      'unknown CA',
    ],
    [
      'TLS 1.1',
      { ...identity(goodServer), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      'ERR_TRANSPORT_TLS_VERSION',
      'TLS',
    ],
    ['a gateway without ALPN', { ALPNProtocols: [] }, 'ERR_TRANSPORT_ALPN', 'chose no protocol instead of h2'],
    ['a gateway that knows HTTP/1.1 only', { ALPNProtocols: ['http/1.1'] }, 'ERR_TRANSPORT_ALPN', 'HTTP/2'],
  ] as const)('%s', async (_, options, code, text) => {
    await using server = await tlsServer(options);
    const refused = await refusal(server);
    expect(refused).toEqual({ code, message: expect.stringContaining(text) });
    expect(refused.message).toContain('127.0.0.1:PORT: ');
  });

  it('a self-signed certificate', async () => {
    const selfSigned = makeSelfSigned();
    if (selfSigned === null) return;
    await using server = await tlsServer(selfSigned);
    expect(await refusal(server)).toEqual({
      code: 'ERR_TRANSPORT_TLS_UNTRUSTED',
      message: expect.stringContaining('self-signed'),
    });
  });

  it('the environment that turns checks off', async () => {
    await using server = await tlsServer(identity(other));
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await refusal(server)).toMatchObject({ code: 'ERR_TRANSPORT_TLS_UNTRUSTED' });
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('a plain-text port', async () => {
    await using http = await tcpServer((socket) => socket.resume().write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await refusal(http)).toEqual({
      code: 'ERR_TRANSPORT_TLS_VERSION',
      message: expect.stringContaining('is this a plain-text port?'),
    });
    await using http2 = await tcpServer((socket) => socket.resume().write(Buffer.from('00000604000000000000', 'hex')));
    expect(await refusal(http2)).toMatchObject({ code: expect.stringMatching(/_TLS_(?:VERSION|FAILED)$/) });
  });

  it('a gateway that closes or resets during the handshake', async () => {
    await using closes = await tcpServer((socket) => socket.once('data', () => socket.end()));
    expect(await refusal(closes)).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    await using resets = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await refusal(resets)).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });

  it('a gateway that says nothing, after the time that a dial may take', async () => {
    await using silent = await tcpServer((socket) => socket.resume());
    const refused = await refusal(silent, { timeoutMs: 100 });
    expect(refused).toEqual({
      code: 'ERR_TRANSPORT_DIAL_TIMEOUT',
      message: '127.0.0.1:PORT: no connection within 100 ms',
    });
  });

  it('a port on which nobody listens', async () => {
    const server = await tcpServer(() => undefined);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    const error = await failure(tlsDialer().dial(target(port), never));
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_DIAL_REFUSED', endpoint: `127.0.0.1:${port}` });
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('to be without a client certificate where one is required', async () => {
    // TLS 1.2 says so within the handshake; TLS 1.3 only afterwards, which the connection sees (unusable.test.ts).
    await using server = await tlsServer({ requestCert: true, rejectUnauthorized: true, ca, maxVersion: 'TLSv1.2' });
    expect(await refusal(server)).toEqual({
      code: 'ERR_TRANSPORT_TLS_FAILED',
      message: expect.stringContaining('does it want a client certificate?'),
    });
    // Node's server hangs up on a certificate that it does not trust; others send an alert (errors.test.ts).
    const stranger = foreign.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456' });
    const tls = { ca, cert: stranger.certificatePem, key: stranger.keyPem };
    expect(await refusal(server, { tls })).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
  });

  it.each([
    ["a key that is not the certificate's", { cert: goodServer.certificatePem, key: wrongName.keyPem }],
    ['a certificate that is none', { cert: 'nonsense', key: goodServer.keyPem }],
    ['a PKCS#12 that is none', { pfx: Buffer.from('nonsense'), passphrase: 'correct horse' }],
  ])('%s, before anything is sent', async (_, tls) => {
    await using server = await tlsServer();
    const refused = await refusal(server, { tls: { ca, ...tls } });
    expect(refused.code).toBe('ERR_TRANSPORT_TLS_IDENTITY');
    expect(refused.message).not.toMatch(/nonsense|correct horse|PRIVATE KEY/);
    expect(server.accepted).toBe(0);
  });
});

describe('The TLS dialler, with a gateway of several addresses,', () => {
  it('goes on at once from one that refuses, and says so', async () => {
    await using server = await tlsServer();
    const failed: string[] = [];
    const dialer = tlsDialer(to(['127.0.0.2', '127.0.0.3', '127.0.0.1']));
    const { stream, address } = await dialer.dial(
      target(server.port, { onAddressFailed: (one) => failed.push(one) }),
      never,
    );
    expect({ address, failed }).toEqual({ address: '127.0.0.1', failed: ['127.0.0.2', '127.0.0.3'] });
    stream.destroy();
  });

  it('lets one that swallows packets cost a second, not the whole time', async () => {
    await using server = await tlsServer();
    await using swallows = await tcpServer((socket) => socket.resume(), '127.0.0.2', server.port);
    const failed: string[] = [];
    const began = performance.now();
    const { stream, address } = await tlsDialer(to(['127.0.0.2', '127.0.0.1'])).dial(
      target(server.port, { timeoutMs: 20_000, onAddressFailed: (one) => failed.push(one) }),
      never,
    );
    expect(performance.now() - began).toBeLessThan(2500);
    expect({ address, failed }).toEqual({ address: '127.0.0.1', failed: ['127.0.0.2'] });
    await swallows.whenEmpty();
    stream.destroy();
    await server.whenEmpty();
  });

  it('asks whom to try first', async () => {
    await using server = await tlsServer();
    await using second = await tlsServer({}, undefined, '127.0.0.2', server.port);
    const order = (addresses: readonly Address[]): Address[] => [...addresses].reverse();
    const dialed = await tlsDialer(to(['127.0.0.1', '127.0.0.2'])).dial(target(server.port, { order }), never);
    expect({ address: dialed.address, others: server.accepted, open: second.open }).toEqual({
      address: '127.0.0.2',
      others: 0,
      open: 1,
    });
    dialed.stream.destroy();
  });

  it('reports the failure that tells most: TLS before nobody there', async () => {
    await using server = await tlsServer();
    const dialer = tlsDialer(to(['127.0.0.2', '127.0.0.1', '127.0.0.3']));
    const error = await failure(dialer.dial(target(server.port, { tls: {} }), never));
    expect(error.code).toBe('ERR_TRANSPORT_TLS_UNTRUSTED');
  });
});

describe('The TLS dialler, when names are looked up (D1),', () => {
  it.each([
    ['ENOTFOUND', 'the host name does not exist'],
    ['EAI_AGAIN', 'DNS gave no answer'],
  ])('says what %s means', async (code, text) => {
    const resolver: Resolver = { resolve: () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code })) };
    const error = await failure(tlsDialer(resolver).dial(target(1), never));
    expect(error.code).toBe('ERR_TRANSPORT_DNS');
    expect(error.message).toContain(text);
  });

  it('meets the real resolver with a name that cannot exist', async () => {
    const error = await failure(tlsDialer().dial(target(1, { host: 'gateway.invalid' }), never));
    expect(error.code).toBe('ERR_TRANSPORT_DNS');
  });

  it('calls a name without addresses a failure', async () => {
    const error = await failure(tlsDialer(to([])).dial(target(1, { host: 'gateway.example' }), never));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_DNS',
      message: 'gateway.example:1: gateway.example has no address',
    });
  });

  it('waits for a resolver that never answers only as long as a dial may take', async () => {
    const clock = new VirtualClock();
    const silent: Resolver = { resolve: () => new Promise(() => undefined) };
    const failed = failure(tlsDialer(silent, clock).dial(target(1, { host: 'gateway.example' }), never));
    await clock.advance(5000);
    expect(await failed).toMatchObject({
      code: 'ERR_TRANSPORT_DNS',
      message: 'gateway.example:1: gateway.example was not looked up within 5000 ms',
    });
    expect(clock.pending).toBe(0);
  });

  it('looks up anew for every dial', async () => {
    await using server = await tlsServer();
    const rotation = [['127.0.0.9'], ['127.0.0.1']];
    const asked: string[] = [];
    const resolver: Resolver = {
      resolve: (host) => {
        asked.push(host);
        return to(rotation.shift() ?? []).resolve(host);
      },
    };
    const dialer = tlsDialer(resolver);
    const error = await failure(dialer.dial(target(server.port, { host: 'localhost' }), never));
    expect(error.code).toBe('ERR_TRANSPORT_DIAL_REFUSED');
    (await dialer.dial(target(server.port, { host: 'localhost' }), never)).stream.destroy();
    expect(asked).toEqual(['localhost', 'localhost']);
  });
});

describe('The TLS dialler, when it is aborted,', () => {
  async function expectNothingLeft(server: TestServer, when: Promise<unknown>): Promise<void> {
    const controller = new AbortController();
    const failedAddresses: string[] = [];
    const onAddressFailed = (address: string): void => void failedAddresses.push(address);
    const dial = failure(tlsDialer().dial(target(server.port, { onAddressFailed }), controller.signal));
    await when;
    controller.abort(new Error('enough'));
    const error = await dial;
    expect(error.code).toBe('ERR_TRANSPORT_ABORTED');
    expect(error.cause).toMatchObject({ message: 'enough' });
    // The address has not failed: nobody waited for it.
    expect(failedAddresses).toEqual([]);
    await server.whenEmpty();
  }

  it('has begun nothing when it was aborted before', async () => {
    await using server = await tlsServer();
    const error = await failure(tlsDialer().dial(target(server.port), AbortSignal.abort(new Error('enough'))));
    expect(error.code).toBe('ERR_TRANSPORT_ABORTED');
    expect(server.accepted).toBe(0);
  });

  it('leaves nothing behind during the look-up', async () => {
    await using server = await tlsServer();
    await expectNothingLeft(server, Promise.resolve());
  });

  it('closes the socket during the TCP handshake', async () => {
    await using server = await tcpServer(() => undefined);
    await expectNothingLeft(server, new Promise((resolve) => setImmediate(resolve)));
  });

  it('closes the socket during the TLS handshake', async () => {
    let arrived: () => void = () => undefined;
    const came = new Promise<void>((resolve) => (arrived = resolve));
    await using server = await tcpServer((socket: Socket) => socket.once('data', () => arrived()));
    await expectNothingLeft(server, came);
  });

  it('does not mind being aborted afterwards', async () => {
    await using server = await tlsServer();
    const controller = new AbortController();
    const { stream } = await tlsDialer().dial(target(server.port), controller.signal);
    controller.abort();
    expect(stream.destroyed).toBe(false);
    stream.destroy();
  });

  it('closes the socket at whatever moment it is aborted', async () => {
    await using server = await tlsServer();
    for (let delay = 0; delay < 30; delay++) {
      const controller = new AbortController();
      const dial = tlsDialer().dial(target(server.port), controller.signal);
      setTimeout(() => controller.abort(new Error('enough')), delay / 3);
      await dial.then(
        ({ stream }) => stream.destroy(),
        (error: unknown) => expect(error).toMatchObject({ code: 'ERR_TRANSPORT_ABORTED' }),
      );
    }
    await server.whenEmpty();
    expect(server.accepted).toBeGreaterThan(0);
  });
});

/** Null, and a word why, where there is no openssl: the simulator's authority signs nothing for anybody but itself. */
function makeSelfSigned(): { cert: string; key: string } | null {
  const command = 'openssl';
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout - -out - -subj /CN=localhost';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  const run = spawnSync(command, [...request.split(' '), ...names], { encoding: 'utf8' });
  if (run.status !== 0) {
    console.log(`not checked: a self-signed certificate; there is no ${command} to make one`);
    return null;
  }
  const pem = (label: string): string =>
    new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`).exec(run.stdout)?.[0] ?? '';
  return { cert: pem('CERTIFICATE'), key: pem('PRIVATE KEY') };
}
