/**
 * Dialling as a seam, and the real dialler: look-up, TCP, perhaps a proxy, TLS, ALPN. The first address that completes
 * its handshake wins.
 *
 *   look-up ──► addresses, best first ──► race: TCP ──► tunnel ──► TLS 1.2+ with ALPN h2
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { SecureContext, TLSSocket } from 'node:tls';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { endpointOf } from './endpoint.ts';
import { TransportError, translateTransportError } from './errors.ts';
import { openTunnel } from './proxy.ts';
import type { ProxyTarget } from './proxy.ts';
import { raceAddresses } from './race.ts';
import { systemResolver } from './resolver.ts';
import type { Address, Resolver } from './resolver.ts';
import { destroyOnAbort, hearErrors, whenReady } from './socket-events.ts';
import { openIdentity, tlsOptions } from './tls-identity.ts';
import type { TlsIdentity } from './tls-identity.ts';

/** Where to connect, and whom to trust and be. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity;
  /** For the whole dial: look-up, TCP, tunnel and TLS over all addresses. */
  readonly timeoutMs: number;
  /** Through this proxy, which looks `host` up; the addresses below are then the proxy's. */
  readonly proxy?: ProxyTarget;
  /** Which address to try first; default: as the resolver gave them. */
  readonly order?: (addresses: readonly Address[]) => readonly Address[];
  /** Told of each address that did not answer, also when another one did. */
  readonly onAddressFailed?: (address: string) => void;
}

export interface Dialed {
  /** Emits 'data' in turns of its own, as sockets do, never from inside `write`. Has a listener for 'error'. */
  readonly stream: Duplex;
  /** The address that answered, for logs and for spreading connections. */
  readonly address: string;
}

export interface Dialer {
  /** Rejects with a `TransportError`. Aborting closes whatever was begun. */
  dial(target: DialTarget, signal: AbortSignal): Promise<Dialed>;
}

/** TLS 1.2 or newer with ALPN `h2` over TCP, to the addresses that `resolver` gives. */
export function tlsDialer(resolver: Resolver = systemResolver, clock: Clock = systemClock): Dialer {
  return {
    async dial(target, signal) {
      const { host, port, proxy, timeoutMs } = target;
      const endpoint = endpointOf(host, port);
      const lookedUp = proxy?.host ?? host;
      const limit = new AbortController();
      let isLookUp = true;
      const timer = clock.setTimer(timeoutMs, () => {
        limit.abort(
          isLookUp
            ? new TransportError('ERR_TRANSPORT_DNS', endpoint, `${lookedUp} was not looked up within ${timeoutMs} ms`)
            : new TransportError('ERR_TRANSPORT_DIAL_TIMEOUT', endpoint, `no connection within ${timeoutMs} ms`),
        );
      });
      const stop = (): void => {
        const why = 'dialling was given up before it came to an end';
        limit.abort(new TransportError('ERR_TRANSPORT_ABORTED', endpoint, why, signal.reason));
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      try {
        limit.signal.throwIfAborted();
        const context = openIdentity(target.tls, host, port);
        const addresses = await orAborted(resolver.resolve(lookedUp), limit.signal);
        isLookUp = false;
        if (addresses.length === 0) {
          throw new TransportError('ERR_TRANSPORT_DNS', endpoint, `${lookedUp} has no address`);
        }
        const tried: Set<string> = new Set();
        const { value: stream, address } = await raceAddresses(target.order?.(addresses) ?? addresses, {
          clock,
          signal: limit.signal,
          attempt: (one, losing) => {
            tried.add(one);
            return connectTo(one, target, context, losing);
          },
          discard: (late) => late.destroy(),
          onFailed: (one) => {
            tried.delete(one);
            target.onAddressFailed?.(one);
          },
          worse: (one, other) => moreTelling(one, other, endpoint),
        }).catch((error: unknown) => {
          // Time is up: those still trying have failed as well. They have not when the caller gave up.
          if (limit.signal.aborted && !signal.aborted) for (const one of tried) target.onAddressFailed?.(one);
          throw error;
        });
        return { stream, address };
      } catch (error) {
        throw translateTransportError(error, endpoint);
      } finally {
        timer.cancel();
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

async function connectTo(
  address: string,
  target: DialTarget,
  context: SecureContext,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { host, port, proxy, tls } = target;
  const endpoint = endpointOf(host, port);
  const closed = (): TransportError =>
    new TransportError('ERR_TRANSPORT_CLOSED', endpoint, 'the gateway closed the connection during the handshake');
  const tcp = connectTcp({
    host: address,
    port: proxy?.port ?? port,
    noDelay: true,
    // 60 s: a third net below the session's PINGs, kept by the kernel.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
  hearErrors(tcp);
  let open: Socket = tcp;
  let release = destroyOnAbort(tcp, signal);
  try {
    await whenReady(tcp, 'connect', closed).catch((error: unknown) => {
      throw proxy === undefined ? error : proxyUnreachable(error, proxy, endpoint);
    });
    if (proxy !== undefined) await openTunnel(tcp, proxy, host, port);
    const secure = connectTls(tlsOptions(tcp, host, tls, context));
    hearErrors(secure);
    open = secure;
    release();
    release = destroyOnAbort(secure, signal);
    await whenReady(secure, 'secureConnect', closed);
    checkProtocol(secure.alpnProtocol, tls, endpoint);
    return secure;
  } catch (error) {
    open.destroy();
    throw error;
  } finally {
    release();
  }
}

function checkProtocol(protocol: string | false | null, tls: TlsIdentity, endpoint: string): void {
  if (protocol === 'h2') return;
  const isChosen = typeof protocol === 'string';
  if (!isChosen && tls.isAlpnOptional === true) return;
  const found = isChosen ? `chose ${protocol}` : 'chose no protocol';
  throw new TransportError(
    'ERR_TRANSPORT_ALPN',
    endpoint,
    `the gateway does not speak HTTP/2: it ${found} instead of h2`,
  );
}

function proxyUnreachable(cause: unknown, proxy: ProxyTarget, endpoint: string): TransportError {
  const error = translateTransportError(cause, endpointOf(proxy.host, proxy.port));
  if (error.code === 'ERR_TRANSPORT_ABORTED' || error === cause) return error;
  return new TransportError('ERR_TRANSPORT_PROXY', endpoint, `the proxy cannot be reached: ${error.message}`, cause);
}

/** Of two addresses' failures: one that got as far as TLS says more than one that found nobody; else the first. */
function moreTelling(one: Error, other: Error, endpoint: string): Error {
  const found = (error: Error): boolean => !translateTransportError(error, endpoint).code.includes('_DIAL_');
  return !found(one) && found(other) ? other : one;
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error); // limits abort with a TransportError
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
