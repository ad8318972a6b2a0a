/**
 * A push leaves the arena of its batch for one of its own: a few that wait for long, one in each batch, would else hold the
 * bytes of all of them, and nothing more would be let in.
 */
import type { Admission } from './admission.ts';
import type { Push } from './push.ts';

/** About a microsecond and 500 bytes; nothing when it is alone already. `isOnProbation`: how its bytes are counted. */
export function giveOwnArena(push: Push, isOnProbation: boolean, admission: Admission): void {
  const { arena } = push;
  // Both are held until the last of the batch has left: what that may take is bounded, too.
  if (arena.isOfOne || !admission.hasRoomToPart) return;
  const own = arena.copyOf(push.at, push.source);
  own.pushes = 1;
  own.isOnProbation = isOnProbation;
  admission.hold(own.heldBytes);
  if (isOnProbation) admission.moveToProbation(0, own.heldBytes);
  push.arena = own;
  push.at = 0;
  arena.release();
}
