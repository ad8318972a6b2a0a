/**
 * Settle: what an attempt ended with becomes the push's outcome, or sends it back to wait. The only way back to a lane
 * leads through here, and every kind of return has a cap.
 */
import type { Abandonment, Retry } from '@carillon/apns';
import type { StreamFailure } from '@carillon/pool';
import type { Outcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';

/** Where a push goes after an attempt. */
export type Settlement =
  | { readonly kind: 'finished' }
  /** To the front of its lane: it was surely not processed, or its connection or credential is to blame. */
  | { readonly kind: 'again' }
  /** To its lane at this time, monotonic ms. */
  | { readonly kind: 'later'; readonly at: number };

const finished: Settlement = { kind: 'finished' };
const again: Settlement = { kind: 'again' };

/** Backoff of a push that APNs wants to see later and does not say when: full jitter from 1 s to 60 s. */
const retryBaseMs = 1000;
const retryCapMs = 60_000;

/** Takes a verdict that asks for another attempt. `now` is monotonic. */
export function settleRetry(push: Push, verdict: Retry, now: number, pipeline: Pipeline): Settlement {
  const { settings, clock, random, counters } = pipeline;
  push.last = verdict.reason;
  if (verdict.processed === 'unknown') push.isAmbiguous = true;
  // Blame elsewhere is not charged to the push, but it is counted: nothing goes round for ever.
  if (verdict.blame === 'connection' || verdict.blame === 'credential') {
    push.attempts--;
    if (++push.resends > settings.resendsMax) return abandon(push, 'attempts', pipeline);
    counters.resends++;
    return again;
  }
  if (push.attempts >= settings.attemptsMax) return abandon(push, 'attempts', pipeline);
  const wait =
    verdict.notBefore === undefined
      ? random.next() * Math.min(retryCapMs, retryBaseMs * 2 ** push.attempts)
      : Math.max(0, verdict.notBefore - clock.epochMs());
  const at = now + wait;
  if (at >= push.deadlineAt) return abandon(push, 'deadline', pipeline);
  counters.delayed++;
  return { kind: 'later', at };
}

/** Takes a stream that ended without an answer. */
export function settleFailure(push: Push, failure: StreamFailure, pipeline: Pipeline): Settlement {
  const { settings, counters } = pipeline;
  push.last = failure.message;
  if (failure.kind === 'cancelled') {
    if (failure.processed === 'unknown') push.isAmbiguous = true;
    return abandon(push, 'shutdown', pipeline);
  }
  if (failure.processed === 'no') {
    push.attempts--;
    if (++push.resends > settings.resendsMax) return abandon(push, 'attempts', pipeline);
    counters.resends++;
    return again;
  }
  push.isAmbiguous = true;
  counters.ambiguous++;
  if (push.arena.reportsAmbiguity(push.at)) return abandon(push, 'ambiguous', pipeline);
  if (push.attempts >= settings.attemptsMax) return abandon(push, 'attempts', pipeline);
  return again;
}

/** Gives a push up. What an earlier attempt left unknown stays unknown. */
export function abandon(push: Push, because: Abandonment, pipeline: Pipeline, message?: string): Settlement {
  const processed = push.isAmbiguous ? 'unknown' : 'no';
  const outcome: Outcome = { kind: 'abandoned', because, processed, last: push.last };
  pipeline.finish(push, message === undefined ? outcome : { ...outcome, message }, null);
  return finished;
}
