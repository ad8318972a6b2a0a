/** What a pool obeys: plain numbers. The engine makes them out of Apple's conduct rules; the pool knows no Apple. */
import type { BackoffLimits } from './backoff.ts';
import type { DialGateLimits } from './dial-gate.ts';
import { defaultLimiterPolicy } from './stream-limiter.ts';
import type { LimiterPolicy } from './stream-limiter.ts';

export interface PoolPolicy {
  /** Connections at most. */
  readonly connectionsMax: number;
  /** Connections that stay however idle, kept alive by PINGs. */
  readonly connectionsMin: number;
  /** Look-up, TCP and TLS together. */
  readonly dialTimeoutMs: number;
  readonly dialGate: DialGateLimits;
  readonly dialBackoff: BackoffLimits;
  /** Streams at most on a connection, whatever more the peer grants. */
  readonly streamsMax: number;
  /** How a connection finds out how many of them the gateway takes. */
  readonly limiter: LimiterPolicy;
  /** One stream until the owner says that the peer trusts the connection. */
  readonly isProbing: boolean;
  /** A request without an answer ends after this long. */
  readonly requestTimeoutMs: number;
  /** Of a reply's body so much is kept; the rest is cut off. */
  readonly replyBodyBytesMax: number;
  /** Bytes that a connection's socket may hold before streams wait. */
  readonly highWaterBytes: number;
  /**
   * Another connection is dialled when work has waited this long and every connection is full: of streams, or of window. One
   * that its limiter holds back is not full, and an overloaded gateway gets no more connections.
   */
  readonly growAfterMs: number;
  /** A connection beyond `connectionsMin` that carried nothing for this long is drained. */
  readonly shrinkAfterMs: number;
  /** A connection is replaced at this age, and after so many requests, both less up to a fifth by chance. */
  readonly ageMaxMs: number;
  readonly requestsMax: number;
}

export const defaultPoolPolicy: PoolPolicy = {
  // Few: one connection carries what most platforms ever send (docs/BENCHMARKS.md, wire).
  connectionsMax: 4,
  // One: the next push costs no handshake.
  connectionsMin: 1,
  dialTimeoutMs: 10_000,
  dialGate: { concurrency: 2, intervalCap: 8, intervalMs: 1000 },
  // 60 s: the cap that Pushy has run with for years (reconnect delay 1 s doubling to 60 s).
  dialBackoff: { baseMs: 500, capMs: 60_000 },
  // 1000: what APNs has granted since 2021 (observed).
  streamsMax: 1000,
  limiter: defaultLimiterPolicy,
  isProbing: false,
  requestTimeoutMs: 20_000,
  // Error bodies of APNs have some 60 bytes.
  replyBodyBytesMax: 4096,
  // 256 KiB: some 600 pushes; enough to keep a gigabit link with 2 ms of round trip busy.
  highWaterBytes: 256 * 1024,
  growAfterMs: 100,
  // 5 min: a lull between two campaigns costs no new handshakes.
  shrinkAfterMs: 300_000,
  // 24 h: Apple takes once a day as fine; errors were reported on connections of seven days.
  ageMaxMs: 24 * 3_600_000,
  // 2^28: a quarter of the stream ids a connection has (RFC 9113 §5.1.1).
  requestsMax: 2 ** 28,
};
