/** Rows of preparation alone: each in a process of its own, without a gateway. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchContext, Row } from '../bench.ts';

export interface PrepareWork {
  readonly how: 'bare-json' | 'inline' | 'workers';
  readonly workers: number;
  readonly linesPerBatch: number;
  readonly records: number;
}

export interface PrepareReport {
  readonly records: number;
  readonly wallMs: number;
  /** Of all threads, and of the one that hands over; both without the start and the warm-up. */
  readonly cpuMicros: number;
  readonly callingMicros: number;
  readonly peakRssMb: number;
}

export type PrepareRow = { readonly name: string } & Omit<PrepareWork, 'records'>;

const runFile = promisify(execFile);

export async function runPrepareRows(rows: readonly PrepareRow[], context: BenchContext): Promise<Row[]> {
  const records = context.isQuick ? 200_000 : 2_000_000;
  const found: Row[] = [];
  for (const { name, ...how } of rows.filter((row) => context.wants(row.name))) {
    context.progress(`${name}: ${records.toLocaleString('en-US')} records`);
    found.push(rowOf(name, how.linesPerBatch, await prepareIn({ ...how, records }, context.signal)));
  }
  return found;
}

async function prepareIn(work: PrepareWork, signal: AbortSignal): Promise<PrepareReport> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`./prepare-process.${extension}`, import.meta.url));
  const { stdout } = await runFile(process.execPath, [...process.execArgv, program, JSON.stringify(work)], { signal });
  return JSON.parse(stdout) as PrepareReport; // prepare-process prints nothing else
}

function rowOf(name: string, linesPerBatch: number, report: PrepareReport): Row {
  const { records: n, wallMs, cpuMicros, callingMicros, peakRssMb } = report;
  return {
    name,
    n,
    linesPerBatch,
    cpuMicrosPerPush: rounded(cpuMicros / n),
    callingMicrosPerPush: rounded(callingMicros / n),
    recordsPerSecond: Math.round((n / wallMs) * 1000),
    rssMb: Math.round(peakRssMb),
  };
}

function rounded(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}
