// Where Apple listens, and the one way to name another place (the simulator, a test gateway).

import { fault, type ApnsFault } from './fault.ts';
import { quote, quoteUnknown } from './quote.ts';

/** Device tokens, channels and newer keys belong to one of the two and are unknown to the other. */
export type Environment = 'production' | 'sandbox';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The value of `:authority`: the port only where it is not 443 (RFC 9110 §4.2.2). */
  readonly authority: string;
}

/** Apple, "Sending notification requests to APNs"; broadcasts go to the same hosts. */
export const endpoints: Readonly<Record<Environment, Endpoint>> = {
  production: { host: 'api.push.apple.com', port: 443, authority: 'api.push.apple.com' },
  sandbox: { host: 'api.sandbox.push.apple.com', port: 443, authority: 'api.sandbox.push.apple.com' },
};

/** On either host, for sites whose firewall lets nothing but APNs through. */
export const alternativePort = 2197;

/** Apple, "Sending channel management requests to APNs". */
export const channelEndpoints: Readonly<Record<Environment, Endpoint>> = {
  production: {
    host: 'api-manage-broadcast.push.apple.com',
    port: 2196,
    authority: 'api-manage-broadcast.push.apple.com:2196',
  },
  sandbox: {
    host: 'api-manage-broadcast.sandbox.push.apple.com',
    port: 2195,
    authority: 'api-manage-broadcast.sandbox.push.apple.com:2195',
  },
};

export function parseEnvironment(value: unknown): Environment | ApnsFault {
  if (value === 'production' || value === 'sandbox') return value;
  return fault(
    'local.bad-environment',
    'environment',
    `environment ${quoteUnknown(value)} is unknown; production or sandbox is right`,
  );
}

// URL drops line breaks and tabs in silence; here they are refused.
const visibleAscii = /^[\x21-\x7e]{1,300}$/;
// URL also takes hosts such as `"`. The host becomes a header value and a TLS server name: letters, digits, -, _ and dots,
// or an IPv6 address in brackets.
const hostPattern = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])$/;

/** `https://HOST` or `https://HOST:PORT`, with nothing behind it. */
export function parseEndpoint(text: string): Endpoint | ApnsFault {
  const url = visibleAscii.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return refuseEndpoint(text, 'is not a URL');
  if (url.protocol !== 'https:') return refuseEndpoint(text, 'does not begin with https://');
  // A password in a URL would end up in logs, a path would be ignored in silence.
  if (url.username !== '' || url.password !== '') return refuseEndpoint('https://…', 'must not contain a user name');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return refuseEndpoint(text, 'must end after the port');
  }
  const port = url.port === '' ? 443 : Number(url.port);
  if (!hostPattern.test(url.hostname)) return refuseEndpoint(text, 'has no usable host name');
  if (port === 0) return refuseEndpoint(text, 'has port 0');
  // URL keeps IPv6 addresses in brackets; sockets want them bare.
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { host, port, authority: url.host };
}

function refuseEndpoint(text: string, problem: string): ApnsFault {
  return fault(
    'local.bad-endpoint',
    'endpoint',
    `endpoint ${quote(text)} ${problem}. Right is https://HOST:PORT, for example https://127.0.0.1:8443`,
  );
}
