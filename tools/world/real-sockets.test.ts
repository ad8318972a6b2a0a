// Fifty worlds twice: simulated, and over real TLS and real time, with the same checks. A simulated network that lets
// something pass which real sockets do not, or the other way round, would show here.
import { describe, expect, it } from 'vitest';
import { tryPlan } from './hunt.ts';
import { judge } from './judge.ts';
import type { Plan } from './plan.ts';
import { planOfSeed } from './plan-of-seed.ts';
import { isRealisable, runRealWorld } from './real-world.ts';

const worlds = 50;
/** At the same time: they mostly wait. */
const atOnce = 16;
/** Worlds that are over sooner have hardly begun, and later ones take too long. */
const shortestMs = 150;
const longestMs = 2_000;

/** The first that something goes wrong in, and that are over in time. */
async function chosen(): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (let seed = 1; plans.length < worlds; seed++) {
    const plan = planOfSeed(seed);
    if (!isRealisable(plan) || plan.faults.length === 0) continue;
    const { observed, findings } = await tryPlan(plan);
    expect(findings, `seed ${seed}`).toEqual([]);
    if (observed.virtualMs > shortestMs && observed.virtualMs < longestMs) plans.push(plan);
  }
  return plans;
}

describe('a simulated world that runs over real sockets', () => {
  it('keeps the same promises, fifty times', async () => {
    const plans = await chosen();
    let accepted = 0;
    const failed: string[] = [];
    const next = plans.values();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const plan of next) {
          const observed = await runRealWorld(plan);
          accepted += observed.stats.accepted;
          for (const { invariant, what } of judge(observed)) failed.push(`seed ${plan.seed}: ${invariant}: ${what}`);
        }
      }),
    );
    expect(failed).toEqual([]);
    expect(accepted).toBeGreaterThan(worlds);
  }, 180_000);
});
