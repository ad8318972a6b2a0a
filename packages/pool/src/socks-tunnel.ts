/** A tunnel through a SOCKS proxy: version 5 (RFC 1928), without or with user and password (RFC 1929). */
import { isIP, isIPv4 } from 'node:net';
import type { Socket } from 'node:net';
import { bareHost, endpointOf } from './endpoint.ts';
import { TransportError } from './errors.ts';
import type { TransportErrorCode } from './errors.ts';
import type { ProxyTarget } from './proxy.ts';
import { readMessage } from './socket-events.ts';

const version = 5;
/** RFC 1929 §2: the version of the exchange of user and password. */
const authVersion = 1;
const Method = { none: 0x00, password: 0x02, noneAcceptable: 0xff } as const;
const AddressType = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** RFC 1928 §6. */
const refusals: readonly string[] = [
  'succeeded',
  'has failed',
  'does not allow this connection by its rules',
  'cannot reach the network',
  'cannot reach the host',
  'had the connection refused',
  'had no answer in time',
  'does not know CONNECT',
  'does not know this kind of address',
];

export async function openSocksTunnel(socket: Socket, proxy: ProxyTarget, host: string, port: number): Promise<void> {
  const target = endpointOf(host, port);
  const via = endpointOf(proxy.host, proxy.port);
  const fail = (message: string, code: TransportErrorCode = 'ERR_TRANSPORT_PROXY'): TransportError =>
    new TransportError(code, target, `the SOCKS5 proxy ${via} ${message}`);
  const read = (size: (bytes: Buffer) => number): Promise<Buffer> =>
    readMessage(
      socket,
      (bytes) => {
        if (bytes.length > 0 && bytes[0] !== version && bytes[0] !== authVersion) throw fail('does not speak SOCKS5');
        const end = size(bytes);
        return bytes.length >= end ? end : null;
      },
      () => fail('closed the connection before the tunnel stood'),
    );

  const hasCredentials = proxy.username !== undefined || proxy.password !== undefined;
  const destination = addressOf(host, fail);
  const methods = hasCredentials ? [Method.none, Method.password] : [Method.none];
  socket.write(Buffer.from([version, methods.length, ...methods]));
  const [, method] = await read(() => 2);
  if (method === Method.password && hasCredentials) {
    socket.write(credentialsOf(proxy, fail));
    const [, status] = await read(() => 2);
    if (status !== 0) throw fail('refuses the user or the password', 'ERR_TRANSPORT_PROXY_AUTH');
  } else if (method !== Method.none) {
    const why = hasCredentials ? 'accepts neither no authentication nor a password' : 'wants a user and a password';
    throw fail(why, 'ERR_TRANSPORT_PROXY_AUTH');
  }

  // VER, CMD = CONNECT, RSV, ATYP and address, port.
  socket.write(Buffer.concat([Buffer.from([version, 1, 0]), destination, Buffer.from([port >> 8, port & 0xff])]));
  const reply = await read((bytes) => {
    if (bytes.length < 5) return 5;
    switch (bytes[3]) {
      case AddressType.ipv4:
        return 4 + 4 + 2;
      case AddressType.ipv6:
        return 4 + 16 + 2;
      case AddressType.name:
        return 4 + 1 + bytes[4] + 2;
      default:
        // A refusal may come without an address worth the name.
        if (bytes[1] !== 0) return 5;
        throw fail('answers with an unknown kind of address');
    }
  });
  const status = reply[1];
  if (status !== 0) throw fail(refusals[status] ?? `refuses the connection (code ${status})`);
}

function addressOf(host: string, fail: (message: string) => TransportError): Buffer {
  const bare = bareHost(host);
  if (isIPv4(bare)) return Buffer.from([AddressType.ipv4, ...bare.split('.').map(Number)]);
  if (isIP(bare) === 6) return Buffer.concat([Buffer.from([AddressType.ipv6]), ipv6Octets(bare)]);
  const name = Buffer.from(bare, 'utf8');
  if (name.length === 0 || name.length > 255) throw fail('takes host names of 1 to 255 bytes only');
  return Buffer.concat([Buffer.from([AddressType.name, name.length]), name]);
}

function ipv6Octets(address: string): Buffer {
  // The URL parser writes it without a dotted tail: groups, and one `::` at most.
  const [head, tail] = bareHost(new URL(`http://[${address}]`).hostname).split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail);
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...middle, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function groupsOf(part: string | undefined): string[] {
  return part === undefined || part === '' ? [] : part.split(':');
}

/** RFC 1929 §2: each length in one octet. */
function credentialsOf(
  proxy: ProxyTarget,
  fail: (message: string, code: TransportErrorCode) => TransportError,
): Buffer {
  const username = Buffer.from(proxy.username ?? '', 'utf8');
  const password = Buffer.from(proxy.password ?? '', 'utf8');
  if (username.length > 255 || password.length > 255) {
    throw fail('takes a user and a password of at most 255 bytes each', 'ERR_TRANSPORT_PROXY_AUTH');
  }
  return Buffer.concat([
    Buffer.from([authVersion, username.length]),
    username,
    Buffer.from([password.length]),
    password,
  ]);
}
