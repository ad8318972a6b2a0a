// What one attempt came to (Verdict) and what a job came to (Outcome). Blame is in the type: a retry names who must
// react, and whether the push was surely not processed.

import type { ApnsId } from './apns-id.ts';
import type { EpochMs } from './time.ts';

/** Who must change something before the push can go through. */
export type Blame = 'push' | 'connection' | 'credential' | 'gateway';
/** `no` is proven, by the gateway's answer or by HTTP/2; `unknown` may have been taken. */
export type Processed = 'no' | 'unknown';

export type Verdict = Accepted | Rejected | Unregistered | Retry;

/** 200: Apple took it. Nobody can promise that the device shows it. */
export interface Accepted {
  readonly kind: 'accepted';
  /** As the gateway named it, lower case; null where it named none, and our own id stands. */
  readonly apnsId: ApnsId | null;
}

/** Final: sending the same again would end the same. */
export interface Rejected {
  readonly kind: 'rejected';
  /** Null when Apple was not asked. */
  readonly status: number | null;
  /** Apple's text, or ours, which begins with "local.". */
  readonly reason: string;
}

/** Final, and for the device token too: nothing goes to it until it registers again later than `since`. */
export interface Unregistered {
  readonly kind: 'unregistered';
  readonly status: number | null;
  readonly reason: string;
  readonly since: EpochMs;
}

export interface Retry {
  readonly kind: 'retry';
  readonly blame: Blame;
  readonly processed: Processed;
  /** Null when no reply came. */
  readonly status: number | null;
  readonly reason: string;
  /** Absent: as soon as the budget and the backoff allow. */
  readonly notBefore?: EpochMs;
}

export type Abandonment =
  | 'deadline'
  | 'attempts'
  | 'credential'
  | 'unreachable'
  | 'ambiguous'
  | 'shutdown'
  | 'cancelled';

/** We gave up. */
export interface Abandoned {
  readonly kind: 'abandoned';
  readonly because: Abandonment;
  readonly processed: Processed;
  /** The reason of the last verdict, where there was one. */
  readonly last?: string;
}

export type Outcome = Accepted | Rejected | Unregistered | Abandoned;

/**
 * Proven not processed by HTTP/2 itself (REFUSED_STREAM, GOAWAY, never written): resent outside the retry budget, at
 * most `conductLimits.freeResendsMax` times a job.
 */
export function isFreeResend(verdict: Retry): boolean {
  return verdict.processed === 'no' && verdict.status === null && verdict.blame === 'connection';
}
