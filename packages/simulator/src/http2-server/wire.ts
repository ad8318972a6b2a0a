// What carries a connection: a stream of octets, and the two rough ends that differ between TLS over TCP and a stream in
// memory.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export interface Wire {
  readonly stream: Duplex;
  /** The end of the transport without the goodbye of the layer above it: a truncated TLS stream. */
  truncate(): void;
  /** What is under way is lost, and the peer is told so by a reset. */
  reset(): void;
}

export function tlsWire(socket: TLSSocket, raw: Socket): Wire {
  raw.setNoDelay(true);
  // Node 24 says that the handshake is done from within OpenSSL's read; a socket that is destroyed there is used once more
  // afterwards, and the process dies (SIGSEGV in `state_machine`, under TLSWrap::ClearOut).
  let isInHandshake = true;
  setImmediate(() => (isInHandshake = false));
  const reset = (): void => {
    raw.resetAndDestroy();
    socket.destroy();
  };
  return {
    stream: socket,
    truncate: () => void raw.end(),
    reset() {
      if (isInHandshake) setImmediate(reset);
      else reset();
    },
  };
}

/** A stream with no TLS above it ends in one way only. `reset` without a way of its own: whoever destroys is the reset. */
export function plainWire(stream: Duplex, reset: () => void = () => stream.destroy()): Wire {
  return { stream, truncate: () => void stream.end(), reset };
}
