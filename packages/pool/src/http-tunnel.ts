/** A tunnel through an HTTP proxy: CONNECT, RFC 9110 §9.3.6. */
import type { Socket } from 'node:net';
import { endpointOf } from './endpoint.ts';
import { TransportError } from './errors.ts';
import type { ProxyTarget } from './proxy.ts';
import { readMessage } from './socket-events.ts';

/** More head than this is no proxy's answer. */
const headBytesMax = 16 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

export async function openHttpTunnel(socket: Socket, proxy: ProxyTarget, host: string, port: number): Promise<void> {
  const target = endpointOf(host, port);
  const via = endpointOf(proxy.host, proxy.port);
  const fail = (message: string): TransportError =>
    new TransportError('ERR_TRANSPORT_PROXY', target, `the HTTP proxy ${via} ${message}`);
  // A line break in the host would smuggle header lines in.
  if (!/^[\x21-\x7e]+$/u.test(target)) throw fail('cannot be asked for this host: it has characters that no host has');
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization(proxy)}\r\n`, 'latin1');
  const head = await readMessage(
    socket,
    (bytes) => {
      const at = bytes.indexOf(headEnd);
      if (at >= 0) return at + headEnd.length;
      if (bytes.length > headBytesMax) throw fail(`sent more than ${headBytesMax} bytes and no end of its head`);
      return null;
    },
    () => fail('closed the connection without an answer'),
  );
  const line = head.toString('latin1', 0, head.indexOf('\r\n'));
  const status = /^HTTP\/1\.[01] (?<status>[1-5]\d\d)(?: |$)/u.exec(line)?.groups?.['status'];
  if (status === undefined) throw fail('does not answer in HTTP/1.1');
  if (status === '407') {
    const why = proxy.username === undefined ? 'wants a user and a password' : 'refuses the user or the password';
    throw new TransportError('ERR_TRANSPORT_PROXY_AUTH', target, `the HTTP proxy ${via} ${why} (status 407)`);
  }
  if (!status.startsWith('2')) throw fail(`refuses the connection (status ${status})`);
}

function authorization({ username, password }: ProxyTarget): string {
  if (username === undefined && password === undefined) return '';
  const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`, 'utf8').toString('base64');
  return `Proxy-Authorization: Basic ${credentials}\r\n`;
}
