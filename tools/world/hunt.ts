// Runs worlds seed after seed until one fails, and makes the plan of a failing one smaller. Prints nothing: `main.ts` and
// the tests do.
import { excusesOf, judge } from './judge.ts';
import type { Finding } from './judge.ts';
import type { Plan } from './plan.ts';
import { planOfSeed } from './plan-of-seed.ts';
import { runWorld } from './run.ts';
import type { Observed, RunOptions } from './run.ts';
import { smallerPlans } from './shrink.ts';

export interface Tally {
  seeds: number;
  virtualMs: number;
  events: number;
  jobs: number;
  looks: number;
  /** Worlds in which a violation of conduct was excused. */
  excused: number;
  slowestMs: number;
  slowestSeed: number;
}

export interface Catch {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly observed: Observed;
}

export function newTally(): Tally {
  return { seeds: 0, virtualMs: 0, events: 0, jobs: 0, looks: 0, excused: 0, slowestMs: 0, slowestSeed: 0 };
}

/** One world, run and judged. */
export async function tryPlan(
  plan: Plan,
  options: RunOptions = {},
): Promise<{ readonly observed: Observed; readonly findings: Finding[] }> {
  const observed = await runWorld(plan, options);
  return { observed, findings: judge(observed) };
}

/** The seed's world; null: nothing is wrong with it. */
export async function trySeed(seed: number, tally: Tally, options: RunOptions = {}): Promise<Catch | null> {
  const before = performance.now();
  const { observed, findings } = await tryPlan(planOfSeed(seed), options);
  const tookMs = performance.now() - before;
  tally.seeds++;
  tally.virtualMs += observed.virtualMs;
  tally.events += observed.worldEvents;
  tally.looks += observed.looks;
  if (excusesOf(observed).length > 0) tally.excused++;
  tally.jobs += observed.stats.admitted + observed.stats.refused;
  if (tookMs > tally.slowestMs) {
    tally.slowestMs = tookMs;
    tally.slowestSeed = seed;
  }
  return findings.length === 0 ? null : { seed, findings, observed };
}

/** Leaves out and makes smaller whatever the failure does not need. The same invariant has to fail. */
export async function shrink(
  plan: Plan,
  invariant: string,
  { triesMax, isStopped }: { readonly triesMax: number; readonly isStopped: () => boolean },
): Promise<{ readonly plan: Plan; readonly findings: readonly Finding[]; readonly tries: number }> {
  let best = plan;
  let { findings } = await tryPlan(plan);
  let tries = 1;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of smallerPlans(best)) {
      if (tries >= triesMax || isStopped()) return { plan: best, findings, tries };
      tries++;
      const tried = await tryPlan(candidate);
      if (!tried.findings.some((finding) => finding.invariant === invariant)) continue;
      best = candidate;
      findings = tried.findings;
      isSmaller = true;
      break;
    }
  }
  return { plan: best, findings, tries };
}
