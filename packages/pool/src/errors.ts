/**
 * What can go wrong between us and a gateway, as coded errors, and the one place where Node's socket, DNS and TLS errors
 * become ours. Messages name the endpoint, never a credential.
 */

export type TransportErrorCode =
  | 'ERR_TRANSPORT_DNS'
  | 'ERR_TRANSPORT_DIAL_REFUSED'
  | 'ERR_TRANSPORT_DIAL_TIMEOUT'
  | 'ERR_TRANSPORT_DIAL_FAILED'
  | 'ERR_TRANSPORT_TLS_NAME'
  | 'ERR_TRANSPORT_TLS_UNTRUSTED'
  | 'ERR_TRANSPORT_TLS_EXPIRED'
  | 'ERR_TRANSPORT_TLS_VERSION'
  | 'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE'
  /** What we were given to be or to trust cannot be used; nothing was sent. */
  | 'ERR_TRANSPORT_TLS_IDENTITY'
  | 'ERR_TRANSPORT_TLS_FAILED'
  | 'ERR_TRANSPORT_ALPN'
  /** TLS stood, and HTTP/2 ended before the first request: GOAWAY, no SETTINGS, nonsense. */
  | 'ERR_TRANSPORT_HTTP2'
  | 'ERR_TRANSPORT_PROXY'
  | 'ERR_TRANSPORT_PROXY_AUTH'
  | 'ERR_TRANSPORT_CLOSED'
  /** We gave up ourselves. */
  | 'ERR_TRANSPORT_ABORTED';

/** The connection could not be made, or was lost. `endpoint` is `host:port`; `cause` is Node's error. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  readonly endpoint: string;

  constructor(code: TransportErrorCode, endpoint: string, message: string, cause?: unknown) {
    super(`${endpoint}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.endpoint = endpoint;
  }
}

const tlsFaults: Readonly<Record<string, readonly [TransportErrorCode, string]>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: ['ERR_TRANSPORT_TLS_NAME', "the gateway's certificate is for another name"],
  CERT_HAS_EXPIRED: ['ERR_TRANSPORT_TLS_EXPIRED', "the gateway's certificate has expired"],
  CERT_NOT_YET_VALID: ['ERR_TRANSPORT_TLS_EXPIRED', "the gateway's certificate is not valid yet (is the clock right?)"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'ERR_TRANSPORT_TLS_UNTRUSTED',
    "the gateway's certificate is self-signed and not among the trusted ones (give its CA with `ca`)",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    'ERR_TRANSPORT_TLS_UNTRUSTED',
    "the gateway's certificate chain ends in an unknown CA (give it with `ca`)",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'ERR_TRANSPORT_TLS_UNTRUSTED',
    "the gateway's certificate comes from an unknown CA (give it with `ca`)",
  ],
  UNABLE_TO_GET_ISSUER_CERT: ['ERR_TRANSPORT_TLS_UNTRUSTED', "the CA of the gateway's certificate is unknown"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'ERR_TRANSPORT_TLS_UNTRUSTED',
    "the gateway's certificate comes from an unknown CA (give it with `ca`)",
  ],
  CERT_SIGNATURE_FAILURE: ['ERR_TRANSPORT_TLS_UNTRUSTED', "the signature of the gateway's certificate is wrong"],
  CERT_REVOKED: ['ERR_TRANSPORT_TLS_UNTRUSTED', "the gateway's certificate was revoked"],
  ERR_SSL_UNSUPPORTED_PROTOCOL: ['ERR_TRANSPORT_TLS_VERSION', 'the gateway offers no TLS 1.2 or newer'],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'ERR_TRANSPORT_TLS_VERSION',
    'the gateway does not speak TLS 1.2 or newer (is this a plain-text port?)',
  ],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['ERR_TRANSPORT_TLS_VERSION', 'the gateway does not speak TLS on this port'],
  ERR_SSL_DATA_LENGTH_TOO_LONG: ['ERR_TRANSPORT_TLS_VERSION', 'the gateway does not speak TLS on this port'],
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: ['ERR_TRANSPORT_TLS_NAME', 'the gateway does not know this host name'],
};

const refusesUs = 'the gateway refuses our client certificate';

/** Alerts that the gateway sends (RFC 8446 §6), by the end of OpenSSL's code: its beginning differs between versions. */
const alerts: Readonly<Record<string, readonly [TransportErrorCode, string]>> = {
  BAD_CERTIFICATE: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', `${refusesUs} as damaged`],
  UNSUPPORTED_CERTIFICATE: [
    'ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE',
    `${refusesUs}: it is of a kind that it does not take`,
  ],
  CERTIFICATE_REVOKED: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', `${refusesUs} as revoked`],
  CERTIFICATE_EXPIRED: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', `${refusesUs} as expired`],
  CERTIFICATE_UNKNOWN: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', refusesUs],
  CERTIFICATE_REQUIRED: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', 'the gateway wants a client certificate'],
  UNKNOWN_CA: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', `${refusesUs}: it does not know its CA`],
  ACCESS_DENIED: ['ERR_TRANSPORT_TLS_CLIENT_CERTIFICATE', `${refusesUs}: access denied`],
  HANDSHAKE_FAILURE: [
    'ERR_TRANSPORT_TLS_FAILED',
    'the gateway refuses the handshake (does it want a client certificate?)',
  ],
  PROTOCOL_VERSION: ['ERR_TRANSPORT_TLS_VERSION', 'the gateway and we share no TLS version'],
  INSUFFICIENT_SECURITY: ['ERR_TRANSPORT_TLS_VERSION', 'the gateway and we share no cipher'],
  NO_APPLICATION_PROTOCOL: ['ERR_TRANSPORT_ALPN', 'the gateway refuses HTTP/2 (ALPN h2)'],
};

const socketFaults: Readonly<Record<string, readonly [TransportErrorCode, string]>> = {
  ECONNREFUSED: ['ERR_TRANSPORT_DIAL_REFUSED', 'connection refused (nothing listens there)'],
  ECONNRESET: ['ERR_TRANSPORT_CLOSED', 'the gateway reset the connection'],
  EPIPE: ['ERR_TRANSPORT_CLOSED', 'the gateway closed the connection while we wrote'],
  ETIMEDOUT: ['ERR_TRANSPORT_DIAL_TIMEOUT', 'no answer'],
  EHOSTUNREACH: ['ERR_TRANSPORT_DIAL_FAILED', 'no route to the host'],
  ENETUNREACH: ['ERR_TRANSPORT_DIAL_FAILED', 'the network cannot be reached'],
  ENOTFOUND: ['ERR_TRANSPORT_DNS', 'the host name does not exist'],
  EAI_AGAIN: ['ERR_TRANSPORT_DNS', 'the name could not be looked up (DNS gave no answer)'],
};

// Maps: a code that is called `constructor` must not be found.
const byCode = new Map(Object.entries({ ...tlsFaults, ...socketFaults }));
const byAlert = new Map(Object.entries(alerts));

/** Node's error, in our words. An error of ours passes unchanged. */
export function translateTransportError(error: unknown, endpoint: string): TransportError {
  if (error instanceof TransportError) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const alert = /_ALERT_(?<name>[A-Z_]+)$/u.exec(code)?.groups?.['name'] ?? '';
  const known = byCode.get(code) ?? byAlert.get(alert);
  if (known !== undefined) return new TransportError(known[0], endpoint, known[1], error);
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL')) {
    return new TransportError('ERR_TRANSPORT_TLS_FAILED', endpoint, `TLS failed: ${text}`, error);
  }
  return new TransportError('ERR_TRANSPORT_DIAL_FAILED', endpoint, text, error);
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return String(error.code);
}
