/** The receipt: one JSON object for one job, in the words of the contract. */
import type { Warning } from '@carillon/payload';
import type { Outcome } from './outcome.ts';
import type { Push } from './push.ts';

export interface Receipt {
  /** Null when the line could not be read, or named no id that could be. */
  id: string | null;
  file?: string;
  line?: number;
  app: string | null;
  /** Null of a broadcast, whose `channel` is there instead. */
  token: string | null;
  channel?: string;
  outcome: 'accepted' | 'rejected' | 'unregistered' | 'abandoned';
  /** Apple's status; null when Apple was not asked or did not answer. */
  status: number | null;
  /** Apple's reason, or ours ("local.…"). */
  reason: string | null;
  /** For people: what is wrong and what would be right. */
  message?: string;
  /** On refusals of a payload: where in it, such as `aps.alert.title-loc-args[2]`. */
  path?: string;
  apnsId: string | null;
  uniqueId?: string;
  /** The text of the alert was shortened to fit; only when it was. */
  truncated?: true;
  /** What is probably not meant so in a push that was sent all the same: at most 8; only when there are any. */
  warnings?: readonly Warning[];
  /** Of a campaign: the line at which this device token was before, whose receipt says what became of it. */
  duplicateOf?: number;
  since?: string;
  because?: string;
  processed?: 'no' | 'unknown';
  attempts: number;
  /** From the last attempt's bytes leaving us to its answer; null without an answer. */
  latencyMs: number | null;
  /** ISO time at which the job was settled. */
  at: string;
}

/** A line or job that was refused before it became a push. */
export interface Refused {
  readonly line: number;
  readonly id: string | null;
  readonly app: string | null;
  readonly token: string | null;
  readonly channel?: string;
  readonly code: string;
  readonly message: string;
  /** Where in the payload, if it is a single value of that. */
  readonly path?: string | null;
  readonly duplicateOf?: number;
}

/** Where the jobs of a call came from; named in their receipts. */
export interface Origin {
  readonly file: string | null;
  /** Whether lines are counted. */
  readonly hasLines: boolean;
}

export function makeReceipt(
  push: Push,
  outcome: Outcome,
  latencyMs: number | null,
  at: string,
  origin: Origin,
): Receipt {
  const { arena } = push;
  const { isBroadcast } = push.head;
  const receipt: Receipt = {
    id: arena.id(push.at),
    app: push.head.app.name,
    token: isBroadcast ? null : arena.token(push.at),
    outcome: outcome.kind,
    status: null,
    reason: null,
    apnsId: outcome.kind === 'accepted' ? outcome.apnsId : arena.apnsId(push.at),
    attempts: push.attempts,
    latencyMs: latencyMs === null ? null : Math.round(latencyMs * 10) / 10,
    at,
  };
  if (isBroadcast) receipt.channel = arena.token(push.at);
  if (origin.hasLines) {
    receipt.line = arena.line(push.at);
    if (origin.file !== null) receipt.file = origin.file;
  }
  if (arena.isTruncated(push.at)) receipt.truncated = true;
  const warnings = arena.warnings(push.at);
  if (warnings !== null) receipt.warnings = warnings;
  switch (outcome.kind) {
    case 'accepted':
      receipt.status = 200;
      if (outcome.uniqueId !== undefined) receipt.uniqueId = outcome.uniqueId;
      break;
    case 'rejected':
      receipt.status = outcome.status;
      receipt.reason = outcome.reason;
      if (outcome.message !== undefined) receipt.message = outcome.message;
      break;
    case 'unregistered':
      receipt.status = outcome.status;
      receipt.reason = outcome.reason;
      receipt.since = new Date(outcome.since).toISOString();
      break;
    case 'abandoned':
      receipt.status = push.lastStatus;
      receipt.reason = outcome.last;
      receipt.because = outcome.because;
      receipt.processed = outcome.processed;
      if (outcome.message !== undefined) receipt.message = outcome.message;
      break;
  }
  return receipt;
}

/** The receipt of a line or job that was refused before it became a push. */
export function refusalReceipt(refused: Refused, at: string, origin: Origin): Receipt {
  const receipt: Receipt = {
    id: refused.id,
    app: refused.app,
    token: refused.token,
    outcome: 'rejected',
    status: null,
    reason: refused.code,
    message: refused.message,
    apnsId: null,
    attempts: 0,
    latencyMs: null,
    at,
  };
  if (refused.channel !== undefined) receipt.channel = refused.channel;
  if (typeof refused.path === 'string') receipt.path = refused.path;
  if (refused.duplicateOf !== undefined) receipt.duplicateOf = refused.duplicateOf;
  if (origin.hasLines) {
    receipt.line = refused.line;
    if (origin.file !== null) receipt.file = origin.file;
  }
  return receipt;
}

let stampMs = NaN;
let stamp = '';

/** ISO time of `epochMs`. Settling thousands of pushes in one millisecond formats it once. */
export function isoTime(epochMs: number): string {
  if (epochMs !== stampMs) {
    stampMs = epochMs;
    stamp = new Date(epochMs).toISOString();
  }
  return stamp;
}
