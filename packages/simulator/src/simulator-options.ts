// Everything a simulator can be told, as plain JSON values so that it crosses a process boundary, with every default.
import type { FaultScript } from './faults/fault-script.ts';
import type { SimulatorIdentity } from './identity.ts';
import type { LedgerOptions } from './ledger.ts';
import type { RefereeOptions } from './referee/referee.ts';
import type { DeviceRateOptions } from './rules/device-rate.ts';
import type { CheckName } from './rules/judge-request.ts';
import type { ProviderKey } from './rules/provider-token.ts';
import type { ScriptedToken } from './rules/token-store.ts';

export interface SimulatorOptions {
  /** Default 0: any free port. Always on 127.0.0.1 only. */
  readonly port?: number;
  /** Where channels are managed; as `port`. */
  readonly channelsPort?: number;
  /**
   * `fast` answers 200 and checks nothing; `strict` (default) keeps Apple's rules. With a ledger or faults, `fast` runs
   * on the same connection as `strict` and costs as much: it still checks nothing.
   */
  readonly profile?: 'fast' | 'strict';
  /** Our own HTTP/2 (default), or node:http2 as a second opinion: strict only, without faults. */
  readonly stack?: 'frames' | 'node';
  /** Default: a new one. */
  readonly identity?: SimulatorIdentity;
  readonly tls?: TlsOptions;
  readonly http2?: Http2Options;
  readonly rules?: RuleOptions;
  /** Default: answers at once. */
  readonly latency?: LatencyOptions;
  /** How much work it can do. Default: any. On the stack "frames" only. */
  readonly load?: LoadOptions;
  readonly ledger?: LedgerOptions;
  readonly faults?: FaultScript;
  /**
   * Judges the conduct of clients (`Simulator.report()`), with PINGs of its own. Default: no referee. With one, `fast`
   * runs on the same connection as `strict`.
   */
  readonly referee?: boolean | RefereeOptions;
}

/** How long the gateway thinks about each reply. Requests do not wait for one another. */
export interface LatencyOptions {
  /** 40 to 80 ms were reported of the real one (apns-protocol.md E.7), round trip included. */
  readonly replyMs: number;
  /** Up to so much more, evenly spread. Default 0. */
  readonly spreadMs?: number;
}

/** Requests beyond `atOnce` wait in one queue, over all connections: latency climbs with load. Besides `latency`. */
export interface LoadOptions {
  /** Requests that are served side by side: the knee. 1,000 × `atOnce` ÷ `serviceMs` a second are the most. */
  readonly atOnce: number;
  readonly serviceMs: number;
  /** With so many in hand, served and waiting, more are refused. Default: never. */
  readonly refusesAbove?: number;
  /**
   * How: RST_STREAM with REFUSED_STREAM (default), 503 ServiceUnavailable, or 429 without a reason, as what stands in front
   * of a service says it. Apple's TooManyRequests is about one device: `rules.deviceRate`.
   */
  readonly refusal?: 'refused-stream' | 503 | 429;
  /** Retry-After of a 503 or 429. Default: none. */
  readonly retryAfterSeconds?: number;
}

export interface TlsOptions {
  /** Default `h2`. `none`: the server selects nothing; `http/1.1`: the only one it knows. */
  readonly alpn?: 'h2' | 'none' | 'http/1.1';
  /** Default TLSv1.2 to TLSv1.3. */
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
}

/** What the gateway announces. Defaults are what Apple was seen to announce (apns-protocol.md E.1). */
export interface Http2Options {
  /** SETTINGS_MAX_CONCURRENT_STREAMS once open. Default 1000. */
  readonly streamsMax?: number;
  /** Before the first authenticated reply on connections without a certificate. Default 1 (strict). */
  readonly streamsBeforeAuthentication?: number;
  /** After a rejection other than 410 the limit falls to 1 until the next acceptance (E.2). Default false. */
  readonly dropsStreamsAfterRejection?: boolean;
  /** Streams above the limit: RST_STREAM (default), or GOAWAY with Apple's plain text (E.2). */
  readonly overLimit?: 'refuse' | 'goaway';
  /** SETTINGS_INITIAL_WINDOW_SIZE. Default 65,535. */
  readonly initialWindowSize?: number;
  /** WINDOW_UPDATE of the connection right after SETTINGS. Default 32,822. */
  readonly windowIncrement?: number;
  /**
   * When the connection's window is given back: once half of it is used (default, as nghttp2, Netty and Jetty do), or after
   * each read. What Apple does was not seen.
   */
  readonly windowUpdates?: 'at-half' | 'each-read';
  readonly headerTableSize?: number;
  readonly maxHeaderListSize?: number;
}

export interface RuleOptions {
  /** Default production. */
  readonly environment?: 'production' | 'sandbox';
  /** Known keys besides the identity's own. */
  readonly keys?: readonly ProviderKey[];
  /** Bundle ids that provider tokens may push to. Default: any. */
  readonly bundleIds?: readonly string[];
  /** Bundle ids that broadcasts are enabled for. Default: every one. */
  readonly broadcastBundleIds?: readonly string[];
  /** Channels of one app. Default 10,000 (CHM). */
  readonly channelsMax?: number;
  /**
   * Where Apple's pages and the wire name things differently for broadcasts and channels. Default `wire`:
   * BroadcastFeatureNotEnabled, MissingChannelQueueSize. `page`: FeatureNotEnabled, BadRequestParams.
   */
  readonly spellings?: 'wire' | 'page';
  /** Default ok. */
  readonly unknownTokens?: 'ok' | 'bad';
  readonly tokens?: Readonly<Record<string, ScriptedToken>>;
  /** Signatures in DER besides R||S, as Apple's shell example makes them. Default false. */
  readonly acceptsDerSignatures?: boolean;
  /** Topics must carry the suffix of their push type. Default true. */
  readonly checksTopicSuffix?: boolean;
  /** An expired provider token spoils the connection for good (E.5). Default false. */
  readonly poisonsExpired?: boolean;
  /** A second new token of a key within 20 minutes is refused on any connection of its address (C.2). Default false. */
  readonly countsTokensPerSource?: boolean;
  /** 429 TooManyRequests after so many requests to one device token. Default: never. */
  readonly deviceRate?: DeviceRateOptions;
  /** Generated apns-ids in upper case, as seen on the wire. Default true. */
  readonly generatesUpperCaseIds?: boolean;
  /** An apns-unique-id with each answer. Default: in the sandbox, as documented. */
  readonly sendsUniqueId?: boolean;
  /** Default: method, path, authentication, topic, duplicates, other headers, device token, payload. */
  readonly checkOrder?: readonly CheckName[];
}
