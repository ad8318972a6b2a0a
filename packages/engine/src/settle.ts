/**
 * Settle: an attempt that did not end a push sends it back to wait, or ends it after all because a cap is reached. The
 * only way back to a lane leads through here, and every kind of return has its cap.
 */
import type { Retry } from '@carillon/apns';
import type { StreamFailure } from '@carillon/pool';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';

/** Backoff of a push that APNs wants to see later without saying when: full jitter from 1 s to 60 s. */
const retryBaseMs = 1000;
const retryCapMs = 60_000;

/** Resends at once, before they begin to wait: a gateway that refuses a push again and again is asked more slowly. */
const promptResends = 3;
const resendBaseMs = 20;
const resendCapMs = 5000;

/** A reply that asks for another attempt. `now` is monotonic. */
export function settleRetry(push: Push, verdict: Retry, now: number, pipeline: Pipeline): void {
  const { clock, random } = pipeline;
  push.last = verdict.reason;
  push.lastStatus = verdict.status;
  if (verdict.processed === 'unknown') {
    push.isAmbiguous = true;
    pipeline.counters.ambiguous++;
    if (reportsAmbiguity(push, pipeline)) {
      pipeline.abandon(push, 'ambiguous');
      return;
    }
  }
  // Blame elsewhere is not charged to the push.
  if (verdict.blame === 'connection' || verdict.blame === 'credential') {
    push.unchargedReplies++;
    resend(push, now, pipeline);
    return;
  }
  if (isSpent(push, pipeline)) {
    pipeline.abandon(push, 'attempts');
    return;
  }
  const { notBefore } = verdict;
  const waitMs =
    notBefore === undefined
      ? random.next() * Math.min(retryCapMs, retryBaseMs * 2 ** push.attempts)
      : Math.max(0, notBefore - clock.epochMs()) * (1 + 0.1 * random.next()); // those refused together come back spread
  pipeline.putOff(push, now + waitMs);
}

/** A stream that ended without an answer. `now` is monotonic. */
export function settleFailure(push: Push, failure: StreamFailure, now: number, pipeline: Pipeline): void {
  const { counters } = pipeline;
  push.last = failure.message;
  push.lastStatus = null;
  if (failure.processed === 'no') {
    push.attempts--;
    if (failure.kind === 'cancelled') pipeline.abandon(push, 'shutdown');
    else resend(push, now, pipeline);
    return;
  }
  push.isAmbiguous = true;
  counters.ambiguous++;
  if (failure.kind === 'cancelled') pipeline.abandon(push, 'shutdown');
  else if (reportsAmbiguity(push, pipeline)) pipeline.abandon(push, 'ambiguous');
  else if (isSpent(push, pipeline)) pipeline.abandon(push, 'attempts');
  else if (pipeline.budget.tryTake(now)) pipeline.again(push);
  else pipeline.putOff(push, now);
}

function reportsAmbiguity(push: Push, pipeline: Pipeline): boolean {
  return (push.arena.onAmbiguous(push.at) ?? pipeline.settings.onAmbiguous) === 'report';
}

/** The receipt counts every attempt that APNs answered or may have seen; the cap, those that the push is to blame for. */
function isSpent(push: Push, { settings }: Pipeline): boolean {
  return push.attempts - push.unchargedReplies >= settings.attemptsMax;
}

/** Surely not processed, or to be seen anew by another connection: free of charge, but counted. */
function resend(push: Push, now: number, pipeline: Pipeline): void {
  pipeline.pace?.unsent(push);
  if (++push.resends > pipeline.settings.resendsMax) {
    pipeline.abandon(push, 'attempts');
    return;
  }
  pipeline.counters.resends++;
  if (push.resends <= promptResends) {
    pipeline.again(push);
    return;
  }
  const ceilingMs = Math.min(resendCapMs, resendBaseMs * 2 ** (push.resends - promptResends));
  pipeline.hold(push, now + pipeline.random.next() * ceilingMs);
}
