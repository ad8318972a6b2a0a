/** Whom we trust and who we are towards a gateway, and the TLS settings that come of it. */
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { bareHost, endpointOf } from './endpoint.ts';
import { TransportError } from './errors.ts';

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

/** Certificates and key, parsed. Throws a `TransportError` when they cannot be used. */
export function openIdentity(tls: TlsIdentity, host: string, port: number): SecureContext {
  const { ca, cert, key, pfx, passphrase } = tls;
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(pfx === undefined ? {} : { pfx }),
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `our certificate, its key or the CA cannot be used: ${why}`;
    throw new TransportError('ERR_TRANSPORT_TLS_IDENTITY', endpointOf(host, port), message, cause);
  }
}

export function tlsOptions(
  socket: Socket,
  host: string,
  tls: TlsIdentity,
  secureContext: SecureContext,
): ConnectionOptions {
  const name = bareHost(tls.servername ?? host);
  return {
    socket,
    secureContext,
    host: name,
    // RFC 6066 §3: SNI carries names only; for an address the certificate is checked against `host`.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // Said, for NODE_TLS_REJECT_UNAUTHORIZED in the environment turns the default around.
    rejectUnauthorized: true,
    ALPNProtocols: ['h2'],
  };
}
