// A reply, or the lack of one, becomes a Verdict. Pure: the same facts always give the same verdict. Nothing here
// throws, whatever a gateway answers.
//
// Order of belief: the status says which hundred we are in, the reason says what to do, if it is one we know and it fits
// that hundred (an "Unregistered" under 500 is a broken server, not a dead token). Everything else goes by the status.

import { parseApnsId, type ApnsId } from './apns-id.ts';
import { conductLimits } from './conduct.ts';
import { isFault } from './fault.ts';
import { findReason, type Reaction, type ReasonEnd, type ReasonRule, type RetryDelay } from './reasons.ts';
import { cleanReason } from './reply-body.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { EpochMs, Ms } from './time.ts';
import type { Blame, Processed, Retry, Verdict } from './verdict.ts';

export interface ReplyFacts {
  readonly status: number;
  readonly reason: string | null;
  readonly timestampMs: EpochMs | null;
  /** The header as it came. */
  readonly retryAfter: string | null;
  /** The header as it came; only read on success. */
  readonly apnsId?: string | null;
}

/** A stream that ended without a reply. Structurally a session's StreamFailure, with the reason of a GOAWAY if any. */
export interface FailureFacts {
  readonly kind: 'refused' | 'goaway' | 'reset' | 'malformed' | 'timeout' | 'connection-lost' | 'cancelled';
  readonly processed: Processed;
  /** Apple names a reason in the debug data of some GOAWAYs, for example BadCertificateEnvironment. */
  readonly reason?: string | null;
}

export interface JudgeContext {
  readonly nowMs: EpochMs;
  /** Attempts this push has had, this one included; default 1. Stretches the rest of a device token. */
  readonly attempt?: number;
  /** It went to a channel: no device token can be gone. Default false. */
  readonly isBroadcast?: boolean;
  /** Default 15 min (Apple). */
  readonly serverErrorDelayMs?: Ms;
  /** Default 1 h. */
  readonly retryAfterMaxMs?: Ms;
  /** Default 30 s, doubling with every attempt up to `deviceDelayMaxMs`. */
  readonly deviceDelayMs?: Ms;
  /** Default 1 h. */
  readonly deviceDelayMaxMs?: Ms;
  /** Default 20 min (Apple). */
  readonly providerTokenHoldMs?: Ms;
}

/** The end of an attempt whose reason we do not know, by status. */
interface StatusRule {
  readonly blame: Blame;
  readonly end: ReasonEnd;
}

export function judge(reply: ReplyFacts, context: JudgeContext): Verdict {
  const { status } = reply;
  if (status >= 200 && status <= 299) return { kind: 'accepted', apnsId: acceptedId(reply.apnsId) };
  const known = reply.reason === null ? null : findKnown(reply.reason, status);
  const { blame, end } = known ?? ruleByStatus(status);
  const reason = (reply.reason === null ? null : cleanReason(reply.reason)) ?? `local.status-${status}`;
  switch (end.kind) {
    case 'rejected':
      return { kind: 'rejected', status, reason };
    case 'unregistered':
      if (context.isBroadcast === true) return { kind: 'rejected', status, reason };
      return { kind: 'unregistered', status, reason, since: believableSince(reply.timestampMs, context.nowMs) };
    case 'retry': {
      const delayMs = delayOf(end.delay, reply.retryAfter, context);
      const verdict: Retry = { kind: 'retry', blame, processed: end.processed, status, reason };
      return delayMs === null ? verdict : { ...verdict, notBefore: context.nowMs + delayMs };
    }
    default:
      return assertNever(end);
  }
}

/** No reply: the connection is to blame, unless a GOAWAY named a reason that says otherwise. */
export function judgeFailure(failure: FailureFacts, context: JudgeContext): Verdict {
  const { processed } = failure;
  const given = failure.reason ?? null;
  const known = given === null ? null : findReason(given);
  const isForeign = known !== null && known.end.kind === 'retry' && known.blame !== 'connection';
  const verdict: Retry = {
    kind: 'retry',
    blame: isForeign ? known.blame : 'connection',
    processed,
    status: null,
    reason: (given === null ? null : cleanReason(given)) ?? `local.${failure.kind}`,
  };
  const delayMs = isForeign && known.end.kind === 'retry' ? delayOf(known.end.delay, null, context) : null;
  return delayMs === null ? verdict : { ...verdict, notBefore: context.nowMs + delayMs };
}

const noReactions: readonly Reaction[] = [];
const reactionsByBlame: Readonly<Record<Blame, readonly Reaction[]>> = {
  push: noReactions,
  connection: ['replace-connection'],
  credential: ['park-credential'],
  gateway: ['probe-gateway'],
};

/** What the engine does about a verdict besides ending or resending its push. */
export function reactionsTo(verdict: Verdict): readonly Reaction[] {
  if (verdict.kind === 'accepted') return noReactions;
  const known = verdict.status === null ? findReason(verdict.reason) : findKnown(verdict.reason, verdict.status);
  if (known !== null && known.end.kind === verdict.kind) return known.reactions;
  if (verdict.kind === 'unregistered') return ['forget-device'];
  if (verdict.kind === 'rejected') return noReactions;
  // A stream that failed alone says nothing about its connection: the session reports the connection's own end.
  if (verdict.status === null) return noReactions;
  return verdict.status === 429 ? ['cool-device'] : reactionsByBlame[verdict.blame];
}

/** The rule of a reason, where the status is of the same hundred as the one it is documented for. */
function findKnown(reason: string, status: number): ReasonRule | null {
  const rule = findReason(reason);
  return rule !== null && Math.floor(rule.statuses[0] / 100) === Math.floor(status / 100) ? rule : null;
}

const rejectedRule: StatusRule = { blame: 'push', end: { kind: 'rejected' } };

function ruleByStatus(status: number): StatusRule {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return { blame: 'credential', end: { kind: 'retry', processed: 'no', delay: 'none' } };
    // Request Timeout; Misdirected Request (RFC 9110 §15.5.9, §15.5.20): another connection is the answer.
    case 408:
    case 421:
      return { blame: 'connection', end: { kind: 'retry', processed: 'no', delay: 'none' } };
    case 410:
      return { blame: 'push', end: { kind: 'unregistered' } };
    case 429:
      return { blame: 'push', end: { kind: 'retry', processed: 'no', delay: 'device' } };
    case 503:
      return { blame: 'gateway', end: { kind: 'retry', processed: 'no', delay: 'server-error' } };
    default:
      if (status >= 400 && status <= 499) return rejectedRule;
      // 5xx; and 1xx, 3xx or no status at all, which APNs never answers: something else is speaking.
      return { blame: 'gateway', end: { kind: 'retry', processed: 'unknown', delay: 'server-error' } };
  }
}

/** Retry-After wins over our own delay, shorter or longer: the gateway knows better. */
function delayOf(delay: RetryDelay, retryAfter: string | null, context: JudgeContext): Ms | null {
  const {
    nowMs,
    attempt = 1,
    serverErrorDelayMs = conductLimits.serverErrorDelayMs,
    retryAfterMaxMs = conductLimits.retryAfterMaxMs,
    deviceDelayMs = conductLimits.deviceDelayMs,
    deviceDelayMaxMs = conductLimits.deviceDelayMaxMs,
    providerTokenHoldMs = conductLimits.providerTokenHoldMs,
  } = context;
  const asked = parseRetryAfter(retryAfter, nowMs, retryAfterMaxMs);
  switch (delay) {
    case 'none':
      return asked;
    case 'device':
      return asked ?? Math.min(deviceDelayMs * 2 ** Math.max(0, attempt - 1), deviceDelayMaxMs);
    case 'provider-token':
      // Apple's window is a rule of its own: a shorter Retry-After does not lift it.
      return Math.max(asked ?? 0, providerTokenHoldMs);
    case 'server-error':
      return asked ?? serverErrorDelayMs;
    default:
      return assertNever(delay);
  }
}

/** APNs opened on 2009-06-17; an earlier timestamp is one in seconds or a mistake. */
const timestampMsMin: EpochMs = Date.UTC(2009, 5, 17);

/**
 * When the token died. A missing or impossible timestamp counts as now; one ahead of our clock too, because the app's
 * registrations are dated by our clock and must be able to be later.
 */
function believableSince(timestampMs: EpochMs | null, nowMs: EpochMs): EpochMs {
  return timestampMs === null || timestampMs < timestampMsMin ? nowMs : Math.min(timestampMs, nowMs);
}

function acceptedId(text: string | null | undefined): ApnsId | null {
  if (text === null || text === undefined) return null;
  const apnsId = parseApnsId(text);
  return isFault(apnsId) ? null : apnsId;
}

function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
