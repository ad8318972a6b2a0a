// What happened over time, as plain JSON: so many intervals ("buckets") of equal width, and lists with one number a bucket.
import type { RuleId } from '../referee/rules.ts';

export interface Timeline {
  /** ISO time of the gateway's clock at which the first bucket begins: the first connection. Null: nobody came. */
  readonly startedAt: string | null;
  /** Width of a bucket. It doubles whenever a run becomes longer than all buckets together. */
  readonly bucketMs: number;
  /** How many buckets there are, up to the last event: the length of every list below. */
  readonly buckets: number;
  /** Complete requests. */
  readonly requests: readonly number[];
  readonly replies: Readonly<Record<ReplyClass, readonly number[]>>;
  /** Streams open at once on all connections together, and connections: the most in each bucket. */
  readonly inFlight: readonly number[];
  readonly open: readonly number[];
  /** From the stream's opening to its answer, as the gateway saw it: at most so long. Null: nothing was answered. */
  readonly p50Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
  readonly connections: readonly ConnectionLine[];
  /** Connections that had no room in the list: of those that were over, the ones that carried least. */
  readonly connectionsLeftOut: number;
  /** Scripted faults in the order in which they first fired. Beyond a number of names they share `others`. */
  readonly faults: readonly { readonly id: string; readonly total: number; readonly counts: readonly number[] }[];
  /** Rules that were broken. */
  readonly violations: readonly {
    readonly rule: RuleId;
    readonly total: number;
    /** ISO time of the gateway's clock. */
    readonly firstAt: string;
    readonly counts: readonly number[];
  }[];
}

export const replyClasses = ['accepted', 'gone', 'refused', 'throttled', 'failed', 'unanswered'] as const;

/**
 * accepted: 2xx. gone: 410. refused: any other 4xx but 429. throttled: 429. failed: the rest. unanswered: the stream ended
 * without an answer: reset by either side, cut off by a GOAWAY, or lost with its connection.
 */
export type ReplyClass = (typeof replyClasses)[number];

export interface ConnectionLine {
  /** From 1. */
  readonly ordinal: number;
  /** The key id of its first provider token, or `certificate`. Null: it showed neither. */
  readonly credential: string | null;
  /** Milliseconds since `startedAt`. Null: has not happened. */
  readonly openedMs: number;
  readonly goAwayMs: number | null;
  readonly closedMs: number | null;
  readonly requests: number;
  readonly violations: number;
  /** The bucket that the lists of this connection begin with. */
  readonly firstBucket: number;
  /** The most streams open at once in each bucket. */
  readonly inFlight: readonly number[];
  /** The highest limit that held in each bucket, as the client knew it. Null: there was none. */
  readonly limit: readonly (number | null)[];
}

export function replyClassOf(status: number): ReplyClass {
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 410) return 'gone';
  if (status === 429) return 'throttled';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}
