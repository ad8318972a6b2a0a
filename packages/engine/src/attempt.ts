/**
 * Attempt: pushes leave their lane for a connection that has a slot, and not before. The hot loop of the engine: per
 * push one look at the lane, one at the template, one call into the session (docs/BENCHMARKS.md, engine).
 */
import { RecordField } from '@carillon/payload';
import type { Connection } from '@carillon/pool';
import type { Binding } from './binding.ts';
import type { FairTurns } from './fair-turns.ts';
import type { Pipeline } from './pipeline.ts';
import { PushState } from './push.ts';
import type { Push } from './push.ts';

/** What stopped the loop. */
export type FillEnd = 'no-work' | 'no-slot' | 'rate' | 'share';

/** Opens at most `most` streams on `connection`. Pushes past their deadline are handed to `onExpired` instead. */
export function fillConnection(
  connection: Connection,
  binding: Binding,
  turns: FairTurns,
  pipeline: Pipeline,
  most: number,
  onExpired: (push: Push) => void,
): FillEnd {
  const { rate, counters } = pipeline;
  const { now } = connection;
  let left = most;
  while (left > 0) {
    const lane = turns.current();
    if (lane === null) return 'no-work';
    const push = lane.peek() as Push; // a lane that has its turn has work
    if (push.deadlineAt <= now) {
      lane.take();
      onExpired(push);
      continue;
    }
    const { arena, at } = push;
    const { index } = arena;
    const bodyStart = index[at + RecordField.bodyStart] as number;
    const bodyEnd = index[at + RecordField.bodyEnd] as number;
    if (connection.slots(bodyEnd - bodyStart) === 0) return 'no-slot';
    if (rate !== null && !rate.tryTake(now)) return 'rate';
    if (!connection.open(binding.template(push.head), arena.bytes, index, at, bodyStart, bodyEnd, push.tag)) return 'no-slot';
    lane.take();
    turns.spend();
    push.state = PushState.wire;
    push.attempts++;
    counters.attempts++;
    left--;
  }
  return 'share';
}
