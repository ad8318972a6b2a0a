/**
 * Dialling as a seam, and the real dialler: look-up, TCP, TLS, ALPN. Addresses are tried one after the other, each with
 * its share of the time; the first that completes its handshake wins.
 */
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { TransportError, translateTransportError } from './errors.ts';
import { systemResolver } from './resolver.ts';
import type { Address, Resolver } from './resolver.ts';

/** Where to connect, and whom to trust and be. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity;
  /** For the whole dial: look-up, TCP and TLS over all addresses. */
  readonly timeoutMs: number;
  /** Which address to try first; default: as the resolver gave them. */
  readonly order?: (addresses: readonly Address[]) => readonly Address[];
  /** Told of each address that did not answer, also when another one did. */
  readonly onAddressFailed?: (address: string) => void;
}

export interface TlsIdentity {
  /** PEM of the CAs to trust instead of the system's. */
  readonly ca?: string | Buffer;
  /** Client certificate: PEM pair … */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** … or PKCS#12. */
  readonly pfx?: Buffer;
  readonly passphrase?: string;
  /** Name for SNI and for the check of the certificate; default: the host. */
  readonly servername?: string;
  /** A gateway that negotiates no ALPN at all is taken to speak HTTP/2 (RFC 9113 §3.3, prior knowledge). Default false. */
  readonly isAlpnOptional?: boolean;
}

export interface Dialed {
  readonly stream: Duplex;
  /** The address that answered, for logs and for spreading connections. */
  readonly address: string;
}

export interface Dialer {
  /** Rejects with a `TransportError`. Aborting closes whatever was begun. */
  dial(target: DialTarget, signal: AbortSignal): Promise<Dialed>;
}

/** TLS 1.2 or newer with ALPN `h2` over TCP, to the addresses that `resolver` gives. */
export function tlsDialer(resolver: Resolver = systemResolver): Dialer {
  return {
    async dial(target, signal) {
      const endpoint = `${target.host}:${target.port}`;
      const timeout = new TransportError('ERR_TRANSPORT_DIAL_TIMEOUT', endpoint, `no connection within ${target.timeoutMs} ms`);
      const limits = new AbortController();
      const timer = setTimeout(() => limits.abort(timeout), target.timeoutMs);
      const stop = (): void => limits.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      try {
        signal.throwIfAborted();
        const addresses = await orAborted(resolver.resolve(target.host), limits.signal);
        if (addresses.length === 0) throw new TransportError('ERR_TRANSPORT_DNS', endpoint, 'the name has no address');
        return await firstThatAnswers(target.order?.(addresses) ?? addresses, target, limits.signal);
      } catch (error) {
        throw translateTransportError(limits.signal.aborted && !signal.aborted ? timeout : error, endpoint);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

async function firstThatAnswers(addresses: readonly Address[], target: DialTarget, signal: AbortSignal): Promise<Dialed> {
  // An address that swallows packets must not use up the time of the others.
  const shareMs = Math.max(250, target.timeoutMs / addresses.length);
  let failure: unknown;
  for (const { address } of addresses) {
    if (signal.aborted) break;
    try {
      const stream = await dialAddress(address, target, shareMs, signal);
      return { stream, address };
    } catch (error) {
      failure = error;
      target.onAddressFailed?.(address);
    }
  }
  throw failure ?? signal.reason;
}

async function dialAddress(address: string, target: DialTarget, timeoutMs: number, signal: AbortSignal): Promise<TLSSocket> {
  const endpoint = `${target.host}:${target.port}`;
  const tcp = connectTcp({ host: address, port: target.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  let open: Socket = tcp;
  const late = setTimeout(() => {
    open.destroy(new TransportError('ERR_TRANSPORT_DIAL_TIMEOUT', endpoint, `${address} did not answer within ${Math.round(timeoutMs)} ms`));
  }, timeoutMs);
  const abort = (): void => {
    open.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await ready(tcp, 'connect', endpoint);
    const tls = connectTls(tlsOptions(tcp, target));
    open = tls;
    await ready(tls, 'secureConnect', endpoint);
    const protocol = tls.alpnProtocol;
    if (protocol !== 'h2' && !(target.tls.isAlpnOptional === true && (protocol === false || protocol === null))) {
      const found = typeof protocol === 'string' ? `chose ${protocol}` : 'chose no protocol';
      throw new TransportError('ERR_TRANSPORT_ALPN', endpoint, `the gateway does not speak HTTP/2: it ${found} instead of h2`);
    }
    return tls;
  } catch (error) {
    open.destroy();
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

function tlsOptions(socket: Socket, target: DialTarget): ConnectionOptions {
  const { tls, host } = target;
  const name = tls.servername ?? host;
  return {
    socket,
    host: name,
    // RFC 6066 §3: SNI carries names only; for an address the certificate is checked against `host`.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.pfx === undefined ? {} : { pfx: tls.pfx }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
  };
}

/** Waits for `event`; a socket that ends before it is a failure too, with or without an error of its own. */
function ready(socket: Socket, event: 'connect' | 'secureConnect', endpoint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      socket.off(event, onReady);
      socket.off('error', onError);
      socket.off('close', onClose);
      done();
    };
    const onReady = (): void => settle(resolve);
    const onError = (error: Error): void => {
      // The socket may fail once more while it is torn down; nobody waits for that.
      socket.on('error', () => undefined);
      settle(() => reject(error));
    };
    const onClose = (): void =>
      settle(() => reject(new TransportError('ERR_TRANSPORT_CLOSED', endpoint, 'the gateway closed the connection during the handshake')));
    socket.on(event, onReady);
    socket.on('error', onError);
    socket.on('close', onClose);
  });
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
