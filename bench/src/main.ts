/**
 * `npm run bench -- NAME… [--quick] [--check] [--chart] [--rows NAME,…]`. Runs the benches one after the other, prints a
 * table each and keeps the figures in bench/results/latest.json. Exit codes: 0 done, 1 a bench failed or a check did not
 * hold, 2 bad usage, 130 interrupted.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Row } from './bench.ts';
import { benches } from './benches.ts';
import { describeMachine } from './machine.ts';
import { keepResults } from './results-file.ts';
import { formatTable } from './table.ts';

const root = join(import.meta.dirname, '../..');
const usage = `usage: npm run bench -- [NAME…] [--quick] [--check] [--chart] [--rows NAME,…]
  NAME     ${benches.map((bench) => bench.name).join(', ')}; all of them when none is given
  --quick  small runs, for CI
  --check  exit 1 when a figure is not as it must be
  --chart  draw docs/bench/NAME.svg
  --rows   only these rows; the results file stays as it is`;

/** After Ctrl-C. */
const exitLatestMs = 2_000;

class UsageError extends Error {}

interface Wanted {
  readonly benches: readonly Bench[];
  readonly isQuick: boolean;
  readonly mustCheck: boolean;
  readonly mustDraw: boolean;
  /** Null: every row. */
  readonly rows: ReadonlySet<string> | null;
}

function wantedOf(args: readonly string[]): Wanted {
  const { values, positionals } = parse(args);
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) throw new UsageError(`no bench is called ${unknown.join(', ')}`);
  return {
    benches: positionals.length === 0 ? benches : benches.filter((bench) => positionals.includes(bench.name)),
    isQuick: values.quick,
    mustCheck: values.check,
    mustDraw: values.chart,
    rows: values.rows === undefined ? null : new Set(values.rows.split(',')),
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseKnown> {
  try {
    return parseKnown(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseKnown(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: flag, check: flag, chart: flag, rows: { type: 'string' } },
  });
}

/** Returns what did not hold. */
async function runBench(bench: Bench, wanted: Wanted, signal: AbortSignal): Promise<string[]> {
  const { isQuick, rows: wantedRows } = wanted;
  const machine = describeMachine(root);
  console.log(`\n${bench.name}: ${bench.question}`);
  const rows = await bench.run({
    isQuick,
    signal,
    wants: (row) => wantedRows === null || wantedRows.has(row),
    progress: (text) => console.error(`  ${bench.name}: ${text}`),
  });
  console.log(`\n${formatTable(rows)}`);
  for (const line of bench.conclude?.(rows) ?? []) console.log(line);
  console.log(`${machine.machine}, Node ${machine.node}, ${machine.commit}, load ${machine.load}`);
  if (wantedRows === null) keepResults(join(root, 'bench/results/latest.json'), machine, bench.name, isQuick, rows);
  if (wanted.mustDraw) draw(bench, rows, machine);
  const failures = bench.failures?.(rows) ?? [];
  return wanted.mustCheck ? [...failures, ...(bench.check?.(rows) ?? [])] : failures;
}

function draw(bench: Bench, rows: readonly Row[], { machine, at }: { machine: string; at: string }): void {
  const chart = bench.chart?.(rows, machine, at);
  if (chart === undefined) return;
  const path = join(root, chart.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, chart.text);
  console.error(`  drawn: ${chart.path}`);
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  const stop = (): void => {
    interrupt.abort(new Error('interrupted'));
    // Children are killed by now. What still runs in this process may be deep in a loop: it is not waited for long.
    setTimeout(() => process.exit(130), exitLatestMs).unref();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const wanted = wantedOf(process.argv.slice(2));
    let failures = 0;
    for (const bench of wanted.benches) {
      for (const failure of await runBench(bench, wanted, interrupt.signal)) {
        failures++;
        console.error(`  ${bench.name}: FAILED: ${failure}`);
      }
    }
    return failures === 0 ? 0 : 1;
  } catch (error) {
    if (interrupt.signal.aborted) {
      console.error('  interrupted');
      return 130;
    }
    if (error instanceof UsageError) {
      console.error(`${error.message}\n${usage}`);
      return 2;
    }
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    return 1;
  }
}

process.exitCode = await main();
