// The dialler through proxies: what they are asked for, and what becomes of each refusal.
import type { TLSSocket } from 'node:tls';
import { tlsDialer } from '@carillon/pool';
import type { DialTarget, ProxyTarget, Resolver, TransportError } from '@carillon/pool';
import { describe, expect, it } from 'vitest';
import { httpProxy, socksProxy } from './proxy-servers.ts';
import type { ProxyServer } from './proxy-servers.ts';
import { authority, tcpServer, tlsServer } from './tls-servers.ts';

const ca = authority.certificatePem;
const never = new AbortController().signal;

/** Knows the proxy's name only: the gateway's is the proxy's to look up. */
const resolver: Resolver = {
  resolve: (host) =>
    host === 'proxy.example'
      ? Promise.resolve([{ address: '127.0.0.1', family: 4 }])
      : Promise.reject(new Error(`${host} was looked up`)),
};

function target(
  kind: ProxyTarget['kind'],
  proxyPort: number,
  more: Partial<DialTarget & ProxyTarget> = {},
): DialTarget {
  const { username, password, ...rest } = more;
  const credentials = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  const proxy: ProxyTarget = { kind, host: 'proxy.example', port: proxyPort, ...credentials };
  return { host: 'localhost', port: 2197, tls: { ca }, timeoutMs: 5000, ...rest, proxy };
}

async function failure(dial: DialTarget): Promise<TransportError> {
  return tlsDialer(resolver)
    .dial(dial, never)
    .then(
      ({ stream }) => {
        stream.destroy();
        throw new Error('the dial succeeded');
      },
      (error: unknown) => error as TransportError, // checked by its code
    );
}

const kinds = [
  ['http', httpProxy],
  ['socks5', socksProxy],
] as const;

async function close(proxy: ProxyServer): Promise<void> {
  await proxy.server.whenEmpty();
  await proxy.server[Symbol.asyncDispose]();
}

describe.each(kinds)('The TLS dialler through a proxy that speaks %s', (kind, startProxy) => {
  it.each([false, true])(
    'reaches the gateway by the name that the proxy looks up (answers octet by octet: %s)',
    async (isSlow) => {
      await using gateway = await tlsServer({}, (socket) => socket.pipe(socket));
      const proxy = await startProxy({ gatewayPort: gateway.port, isSlow });
      const { stream, address } = await tlsDialer(resolver).dial(target(kind, proxy.server.port), never);
      expect(proxy).toMatchObject({ asked: ['localhost:2197'], credentials: [] });
      expect(address).toBe('127.0.0.1');
      expect(stream as TLSSocket).toMatchObject({ alpnProtocol: 'h2', authorized: true });
      // It carries bytes both ways.
      stream.write('echo');
      const [echo] = await new Promise<Buffer[]>((resolve) => stream.once('data', (chunk: Buffer) => resolve([chunk])));
      expect(String(echo)).toBe('echo');
      stream.destroy();
      await close(proxy);
    },
  );

  it('shows user and password to a proxy that wants them', async () => {
    await using gateway = await tlsServer();
    const known = { username: 'me', password: 'pa:ss wörd' };
    const proxy = await startProxy({ gatewayPort: gateway.port, ...known });
    const { stream } = await tlsDialer(resolver).dial(target(kind, proxy.server.port, known), never);
    expect(proxy.credentials).toEqual(['me:pa:ss wörd']);
    stream.destroy();
    await close(proxy);
  });

  it('says that the proxy wants a user, or refuses the one it has, without showing them', async () => {
    const proxy = await startProxy({ gatewayPort: null, username: 'me', password: 'right' });
    const without = await failure(target(kind, proxy.server.port));
    expect(without).toMatchObject({ code: 'ERR_TRANSPORT_PROXY_AUTH', endpoint: 'localhost:2197' });
    expect(without.message).toContain(`proxy.example:${proxy.server.port} wants a user and a password`);
    const wrong = await failure(target(kind, proxy.server.port, { username: 'me-of-all', password: 'hunter2' }));
    expect(wrong.code).toBe('ERR_TRANSPORT_PROXY_AUTH');
    expect(wrong.message).toContain('refuses the user or the password');
    expect(JSON.stringify(wrong) + wrong.stack).not.toMatch(/hunter2|me-of-all/);
    await close(proxy);
  });

  it('says that the proxy does not reach the gateway', async () => {
    const proxy = await startProxy({ gatewayPort: null });
    const error = await failure(target(kind, proxy.server.port));
    expect(error.code).toBe('ERR_TRANSPORT_PROXY');
    expect(error.message).toMatch(/status 502|had the connection refused/);
    await close(proxy);
  });

  it('names an IPv6 gateway as the protocol wants it', async () => {
    const proxy = await startProxy({ gatewayPort: null });
    await failure(target(kind, proxy.server.port, { host: '2001:db8::1:2' }));
    await failure(target(kind, proxy.server.port, { host: '192.0.2.7' }));
    expect(proxy.asked).toEqual([
      kind === 'http' ? '[2001:db8::1:2]:2197' : '[20010db8000000000000000000010002]:2197',
      '192.0.2.7:2197',
    ]);
    await close(proxy);
  });

  it('checks the certificate of the gateway, not of the proxy', async () => {
    await using gateway = await tlsServer();
    const proxy = await startProxy({ gatewayPort: gateway.port });
    const error = await failure(target(kind, proxy.server.port, { host: 'api.push.example' }));
    expect(error.code).toBe('ERR_TRANSPORT_TLS_NAME');
    await close(proxy);
  });

  it('says that nobody listens where the proxy should be', async () => {
    const proxy = await startProxy({ gatewayPort: null });
    const { port } = proxy.server;
    await close(proxy);
    const error = await failure(target(kind, port));
    expect(error.code).toBe('ERR_TRANSPORT_PROXY');
    expect(error.message).toContain(`the proxy cannot be reached: proxy.example:${port}: connection refused`);
  });

  it.each([
    ['closes at once', (): Buffer | null => null],
    ['speaks something else', () => Buffer.from('220 mail.example ESMTP\r\n\r\n')],
    ['speaks HTTP/1.1 of another kind', () => Buffer.from('HTTP/1.1 2000 OK\r\n\r\n')],
    ['never ends its head', () => Buffer.alloc(40_000, 'HTTP/1.1 200 OK\r\nX: ')],
  ])('refuses a proxy that %s', async (_, answer) => {
    await using server = await tcpServer((socket) => {
      socket.resume();
      const bytes = answer();
      if (bytes === null) socket.end();
      else socket.write(bytes);
    });
    const error = await failure(target(kind, server.port));
    expect(error.code).toBe('ERR_TRANSPORT_PROXY');
    await server.whenEmpty();
  });

  it('gives up a proxy that says nothing, and leaves nothing behind', async () => {
    await using server = await tcpServer((socket) => socket.resume());
    expect((await failure(target(kind, server.port, { timeoutMs: 50 }))).code).toBe('ERR_TRANSPORT_DIAL_TIMEOUT');
    const controller = new AbortController();
    const dial = tlsDialer(resolver).dial(target(kind, server.port), controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(dial).rejects.toMatchObject({ code: 'ERR_TRANSPORT_ABORTED' });
    await server.whenEmpty();
  });

  it('asks no proxy for a host that would smuggle something in', async () => {
    const proxy = await startProxy({ gatewayPort: null });
    const error = await failure(target(kind, proxy.server.port, { host: `${'a'.repeat(300)}\r\nX-Evil: 1` }));
    expect(error.code).toBe('ERR_TRANSPORT_PROXY');
    expect(proxy.asked).toEqual([]);
    await close(proxy);
  });
});

describe('The TLS dialler through SOCKS5', () => {
  it.each([
    [1, 'has failed'],
    [2, 'does not allow'],
    [3, 'network'],
    [4, 'host'],
    [5, 'refused'],
    [6, 'in time'],
    [7, 'CONNECT'],
    [8, 'address'],
    [99, 'code 99'],
  ])('says what reply %i means', async (refusal, text) => {
    const proxy = await socksProxy({ gatewayPort: null, refusal });
    const error = await failure(target('socks5', proxy.server.port));
    expect(error.code).toBe('ERR_TRANSPORT_PROXY');
    expect(error.message).toContain(text);
    await close(proxy);
  });
});
