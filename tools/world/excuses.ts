// Where the referee is right, and no sender could have done better: each excuse is for one rule, and for worlds with one
// cause. What is not here is held against the engine.
import type { RuleId } from '../../packages/simulator/src/index.ts';
import type { Observed } from './run.ts';

type Excuse = (observed: Observed) => string | null;

/** A sender whose clock is this far off cannot know the age of its provider tokens; the referee allows a minute. */
const clockOffMostMs = 50_000;

const excuses: Partial<Record<RuleId | 'gateway-fault', readonly Excuse[]>> = {
  'provider-token-steady': [
    ({ plan }) => {
      let aheadMs = 0;
      let mostMs = 0;
      for (const fault of plan.faults) {
        if (fault.part !== 'turn' || fault.turn.kind !== 'step-clock') continue;
        aheadMs += Math.abs(fault.turn.byMs);
        mostMs = Math.max(mostMs, aheadMs);
      }
      return mostMs > clockOffMostMs ? `the sender's clock is up to ${mostMs} ms wrong` : null;
    },
  ],
  // A process that ends gives up all its connections at once, young ones too: 5 credentials × 4 are more than the 16 that
  // a living sender may give up in a minute.
  'connections-steady': [
    ({ violationsBeforeTheEnd }) =>
      violationsBeforeTheEnd.get('connections-steady') === 0 ? 'the engine was closed' : null,
  ],
  'dead-tokens-stay-dead': [
    ({ plan }) => ((plan.engine.limits.deadDevicesMax ?? Infinity) <= 3 ? 'the memory of dead devices is tiny' : null),
  ],
  'device-not-flooded': [
    ({ plan }) =>
      (plan.engine.limits.restingDevicesMax ?? Infinity) <= 3 ? 'the memory of resting devices is tiny' : null,
  ],
};

/** Why a violation of this rule is not held against the engine in this world; null: it is. */
export function excuseOf(rule: RuleId | 'gateway-fault', observed: Observed): string | null {
  for (const excuse of excuses[rule] ?? []) {
    const reason = excuse(observed);
    if (reason !== null) return reason;
  }
  return null;
}
