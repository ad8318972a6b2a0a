// Everything a simulator can be told, as plain JSON values so that it crosses a process boundary, and every default.
import type { SimulatorIdentity } from './identity.ts';

export interface SimulatorOptions {
  /** Default 0: any free port. Always on 127.0.0.1 only. */
  readonly port?: number;
  /** `fast` answers 200 and checks nothing; `strict` (default) keeps Apple's rules. */
  readonly profile?: 'fast' | 'strict';
  /** Default: a new one. */
  readonly identity?: SimulatorIdentity;
  readonly tls?: TlsOptions;
  /** SETTINGS_MAX_CONCURRENT_STREAMS once open. Default 1000 (apns-protocol.md E.1). */
  readonly streamsMax?: number;
}

export interface TlsOptions {
  /** Default `h2`. `none`: the server selects nothing; `http/1.1`: the only one it knows. */
  readonly alpn?: 'h2' | 'none' | 'http/1.1';
  /** Default TLSv1.2 to TLSv1.3. */
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
}
