/** A proxy between us and the gateway: what it is, how it is written, and which protocol opens the tunnel. */
import type { Socket } from 'node:net';
import { bareHost } from './endpoint.ts';
import { openHttpTunnel } from './http-tunnel.ts';
import { openSocksTunnel } from './socks-tunnel.ts';

export interface ProxyTarget {
  /** `http`: CONNECT (RFC 9110 §9.3.6) in plain text. `socks5`: RFC 1928. */
  readonly kind: 'http' | 'socks5';
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

const kinds: Readonly<Record<string, { kind: ProxyTarget['kind']; port: number }>> = {
  'http:': { kind: 'http', port: 80 },
  // `h` says that the proxy resolves names (curl); ours always does.
  'socks5:': { kind: 'socks5', port: 1080 },
  'socks5h:': { kind: 'socks5', port: 1080 },
};

/** `http://user:password@host:port` or `socks5://…`. Throws a `TypeError` whose message shows no credential. */
export function parseProxy(text: string): ProxyTarget {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError('the proxy is not a URL; right is http://host:port or socks5://host:port');
  }
  const known = kinds[url.protocol];
  if (known === undefined) {
    throw new TypeError(
      `the proxy speaks ${url.protocol.slice(0, -1)}; right is http://host:port or socks5://host:port`,
    );
  }
  if (url.hostname === '')
    throw new TypeError('the proxy names no host; right is http://host:port or socks5://host:port');
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new TypeError('the proxy has a path; right is http://host:port or socks5://host:port');
  }
  return {
    kind: known.kind,
    host: bareHost(url.hostname),
    port: url.port === '' ? known.port : Number(url.port),
    ...(url.username === '' ? {} : { username: decode(url.username) }),
    ...(url.password === '' ? {} : { password: decode(url.password) }),
  };
}

/** Asks the proxy at the other end of `socket` for `host`, a name that the proxy looks up. Rejects with a `TransportError`. */
export function openTunnel(socket: Socket, proxy: ProxyTarget, host: string, port: number): Promise<void> {
  return proxy.kind === 'http' ? openHttpTunnel(socket, proxy, host, port) : openSocksTunnel(socket, proxy, host, port);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new TypeError('the user or the password of the proxy is not percent-encoded correctly');
  }
}
