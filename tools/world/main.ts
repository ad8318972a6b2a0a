// `npm run world -- [--seeds N] [--from S]`, `--seed S [--trace] [--shrink]`, `--plan FILE …`. Runs simulated
// worlds, one a seed. Exit codes: 0 nothing found, 1 a seed failed, 2 bad usage, 130 interrupted.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newTally, shrink, tryPlan, trySeed } from './hunt.ts';
import type { Catch, Tally } from './hunt.ts';
import type { Finding } from './judge.ts';
import type { Plan } from './plan.ts';
import { planOfSeed } from './plan-of-seed.ts';
import { readStory, writeStory } from './story.ts';

const usage = `usage: npm run world -- [--seeds N] [--from S] [--all]
       npm run world -- --seed S [--trace] [--shrink] [--out DIR]
       npm run world -- --plan FILE [--trace] [--shrink] [--out DIR]
  --seeds   how many worlds: 1,000 unless given
  --from    the first seed: 1 unless given
  --all     go on after a seed that failed
  --seed    this world alone
  --trace   one line for everything that happens in it
  --shrink  leave out what its failure does not need, and write the plan that is left
  --plan    a world from a file that --shrink wrote
  --out     where plans are written: .carillon/world unless given`;

class UsageError extends Error {}

type Wanted =
  | { readonly kind: 'hunt'; readonly seeds: number; readonly from: number; readonly goesOn: boolean }
  | {
      readonly kind: 'one';
      readonly plan: Plan;
      readonly traces: boolean;
      readonly shrinks: boolean;
      readonly out: string;
    };

function wantedOf(args: readonly string[]): Wanted {
  const { values } = parse(args);
  const { trace: traces = false, shrink: shrinks = false, out } = values;
  const seed = numberOf('seed', values.seed);
  const plan = values.plan === undefined ? null : readStory(values.plan).plan;
  if (plan !== null || seed !== null) return { kind: 'one', plan: plan ?? planOfSeed(seed ?? 0), traces, shrinks, out };
  const seeds = numberOf('seeds', values.seeds) ?? 1_000;
  return { kind: 'hunt', seeds, from: numberOf('from', values.from) ?? 1, goesOn: values.all ?? false };
}

function parse(args: readonly string[]): ReturnType<typeof parseKnown> {
  try {
    return parseKnown(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseKnown(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    args: [...args],
    options: {
      seeds: text,
      from: text,
      seed: text,
      plan: text,
      all: flag,
      trace: flag,
      shrink: flag,
      out: { ...text, default: '.carillon/world' },
    },
  });
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new UsageError(`--${name} is a whole number, not ${text}`);
  }
  return value;
}

const progressMs = 5_000;
/** Tries of a shrinking: half a minute of small worlds. */
const triesMax = 1_500;

async function hunt(wanted: Extract<Wanted, { kind: 'hunt' }>, stop: AbortSignal): Promise<number> {
  const tally = newTally();
  const startedAt = performance.now();
  let toldAt = startedAt;
  let failed = 0;
  for (let number = 0; number < wanted.seeds && !stop.aborted; number++) {
    const caught = await trySeed(wanted.from + number, tally);
    if (caught !== null) {
      failed++;
      describeCatch(caught);
      if (!wanted.goesOn) break;
    }
    const now = performance.now();
    if (now - toldAt >= progressMs) {
      toldAt = now;
      console.error(`  ${describeTally(tally, now - startedAt)}`);
    }
  }
  console.log(`world: ${describeTally(tally, performance.now() - startedAt)}`);
  const next = wanted.from + tally.seeds;
  if (stop.aborted) console.log(`world: interrupted; go on with --from ${next}`);
  console.log(`world: seeds ${wanted.from} to ${next - 1}: ${failed === 0 ? 'nothing found' : `${failed} FAILED`}`);
  if (failed > 0) return 1;
  return stop.aborted ? 130 : 0;
}

function describeTally(
  { seeds, virtualMs, jobs, events, looks, excused, slowestMs, slowestSeed }: Tally,
  tookMs: number,
): string {
  const perSeedMs = (tookMs / seeds).toFixed(1);
  const ratio = Math.round(virtualMs / tookMs);
  return (
    `${seeds} seeds, ${perSeedMs} ms a seed, ${Math.round((seeds / tookMs) * 1_000)} seeds/s; ` +
    `${ratio} simulated seconds a second, ${(virtualMs / 3_600_000).toFixed(1)} h in all; ` +
    `${jobs} jobs, ${events} events, ${looks} audits; ${excused} excused; slowest ${Math.round(slowestMs)} ms (seed ${slowestSeed})`
  );
}

function describeCatch({ seed, findings }: Catch): void {
  console.log(`world: seed ${seed} FAILED`);
  describeFindings(findings);
  console.log(`  again, with everything that happens: npm run world -- --seed ${seed} --trace`);
  console.log(`  made smaller: npm run world -- --seed ${seed} --shrink`);
}

function describeFindings(findings: readonly Finding[]): void {
  for (const { invariant, what } of findings) console.log(`  ${invariant}: ${what}`);
}

/** One world. */
async function one(plan: Plan, traces: boolean): Promise<readonly Finding[]> {
  const { observed, findings } = await tryPlan(plan, traces ? { write: (line) => console.log(line) } : {});
  const { virtualMs, stats, connections, dials, hash } = observed;
  const { accepted, rejected, unregistered, abandoned, refused } = stats;
  console.log(
    `world: seed ${plan.seed}, ${(virtualMs / 1_000).toFixed(1)} s, ${plan.faults.length} faults, ${dials} dials, ` +
      `${connections} connections; ${accepted} accepted, ${rejected + refused} rejected, ${unregistered} unregistered, ` +
      `${abandoned} abandoned; hash ${hash}`,
  );
  console.log(`world: ${findings.length === 0 ? 'nothing found' : 'FAILED'}`);
  describeFindings(findings);
  return findings;
}

async function makeSmaller(plan: Plan, findings: readonly Finding[], out: string, stop: AbortSignal): Promise<void> {
  const { invariant } = findings[0];
  console.log(`world: making it smaller, as long as ${invariant} fails …`);
  const smaller = await shrink(plan, invariant, { triesMax, isStopped: () => stop.aborted });
  mkdirSync(out, { recursive: true });
  const path = join(out, `seed-${plan.seed}.json`);
  const story = smaller.findings.map((finding) => `${finding.invariant}: ${finding.what}`).join('; ');
  writeStory(path, { story, plan: smaller.plan });
  const jobs = smaller.plan.calls.reduce((sum, call) => sum + call.jobs.length, 0);
  console.log(`world: ${smaller.tries} tries; ${smaller.plan.faults.length} faults and ${jobs} jobs are left:`);
  for (const fault of smaller.plan.faults) console.log(`  ${JSON.stringify(fault)}`);
  describeFindings(smaller.findings);
  console.log(`  again: npm run world -- --plan ${path} --trace`);
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const wanted = wantedOf(process.argv.slice(2));
    if (wanted.kind === 'hunt') return await hunt(wanted, interrupt.signal);
    const { plan } = wanted;
    const findings = await one(plan, wanted.traces);
    if (findings.length > 0 && wanted.shrinks) await makeSmaller(plan, findings, wanted.out, interrupt.signal);
    return findings.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
}

process.exitCode = await main();
