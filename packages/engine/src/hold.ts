/** Why a push may not leave yet although its turn has come: its topic's breaker is open, or its device rests. */
import { notedOf } from './device-ledger.ts';
import type { LedgerPage } from './device-ledger.ts';
import type { Push } from './push.ts';

/** Conduct `device-not-flooded` and the breaker of credential + topic. Monotonic ms; not above `now`: it may go. */
export function heldUntil(push: Push, now: number, resting: LedgerPage): number {
  const { breaker } = push.head;
  if (breaker !== null && breaker.room(now) === 0) return Math.max(breaker.until, now + 1);
  return notedOf(resting, push) ?? 0;
}
