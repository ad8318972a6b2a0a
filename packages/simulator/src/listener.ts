// Loopback TCP in front of TLS: every connection gets its ordinal here, meets scripted handshake faults while it is
// still plain TCP, and comes out as a TLS socket with its raw socket beside it.
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Injects a raw socket into something that speaks TLS: a tls.Server or a secure http2 server. */
export interface SecureServer {
  emit(event: 'connection', socket: Socket): boolean;
}

export interface ListenerOptions {
  readonly port: number;
  /** True: the connection was taken by a handshake fault and goes no further. */
  readonly intercept: (raw: Socket, ordinal: number) => boolean;
}

export class Listener {
  readonly #server: Server;
  readonly #raws = new Map<string, AcceptedSocket>();
  #accepted = 0;

  constructor(secure: SecureServer, options: Pick<ListenerOptions, 'intercept'>) {
    // Half-open sockets stay ours to end: a fault may want to go on reading after its FIN.
    this.#server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
      this.#accepted += 1;
      const accepted: AcceptedSocket = { raw, ordinal: this.#accepted };
      const key = peerKey(raw);
      this.#raws.set(key, accepted);
      raw.once('close', () => this.#raws.delete(key));
      raw.on('error', () => raw.destroy()); // the TLS layer reports it; a raw socket without a listener would throw
      if (!options.intercept(raw, accepted.ordinal)) secure.emit('connection', raw);
    });
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1', backlog: 1_024 }, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port; // a TCP server that listens has an AddressInfo
  }

  /** The raw socket beneath a TLS socket that this listener's server accepted. */
  rawOf(secure: Socket): AcceptedSocket | null {
    return this.#raws.get(peerKey(secure)) ?? null;
  }

  /** Frees the port and resets every connection; `listen` begins again. `onReset` is told the ordinals before. */
  suspend(onReset: (ordinal: number) => void): void {
    this.#server.close();
    for (const { raw, ordinal } of this.#raws.values()) {
      onReset(ordinal);
      raw.resetAndDestroy();
    }
  }

  get accepted(): number {
    return this.#accepted;
  }

  get open(): number {
    return this.#raws.size;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { raw } of this.#raws.values()) raw.destroy();
    await closed;
  }
}

export interface AcceptedSocket {
  readonly raw: Socket;
  /** 1 for the first connection since the start. */
  readonly ordinal: number;
}

function peerKey(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
