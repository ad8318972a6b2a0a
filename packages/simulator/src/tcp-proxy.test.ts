import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startTcpProxy } from './tcp-proxy.ts';
import type { TcpProxy, TcpProxyOptions } from './tcp-proxy.ts';

let server: Server;
let proxy: TcpProxy | null = null;
const accepted: Socket[] = [];

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => {}); // resets are what is tested
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await proxy?.close();
  for (const socket of accepted.splice(0)) socket.destroy();
  server.close();
});

async function connectThrough(
  options: Omit<TcpProxyOptions, 'targetPort'>,
): Promise<{ socket: Socket; proxy: TcpProxy }> {
  proxy = await startTcpProxy({ targetPort: (server.address() as AddressInfo).port, ...options });
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return { socket, proxy };
}

function read(socket: Socket, bytes: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) resolve(chunks);
    });
    socket.once('error', reject);
  });
}

describe('the TCP proxy', () => {
  it('passes everything on unchanged, and the end too', async () => {
    const { socket, proxy: running } = await connectThrough({});
    const body = Buffer.alloc(3_000_000, 'carillon');
    const received = read(socket, body.length);
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.end(body);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(hash(Buffer.concat(await received))).toBe(hash(body));
    await ended;
    expect([running.bytesToServer, running.bytesToClient, running.accepted]).toEqual([body.length, body.length, 1]);
  });

  it('delays both directions and keeps the order', async () => {
    const { socket } = await connectThrough({ toServer: { delayMs: 40 }, toClient: { delayMs: 60 } });
    const at = performance.now();
    for (let k = 0; k < 10; k++) socket.write(`${k}`);
    expect(Buffer.concat(await read(socket, 10)).toString()).toBe('0123456789');
    expect(performance.now() - at).toBeGreaterThan(95);
    socket.destroy();
  });

  it('limits the rate', async () => {
    const { socket } = await connectThrough({ toServer: { bytesPerSecond: 100_000 } });
    const at = performance.now();
    const received = read(socket, 40_000);
    socket.write(Buffer.alloc(40_000));
    await received;
    expect(performance.now() - at).toBeGreaterThan(250); // 400 ms less a burst of 100 ms
    socket.destroy();
  });

  it('cuts everything into segments of one octet', async () => {
    const { socket } = await connectThrough({ toClient: { segmentBytes: 1 } });
    const received = read(socket, 200);
    socket.write(Buffer.alloc(200, 'x'));
    expect((await received).length).toBeGreaterThan(20); // the reader's kernel may gather some
    socket.destroy();
  });

  it('stalls and resumes, one direction or both', async () => {
    const { socket, proxy: running } = await connectThrough({});
    running.stall('to-client');
    const received = read(socket, 5);
    socket.write('hello');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([running.bytesToServer, running.bytesToClient]).toEqual([5, 0]);
    running.resume();
    expect(Buffer.concat(await received).toString()).toBe('hello');
    socket.destroy();
  });

  it('resets both sides, by command or at an octet', async () => {
    const { socket, proxy: running } = await connectThrough({ toServer: { cutAtByte: 10 } });
    const failure = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    socket.write(Buffer.alloc(100));
    expect((await failure).code).toBe('ECONNRESET');
    expect(running.bytesToServer).toBe(10);

    const second = connect({ port: running.port, host: '127.0.0.1' });
    const gone = new Promise<NodeJS.ErrnoException>((resolve) => second.once('error', resolve));
    await new Promise<void>((resolve) => second.once('connect', () => resolve()));
    running.reset();
    expect((await gone).code).toBe('ECONNRESET');
  });

  it('can swallow the end of one side: TLS is closed, TCP is not', async () => {
    const { socket } = await connectThrough({ toServer: { forwardsEnd: false } });
    let hasEnded = false;
    socket.on('end', () => (hasEnded = true));
    const received = read(socket, 2);
    socket.end('ab');
    await received;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(hasEnded).toBe(false);
    socket.destroy();
  });
});
