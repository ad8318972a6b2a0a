/**
 * A million pushes of five apps under everything that a gateway does in a day, with a referee who watches. The gateway, with
 * its referee and its ledger, is one process; the sender is another; what was received is held against what was taken by a
 * third, tools/reconcile.ts, which knows neither.
 *
 * The restart is the gateway's own (the fault `restart`): connections and port go away, the process stays. So one referee sees
 * both lives and holds what was said in the first against the sender in the second; two would each forgive the other's.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRefereeReport, renderTimeline, spawnSimulator } from '@carillon/simulator';
import type { RefereeReport, SimulatorStats, SpawnedSimulator } from '@carillon/simulator';
import type { Bench, BenchContext, Counts, Row } from '../bench.ts';
import { runTask } from '../load/run-client.ts';
import type { ConductReport, ConductTask } from './conduct-task.ts';
import { named, objections, shareOfFaultFree } from './reckoning.ts';
import { createScene, gatewayFor } from './scene.ts';
import type { Scene } from './scene.ts';
import { throughputOf } from './throughput.ts';
import { expectedOutcomes } from './traffic.ts';

const root = join(import.meta.dirname, '../../..');
const resultsFolder = join(root, 'bench/results');

interface Run {
  readonly name: string;
  readonly client: 'carillon' | 'parse-node-apn';
  readonly hasFaults: boolean;
  readonly jobs: number;
  readonly quickJobs: number;
  readonly boundMs: number | null;
}

const runs: readonly Run[] = [
  { name: 'fault-free', client: 'carillon', hasFaults: false, jobs: 1_000_000, quickJobs: 200_000, boundMs: null },
  { name: 'faults', client: 'carillon', hasFaults: true, jobs: 1_000_000, quickJobs: 200_000, boundMs: null },
  // 50 µs and more a push, and it fails quickly: fewer show as much. It may wait for ever.
  {
    name: 'parse-node-apn',
    client: 'parse-node-apn',
    hasFaults: true,
    jobs: 20_000,
    quickJobs: 20_000,
    boundMs: 60_000,
  },
];

/** Of the row `faults`, for --chart. */
let picture: string | null = null;

export const conductBench: Bench = {
  name: 'conduct',
  question:
    'does a sender behave while the gateway does not: 1,000,000 pushes of five apps under dead, bad and throttled device tokens,\n' +
    'GOAWAY, falling limits and a restart. Read by whoever fears to be blocked, and by CI: no violation, nothing lost.',
  run,
  conclude,
  failures: objections,
  chart: () => (picture === null ? undefined : { path: 'docs/bench/conduct.svg', text: picture }),
};

async function run(context: BenchContext): Promise<Row[]> {
  const scene = createScene();
  const rows: Row[] = [];
  for (const one of runs) if (context.wants(one.name)) rows.push(await runOne(one, scene, context));
  return rows;
}

async function runOne(one: Run, scene: Scene, context: BenchContext): Promise<Row> {
  const { name, hasFaults } = one;
  const jobs = context.isQuick ? one.quickJobs : one.jobs;
  const folder = await mkdtemp(join(tmpdir(), 'carillon-conduct-'));
  try {
    context.signal.throwIfAborted();
    const ledger = join(folder, 'ledger.ndjson');
    const receipts = join(folder, 'receipts.ndjson');
    await using gateway = await spawnSimulator(gatewayFor(scene, jobs, hasFaults, ledger));
    const { port, ca } = gateway;
    const task: ConductTask = { port, ca, jobs, apps: scene.apps, receipts, boundMs: one.boundMs };
    const beganAt = performance.now();
    const sent = await whileShowing(gateway, `${name}: %s of ${grouped(jobs)} pushes`, context, () =>
      runTask<ConductReport>(`conduct/clients/${one.client}-process`, task, { signal: context.signal }),
    );
    const seconds = (performance.now() - beganAt) / 1_000;
    const [stats, report] = [await gateway.stats(), await gateway.report()];
    if (report === null) throw new Error('the gateway has no referee');
    await gateway.close(); // the ledger is complete
    await keepReport(name, report, context);
    const row = rowOf(name, jobs, sent, stats, report, seconds);
    if (one.client !== 'carillon') return { ...row, told: sent.told };
    context.progress(`${name}: reconciling receipts and ledger`);
    return { ...row, ...(await reconciled(jobs, hasFaults, receipts, ledger, context.signal)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowOf(
  name: string,
  jobs: number,
  sent: ConductReport,
  stats: SimulatorStats,
  report: RefereeReport,
  seconds: number,
): Row {
  const { perSecond, gapMs } = throughputOf(sent.settling, stats.restarts);
  const { replies } = report.timeline;
  // Every stream that the gateway saw end, answered or not: also those that no receipt counts because they were surely unsent.
  const streams = Object.values(replies).reduce((sum, counts) => sum + counts.reduce((a, b) => a + b, 0), 0);
  const { reasons, fired } = stats;
  const tokens = { '410': reasons['Unregistered'], bad: reasons['BadDeviceToken'], '429': reasons['TooManyRequests'] };
  const isFaulty = Object.keys(fired).length > 0;
  return {
    name,
    n: jobs,
    cpuMicrosPerPush: rounded(sent.cpuMicros / jobs),
    pushesPerSecond: Math.round(perSecond),
    seconds: rounded(seconds),
    gapMs,
    receipts: sent.settled,
    violations: Object.fromEntries(report.timeline.violations.map(({ rule, total }) => [rule, total])),
    fired: isFaulty ? { ...fired, ...withZeros(tokens) } : {},
    attemptsPerJob: rounded(streams / jobs),
    gatewayCpuMicrosPerPush: rounded(stats.cpuMicros / jobs),
    rssMb: Math.round(sent.peakRssMb),
  };
}

function withZeros(counts: Readonly<Record<string, number | undefined>>): Counts {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count ?? 0]));
}

/** What `tools/reconcile.ts --json` prints, as far as this bench reads it. */
interface Reconciled {
  readonly receipts: number;
  readonly outcomes: Counts;
  readonly duplicates: number;
  readonly mismatches: Counts;
  readonly examples: readonly string[];
}

/** By a program that is not the sender, from two files. */
async function reconciled(
  jobs: number,
  hasFaults: boolean,
  receipts: string,
  ledger: string,
  signal: AbortSignal,
): Promise<Partial<Row>> {
  const args = [join(root, 'tools/reconcile.ts'), '--receipts', receipts, '--ledger', ledger, '--json'];
  const found = await new Promise<Reconciled>((resolve, reject) => {
    execFile(process.execPath, args, { signal, maxBuffer: 1_048_576 }, (error, stdout, stderr) => {
      // Exit code 1 is a finding, and is in what it prints.
      if (stdout === '') reject(new Error(`reconcile: ${stderr}`, { cause: error }));
      else resolve(JSON.parse(stdout) as Reconciled);
    });
  });
  for (const example of found.examples) console.error(`  conduct: ${example}`);
  const { receipts: count, outcomes, duplicates, mismatches } = found;
  const lost = Math.max(0, jobs - count) + (mismatches['accepted, and in no ledger with 200'] ?? 0);
  return { receipts: count, lost, duplicates, mismatches, outcomes, expected: expectedOutcomes(jobs, hasFaults) };
}

/** The report beside latest.json: as a picture for everybody, as text for whoever was convicted. */
async function keepReport(name: string, report: RefereeReport, { progress }: BenchContext): Promise<void> {
  const svg = renderTimeline(report);
  if (name === 'faults') picture = svg;
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(join(resultsFolder, `conduct-${name}.svg`), svg);
  await writeFile(join(resultsFolder, `conduct-${name}.txt`), formatRefereeReport(report));
  progress(`${name}: ${report.verdict}; bench/results/conduct-${name}.svg`);
}

const showEveryMs = 2_000;

async function whileShowing<T>(
  gateway: SpawnedSimulator,
  text: string,
  { progress, signal }: BenchContext,
  work: () => Promise<T>,
): Promise<T> {
  progress(text.replace('%s', '0'));
  const timer = setInterval(() => {
    if (signal.aborted) return;
    // A gateway that has just ended has nothing to show; its end is told elsewhere.
    gateway.stats().then(
      ({ requests }) => progress(text.replace('%s', grouped(requests))),
      () => undefined,
    );
  }, showEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function conclude(rows: readonly Row[]): string[] {
  const share = shareOfFaultFree(rows);
  const ratio =
    share === null ? [] : [`faults: ${share.toFixed(2)} of the fault-free throughput, outside the restart's gap`];
  const each = rows.flatMap((row) => [
    `${row.name}: violations: ${named(row['violations']) || 'none'}`,
    ...(named(row['fired']) === '' ? [] : [`${row.name}: fired: ${named(row['fired'])}`]),
    `${row.name}: callers were told: ${named(row['outcomes'] ?? row['told'])}`,
  ]);
  return [...each, ...ratio, 'the reports of the referee, and their pictures, are in bench/results/conduct-*'];
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function rounded(figure: number): number {
  return Math.round(figure * 1_000) / 1_000;
}
