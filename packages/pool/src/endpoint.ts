/** Hosts and ports as people and protocols write them. */
import { isIPv6 } from 'node:net';

/** Without the brackets that a URL puts around an IPv6 address. */
export function bareHost(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** `host:port`, an IPv6 address in brackets (RFC 3986 §3.2.2). */
export function endpointOf(host: string, port: number): string {
  const bare = bareHost(host);
  return isIPv6(bare) ? `[${bare}]:${port}` : `${bare}:${port}`;
}
