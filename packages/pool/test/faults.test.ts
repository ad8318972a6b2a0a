// The faults of reliability.md section 3 that need real sockets, real TLS and another process.
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { defaultLimiterPolicy, Pool } from '@carillon/pool';
import type { PoolOptions, PoolPolicy, TransportErrorCode } from '@carillon/pool';
import { spawnSimulator, startSimulator, startTcpProxy } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import type { GatewayOptions } from './gateway.ts';
import { Jobs } from './jobs.ts';
import { authority, goodServer, tlsServer } from './tls-servers.ts';
import type { TestServer } from './tls-servers.ts';

/** Everything goes out at once: what is tested is what becomes of it. */
const limiter = { ...defaultLimiterPolicy, startStreams: 20_000 };

class Sender extends Jobs implements AsyncDisposable {
  constructor(port: number, policy: Partial<PoolPolicy> = {}, options: Partial<PoolOptions> = {}) {
    super();
    const tls = { ca: authority.certificatePem };
    this.pool = new Pool({ host: '127.0.0.1', port, tls, policy, ...options }, this);
  }

  /** Waits, in steps of a few ms of real time. */
  async until(isSo: () => boolean, withinMs = 10_000): Promise<number> {
    const began = performance.now();
    while (!isSo()) {
      if (performance.now() - began > withinMs)
        throw new Error(`it is still not so after ${withinMs} ms: ${String(isSo)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return performance.now() - began;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool?.close();
  }
}

/** A gateway over real TLS. */
class SecureGateway implements AsyncDisposable {
  readonly gateways: Gateway[] = [];
  readonly sockets: TLSSocket[] = [];
  readonly server: TestServer;

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(options: GatewayOptions = {}): Promise<SecureGateway> {
    const gateway: SecureGateway = new SecureGateway(
      await tlsServer({}, (socket) => {
        gateway.sockets.push(socket);
        gateway.gateways.push(new Gateway(socket, options));
      }),
    );
    return gateway;
  }

  get port(): number {
    return this.server.port;
  }

  /** RST beneath TLS: no close_notify. */
  resetAll(): void {
    for (const socket of this.sockets.splice(0)) this.server.rawOf(socket)?.resetAndDestroy();
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.server[Symbol.asyncDispose]();
  }
}

describe('A pool over real sockets', () => {
  it('sends what waits over several connections, and leaves no socket behind', async () => {
    await using simulator = await startSimulator({ profile: 'fast', http2: { streamsMax: 100 } });
    const sender = new Sender(simulator.port, { growAfterMs: 0, connectionsMax: 3 }, { tls: { ca: simulator.ca } });
    sender.add(20_000);
    await sender.until(() => sender.settled === 20_000);
    expect(sender.failed).toEqual([]);
    expect(new Set(sender.replied).size).toBe(20_000);
    expect(sender.pool?.stats().connections).toBeGreaterThan(1);
    expect(simulator.stats().streamsPeak).toBeLessThanOrEqual(100);
    await sender.pool?.drain();
    expect(simulator.stats().connectionsOpen).toBe(0);
  });

  it("is understood by Node's own HTTP/2", async () => {
    const { certificatePem: cert, keyPem: key } = goodServer;
    const server = createSecureServer({ cert, key });
    const paths = new Set<string>();
    server.on('stream', (stream, headers) => {
      paths.add(String(headers[':path']));
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200 }, { endStream: true });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sender = new Sender((server.address() as AddressInfo).port);
    sender.add(3000);
    await sender.until(() => sender.settled === 3000);
    expect(sender.failed).toEqual([]);
    expect(paths.size).toBe(3000);
    await sender.pool?.drain();
    await new Promise((resolve) => server.close(resolve));
  });

  it('T5: finds out within 5 s that the process of its gateway stands still', async () => {
    await using simulator = await spawnSimulator({ profile: 'fast' });
    await using sender = new Sender(simulator.port, { limiter }, { tls: { ca: simulator.ca } });
    sender.add(100);
    await sender.until(() => sender.settled === 100);
    process.kill(simulator.pid, 'SIGSTOP');
    sender.add(500);
    const tookMs = await sender.until(() => sender.failed.length === 500);
    expect(tookMs).toBeGreaterThan(4000);
    // 5 s, and a machine that has other things to do; silence.test.ts holds the 5 s in virtual time.
    expect(tookMs).toBeLessThan(7500);
    expect(sender.told('closed').map(({ closure }) => closure.kind)).toEqual(['ping-timeout']);
    process.kill(simulator.pid, 'SIGCONT');
    sender.add(10);
    await sender.until(() => sender.replied.length === 110);
  });

  it('T3: finds out within 5 s that the network swallows everything, and T4: one way only', async () => {
    await using simulator = await startSimulator({ profile: 'fast' });
    const directions = ['both', 'to-client', 'to-server'] as const;
    await Promise.all(
      directions.map(async (direction) => {
        await using proxy = await startTcpProxy({ targetPort: simulator.port });
        await using sender = new Sender(proxy.port, { limiter }, { tls: { ca: simulator.ca } });
        sender.add(10);
        await sender.until(() => sender.settled === 10);
        proxy.stall(direction);
        sender.add(500);
        const tookMs = await sender.until(() => sender.failed.length === 500);
        expect(tookMs, direction).toBeLessThan(7500);
        proxy.resume();
        sender.add(10);
        await sender.until(() => sender.replied.length >= 20);
      }),
    );
  });

  it('T6: survives resets in the middle of writes, every attempt with one end', async () => {
    await using gateway = await SecureGateway.start();
    await using sender = new Sender(gateway.port, {
      growAfterMs: 0,
      connectionsMax: 3,
      highWaterBytes: 1e6,
      dialBackoff: { baseMs: 5, capMs: 10 },
      dialGate: { concurrency: 2, intervalCap: 1000, intervalMs: 1000 },
    });
    sender.resendsAll = true;
    for (let round = 0; round < 20; round++) {
      sender.add(300, 2000);
      await sender.until(() => gateway.sockets.some(({ destroyed }) => !destroyed));
      await new Promise((resolve) => setTimeout(resolve, round % 5));
      gateway.resetAll();
    }
    await sender.until(() => sender.replied.length === 6000);
    expect(new Set(sender.replied).size).toBe(6000);
    expect(gateway.gateways.length).toBeGreaterThan(1);
  });

  it('T7: holds no more than the high-water mark and a slab for a slow reader, and loses nothing', async () => {
    await using gateway = await SecureGateway.start();
    const highWaterBytes = 256 * 1024;
    await using sender = new Sender(gateway.port, { connectionsMax: 1, highWaterBytes, streamsMax: 20_000, limiter });
    sender.add(1);
    await sender.until(() => sender.settled === 1);
    const [socket] = gateway.sockets;
    gateway.gateways[0].grant(2 ** 30);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.pause();
    sender.add(10_000, 4000);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, sender.pool?.stats().bytesHeld ?? 0)), 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(most).toBeGreaterThan(highWaterBytes / 2);
    expect(sender.waiting).toBeGreaterThan(100);
    while (sender.settled < 10_001) {
      socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 2));
      socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    socket.resume();
    clearInterval(watch);
    expect(most).toBeLessThanOrEqual(highWaterBytes + 128 * 1024);
    expect(sender.replied).toHaveLength(10_001);
  });

  it.each([
    ['close_notify without the end of TCP', (socket: TLSSocket) => socket.end()],
    ['the end of TCP without close_notify', (_socket: TLSSocket, raw: Socket) => raw.end()],
    [
      'half a TLS record, then the end',
      (_socket: TLSSocket, raw: Socket) => raw.end(Buffer.from('1703030100aabb', 'hex')),
    ],
    [
      'a TLS record of nonsense',
      (_socket: TLSSocket, raw: Socket) => raw.write(Buffer.from(`1703030020${'ab'.repeat(32)}`, 'hex')),
    ],
  ])('T10: takes %s for a lost connection and closes its side', async (_, end) => {
    await using gateway = await SecureGateway.start({ answers: false });
    await using sender = new Sender(gateway.port);
    sender.add(30);
    await sender.until(() => sender.onWire.size === 30);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [socket] = gateway.sockets;
    end(socket, gateway.server.rawOf(socket) ?? socket);
    // At once, not when a PING stays unanswered.
    expect(await sender.until(() => sender.failed.length === 30)).toBeLessThan(1000);
    expect(new Set(sender.failed.map(({ failure }) => failure.kind))).toEqual(new Set(['connection-lost']));
    await sender.pool?.close();
    await gateway.server.whenEmpty();
  });
});

describe('A pool whose gateway refuses it after the handshake', () => {
  it.each([
    ['no certificate', {}],
    ['a certificate of another CA', null],
  ])('T9: calls it a failed dial (%s), backs off, and sends nothing', async (_, given) => {
    let requests = 0;
    await using server = await tlsServer(
      { requestCert: true, rejectUnauthorized: true, ca: authority.certificatePem, minVersion: 'TLSv1.3' },
      (socket) => {
        new Gateway(socket).onRequest = () => requests++;
      },
    );
    const stranger = goodServer;
    const identity = given ?? { cert: stranger.certificatePem, key: stranger.keyPem };
    // In place of a server's certificate that is no client's Node's server hangs up, without a word.
    const expected: TransportErrorCode =
      given === null ? 'ERR_TRANSPORT_CLOSED' : 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE';
    const policy = { dialBackoff: { baseMs: 20, capMs: 40 } };
    const options = { tls: { ca: authority.certificatePem, ...identity } };
    await using sender = new Sender(server.port, policy, options);
    sender.add(5);
    await sender.until(() => sender.told('dial-failed').length >= 3);
    expect(new Set(sender.told('dial-failed').map(({ error }) => error.code))).toEqual(new Set([expected]));
    expect(sender).toMatchObject({ waiting: 5, failed: [], replied: [] });
    expect(sender.told('opened')).toEqual([]);
    expect(requests).toBe(0);
    await sender.pool?.close();
    await server.whenEmpty();
  });
});
