// Servers to dial: real sockets on loopback, good and bad, with certificates made for the test. Each knows its open
// connections, so that a test sees whether the dialler left one behind.
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { createCertificateAuthority } from '@carillon/simulator';
import type { CertificateAuthority, IssuedCertificate } from '@carillon/simulator';

export const authority: CertificateAuthority = createCertificateAuthority();
export const goodServer: IssuedCertificate = authority.issueServer();

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that TCP has brought in all, and those open now. */
  readonly accepted: number;
  readonly open: number;
  /** The TCP socket beneath a TLS socket of this server; undefined when it is closed already. */
  rawOf(secure: Socket): Socket | undefined;
  /** Resolves when no connection is open. */
  whenEmpty(): Promise<void>;
}

class Listening implements TestServer {
  accepted = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onEmpty: (() => void)[] = [];

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.accepted++;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (this.#sockets.size > 0) return;
        for (const resolve of this.#onEmpty.splice(0)) resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens
  }

  get open(): number {
    return this.#sockets.size;
  }

  rawOf(secure: Socket): Socket | undefined {
    return [...this.#sockets].find(({ remotePort }) => remotePort === secure.remotePort);
  }

  whenEmpty(): Promise<void> {
    return this.#sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function listen(server: Server, host: string, port: number): Promise<TestServer> {
  const listening = new Listening(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(listening));
  });
}

/** `onClient` gets each connection once TCP stands. */
export function tcpServer(onClient: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<TestServer> {
  return listen(createTcpServer(onClient), host, port);
}

export async function tlsServer(
  options: TlsOptions = {},
  onClient: (socket: TLSSocket) => void = () => undefined,
  host = '127.0.0.1',
  port = 0,
): Promise<TestServer> {
  const { certificatePem: cert, keyPem: key } = goodServer;
  const server = createTlsServer({ cert, key, ALPNProtocols: ['h2'], ...options });
  server.on('tlsClientError', () => undefined);
  const listening = await listen(server, host, port);
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    // A socket that nobody reads does not see its end.
    socket.resume();
    onClient(socket);
  });
  return listening;
}
