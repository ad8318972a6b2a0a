/**
 * Attempt: pushes leave their lane for a connection that has a slot, and not before. The hot loop of the engine: per
 * push one look at the lane, one at the template, one call into the session (docs/BENCHMARKS.md, engine).
 */
import { RecordField } from '@carillon/payload';
import type { Connection } from '@carillon/pool';
import type { Binding } from './binding.ts';
import { notedOf } from './device-ledger.ts';
import type { FairTurns } from './fair-turns.ts';
import { heldUntil } from './hold.ts';
import { knownDead } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import { PushState, Standing } from './push.ts';
import type { Push } from './push.ts';

/** What stopped the loop. `share`: it opened as many as it was asked to. */
export type FillEnd = 'no-work' | 'no-slot' | 'rate' | 'share';

/**
 * Opens at most `most` streams on `connection`. A push that may not go now is given up or put off instead; one whose
 * standing has changed while it waited goes to the other track (`isProbation`: this one carries what is on probation).
 */
export function fillConnection(
  connection: Connection,
  binding: Binding,
  turns: FairTurns,
  pipeline: Pipeline,
  most: number,
  isProbation: boolean,
): FillEnd {
  const { rate, pace, counters, probation } = pipeline;
  const { resting, dead } = pipeline.ledger;
  const { now } = connection;
  let left = most;
  turns.hasFresh = false;
  while (left > 0) {
    const lane = turns.current(now);
    if (lane === null) return turns.isRateBound ? 'rate' : 'no-work';
    const push = lane.peek() as Push; // a lane that has its turn has work
    const { arena, at, head } = push;
    if (push.deadlineAt <= now) {
      lane.take();
      pipeline.abandon(push, 'deadline');
      continue;
    }
    if (head.breaker !== null || resting.size > 0) {
      const until = heldUntil(push, now, resting);
      if (until > now) {
        lane.take();
        pipeline.hold(push, until);
        continue;
      }
    }
    if (dead.size > 0) {
      // Conduct `dead-tokens-stay-dead`: its 410 came while this one waited.
      const since = notedOf(dead, push);
      if (since !== null) {
        lane.take();
        pipeline.finish(push, knownDead(since), null);
        continue;
      }
    }
    if (probation.concerns(push)) {
      if ((probation.standingOf(push) !== Standing.clean) !== isProbation) {
        lane.take();
        pipeline.divert(push);
        continue;
      }
    }
    if (!push.source.isStale) turns.hasFresh = true;
    if (pace !== null && !head.isBroadcast) {
      const until = pace.heldUntil(push, now);
      if (until > now) {
        lane.take();
        pipeline.hold(push, until);
        continue;
      }
    }
    const { index } = arena;
    const bodyStart = index[at + RecordField.bodyStart];
    const bodyEnd = index[at + RecordField.bodyEnd];
    if (connection.slots(bodyEnd - bodyStart) === 0) return 'no-slot';
    if (rate !== null && !rate.tryTake(now)) return 'rate';
    if (!connection.open(binding.template(head), arena.bytes, index, at, bodyStart, bodyEnd, push.tag))
      return 'no-slot';
    lane.take();
    turns.spend(lane, now);
    head.breaker?.passed(now);
    if (pace !== null && !head.isBroadcast) pace.sent(push, now);
    push.state = PushState.wire;
    push.attempts++;
    counters.attempts++;
    left--;
  }
  return 'share';
}
