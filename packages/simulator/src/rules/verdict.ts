// What the rules say to a request: null goes on to the next check, a refusal is the answer.
import type { Reason } from './reasons.ts';

export interface Refusal {
  readonly reason: Reason;
  /** 410 only: milliseconds since 1970 (apns-protocol.md A.6). */
  readonly timestampMs?: number;
  readonly retryAfter?: string;
}

export type Check = Refusal | null;
