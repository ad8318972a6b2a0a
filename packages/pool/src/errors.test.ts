import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { tcpServer } from '../test/tls-servers.ts';
import { TransportError, translateTransportError } from './errors.ts';

const endpoint = 'gateway.example:443';

async function errorOf(socket: Socket): Promise<Error> {
  const [error] = (await once(socket, 'error')) as [Error];
  return error;
}

/** A server that answers the first bytes of a handshake with `bytes`. */
async function answerTo(bytes: Buffer): Promise<TransportError> {
  await using server = await tcpServer((socket) => socket.once('data', () => socket.end(bytes)).resume());
  return translateTransportError(await errorOf(connectTls({ port: server.port, host: '127.0.0.1' })), endpoint);
}

describe('The translation of what really happens', () => {
  it('knows a port on which nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const error = translateTransportError(await errorOf(connect(port, '127.0.0.1')), endpoint);
    expect(error).toMatchObject({ name: 'TransportError', code: 'ERR_TRANSPORT_DIAL_REFUSED', endpoint });
    expect(error.message).toBe('gateway.example:443: connection refused (nothing listens there)');
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('knows a reset', async () => {
    await using server = await tcpServer((socket) => socket.resetAndDestroy());
    const socket = connect(server.port, '127.0.0.1').resume();
    socket.on('connect', () => socket.write('x'));
    expect(translateTransportError(await errorOf(socket), endpoint).code).toBe('ERR_TRANSPORT_CLOSED');
  });

  it('knows a name that does not exist', async () => {
    const error = translateTransportError(await errorOf(connect(443, 'gateway.invalid')), endpoint);
    expect(error.code).toBe('ERR_TRANSPORT_DNS');
  });

  // RFC 8446 §6; what the gateway says when it refuses a handshake.
  it.each([
    [40, 'ERR_TRANSPORT_TLS_FAILED', 'client certificate?'],
    [42, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'damaged'],
    [43, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'kind'],
    [44, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'revoked'],
    [45, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'expired'],
    [46, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'refuses our client certificate'],
    [48, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'CA'],
    [49, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'access denied'],
    [70, 'ERR_TRANSPORT_TLS_VERSION', 'no TLS version'],
    [71, 'ERR_TRANSPORT_TLS_VERSION', 'no cipher'],
    [80, 'ERR_TRANSPORT_TLS_FAILED', 'TLS failed'],
    [112, 'ERR_TRANSPORT_TLS_NAME', 'does not know this host name'],
    [116, 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'wants a client certificate'],
    [120, 'ERR_TRANSPORT_ALPN', 'HTTP/2'],
  ])('knows the TLS alert %i', async (description, code, text) => {
    const error = await answerTo(Buffer.from([0x15, 3, 3, 0, 2, 2, description]));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it.each([
    ['HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['HTTP/2 in plain text', Buffer.from('000006040000000000', 'hex')],
    ['SMTP', Buffer.from('220 mail.example ESMTP\r\n')],
    ['a TLS record that is too long', Buffer.from('160301ffff', 'hex')],
  ])('knows that %s is not TLS', async (_, bytes) => {
    expect((await answerTo(bytes)).code).toBe('ERR_TRANSPORT_TLS_VERSION');
  });
});

describe('The translation of errors', () => {
  it('lets an error of ours pass as it is', () => {
    const ours = new TransportError('ERR_TRANSPORT_ALPN', endpoint, 'no h2');
    expect(translateTransportError(ours, 'elsewhere:1')).toBe(ours);
  });

  it.each([
    [Object.assign(new Error('weird'), { code: 'EWEIRD' }), 'weird'],
    [Object.assign(new Error('prototype'), { code: 'constructor' }), 'prototype'],
    ['a string', 'a string'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ code: 7 }, '[object Object]'],
  ])('assumes nothing of what was thrown: %s', (thrown, text) => {
    const error = translateTransportError(thrown, endpoint);
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_DIAL_FAILED', message: `${endpoint}: ${text}` });
  });
});
