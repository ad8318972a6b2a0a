/** Runs the rows of a load bench one after the other against one gateway. */
import type { SpawnedSimulator } from '@carillon/simulator';
import type { BenchContext, Row } from '../bench.ts';
import type { ClientReport, ClientTask } from './client.ts';
import { taskFor, withGateway } from './gateway.ts';
import { heldAgainstGateway } from './run-client.ts';

export interface LoadRow {
  readonly name: string;
  /** `slow`: more than 20 µs a push; a tenth of the pushes gives as good a figure. */
  readonly pace: 'fast' | 'slow';
  /** What is asked of the client; with more than one, the row is the run that costs least CPU. */
  readonly variants: readonly Partial<ClientTask>[];
  /** Null: the client is not installed. */
  run(task: ClientTask, gateway: SpawnedSimulator, signal: AbortSignal): Promise<ClientReport | null>;
}

export async function runLoadRows(plans: readonly LoadRow[], context: BenchContext): Promise<Row[]> {
  const { progress, signal } = context;
  const wanted = plans.filter((plan) => context.wants(plan.name));
  const rows: Row[] = [];
  if (wanted.length === 0) return rows;
  progress('the gateway starts, and warms up');
  await withGateway(signal, async (gateway) => {
    for (const plan of wanted) {
      const row = await bestOf(plan, gateway, context);
      if (row === null) progress(`${plan.name}: left out, it is not installed`);
      else rows.push(row);
    }
  });
  return rows;
}

async function bestOf(plan: LoadRow, gateway: SpawnedSimulator, context: BenchContext): Promise<Row | null> {
  const pushes = (plan.pace === 'fast' ? 1_000_000 : 100_000) / (context.isQuick ? 10 : 1);
  let best: Row | null = null;
  for (const variant of plan.variants) {
    const task = taskFor(gateway, { pushes, ...variant });
    const of = plan.variants.length > 1 ? `, ${task.inFlight} in flight` : '';
    context.progress(`${plan.name}: ${pushes.toLocaleString('en-US')} pushes${of}`);
    const before = await gateway.stats();
    const report = await plan.run(task, gateway, context.signal);
    if (report === null) return null;
    heldAgainstGateway(plan.name, pushes, report, before, await gateway.stats());
    const row = rowOf(plan, task, report);
    if (best === null || (row.cpuMicrosPerPush ?? 0) < (best.cpuMicrosPerPush ?? 0)) best = row;
  }
  return best;
}

function rowOf(plan: LoadRow, task: ClientTask, report: ClientReport): Row {
  const { steadyPushes, p50Ms, p99Ms } = report;
  const cpuMicrosPerPush = rounded(report.cpuMicros / task.pushes);
  const row = { name: plan.name, n: task.pushes, cpuMicrosPerPush };
  return {
    ...row,
    ...(steadyPushes === 0 ? {} : { steadyCpuMicrosPerPush: rounded(report.steadyCpuMicros / steadyPushes) }),
    pushesPerSecond: Math.round((task.pushes / report.wallMs) * 1000),
    ...(Number.isNaN(report.peakRssMb) ? {} : { rssMb: Math.round(report.peakRssMb) }),
    ...(p50Ms === undefined || p99Ms === undefined ? {} : { p50Ms: rounded(p50Ms), p99Ms: rounded(p99Ms) }),
    ...(plan.variants.length > 1 ? { inFlight: task.inFlight } : {}),
  };
}

function rounded(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}
