/**
 * What a stream without end takes of memory. Each row sends 10,000,000 different jobs, made on the fly, through one engine
 * with its default limits; the gateway is in another process, as in every load bench.
 *
 * Flat means: between 50 and 100 % of the jobs the process never held `growthMbMax` more than it had held between 10 and
 * 50 %. What garbage there is at the moment of a look moves by some 20 MB; as little as 8 bytes kept for each of the last
 * five million jobs would be 40 MB.
 */
import type { EngineOptions } from '@carillon/engine';
import type { Bench, BenchContext, Row } from '../bench.ts';
import type { ClientTask } from '../load/client.ts';
import { taskFor, withGateway } from '../load/gateway.ts';
import { runTask } from '../load/run-client.ts';

type Prepare = NonNullable<EngineOptions['prepare']>;

export interface MemoryTask {
  readonly task: ClientTask;
  /** Null: the engine's own choice. */
  readonly prepare: Prepare | null;
}

export interface MemoryReport {
  readonly receipts: number;
  /** Of these: status 200. */
  readonly accepted: number;
  readonly wallMs: number;
  readonly cpuMicros: number;
  /** Before the first job. */
  readonly startMb: number;
  /** At 1 %, 2 % … 100 % of the receipts. */
  readonly samplesMb: readonly number[];
  readonly peakMb: number;
}

interface MemoryRow {
  readonly name: string;
  readonly prepare: Prepare | null;
  /** With V8's young generation held to `semiSpaceMb`; the aims are for such rows. */
  readonly isHeld: boolean;
}

const rows: readonly MemoryRow[] = [
  { name: 'ten-million', prepare: null, isHeld: true },
  { name: 'ten-million/workers', prepare: 'workers', isHeld: true },
  { name: 'ten-million/v8-defaults', prepare: null, isHeld: false },
];

/**
 * V8 lets its young generation grow with the memory of the machine, to three times 64 MB on one of 24 GB, whatever the
 * program holds. 16 MB cost no more processor time than that (docs/BENCHMARKS.md, Memory).
 */
const semiSpaceMb = 16;

/** The target of the engine; and see above. */
const peakMbMax = 300;
const growthMbMax = 24;

export const memoryBench: Bench = {
  name: 'memory',
  question:
    'what does the engine hold while ten million jobs go through it, and does it grow?\n' +
    'Read by whoever gives the process its limit, and by CI. MB of resident memory at so much of the jobs; `growthMb` is the\n' +
    'most between 50 and 100 % over the most between 10 and 50 %.',
  run,
  conclude: () => [
    `aims: a peak below ${peakMbMax} MB, growth of at most ${growthMbMax} MB; v8-defaults: without --max-semi-space-size=${semiSpaceMb}`,
  ],
  check,
};

async function run(context: BenchContext): Promise<Row[]> {
  const wanted = rows.filter(({ name }) => context.wants(name));
  const found: Row[] = [];
  if (wanted.length === 0) return found;
  const pushes = context.isQuick ? 1_000_000 : 10_000_000;
  await withGateway(context.signal, async (gateway) => {
    for (const { name, prepare, isHeld } of wanted) {
      context.progress(`${name}: ${pushes.toLocaleString('en-US')} jobs`);
      const before = await gateway.stats();
      const given: MemoryTask = { task: taskFor(gateway, { pushes }), prepare };
      const env = isHeld ? { NODE_OPTIONS: `--max-semi-space-size=${semiSpaceMb}` } : {};
      const report = await runTask<MemoryReport>('memory/memory-process', given, { env, signal: context.signal });
      const { requests } = await gateway.stats();
      found.push(rowOf(name, pushes, report, requests - before.requests));
    }
  });
  return found;
}

function rowOf(name: string, pushes: number, report: MemoryReport, seen: number): Row {
  const { receipts, accepted, samplesMb, startMb, peakMb, wallMs, cpuMicros } = report;
  if (receipts !== pushes || accepted !== pushes || seen !== pushes || samplesMb.length !== 100) {
    throw new Error(
      `${name}: of ${pushes} jobs ${receipts} have receipts, ${accepted} accepted; the gateway saw ${seen}`,
    );
  }
  const at = (percent: number): number => Math.round(samplesMb[percent - 1]);
  const mostBetween = (from: number, to: number): number => Math.max(...samplesMb.slice(from - 1, to));
  return {
    name,
    n: pushes,
    cpuMicrosPerPush: Math.round((cpuMicros / pushes) * 1000) / 1000,
    pushesPerSecond: Math.round((pushes / wallMs) * 1000),
    rssStartMb: Math.round(startMb),
    rss10Mb: at(10),
    rss50Mb: at(50),
    rss100Mb: at(100),
    growthMb: Math.round(mostBetween(51, 100) - mostBetween(10, 50)),
    rssMb: Math.round(peakMb),
  };
}

function check(found: readonly Row[]): string[] {
  const held = new Set(rows.filter(({ isHeld }) => isHeld).map(({ name }) => name));
  return found.flatMap((row) => {
    if (!held.has(row.name)) return [];
    const [peakMb, growthMb] = [Number(row.rssMb), Number(row.growthMb)];
    return [
      ...(peakMb < peakMbMax ? [] : [`${row.name}: the peak is ${peakMb} MB, and must stay below ${peakMbMax}`]),
      ...(growthMb <= growthMbMax ? [] : [`${row.name}: grew by ${growthMb} MB, and may by ${growthMbMax}`]),
    ];
  });
}
