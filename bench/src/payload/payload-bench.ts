/** What it costs to make pushes of lines, and what a file of different notifications costs from end to end. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { h2load } from '../load/clients.ts';
import { runLoadRows } from '../load/load-rows.ts';
import type { LoadRow } from '../load/load-rows.ts';
import { runClient } from '../load/run-client.ts';
import { deviceTokens, payloadOf, tokenCount } from '../load/traffic.ts';
import { campaignRows, concludeCampaigns } from './campaign-rows.ts';
import { runPrepareRows } from './prepare-rows.ts';
import type { PrepareRow } from './prepare-rows.ts';

/** 16, 64 and 256 KiB of lines; 64 is what the engine hands over. */
const [small, usual, large] = [43, 172, 688];

const prepareRows: readonly PrepareRow[] = [
  { name: 'bare-json', how: 'bare-json', workers: 0, linesPerBatch: usual },
  { name: 'inline', how: 'inline', workers: 0, linesPerBatch: usual },
  { name: 'workers/1', how: 'workers', workers: 1, linesPerBatch: usual },
  { name: 'workers/1/small', how: 'workers', workers: 1, linesPerBatch: small },
  { name: 'workers/1/large', how: 'workers', workers: 1, linesPerBatch: large },
  { name: 'workers/2', how: 'workers', workers: 2, linesPerBatch: usual },
  { name: 'workers/2/small', how: 'workers', workers: 2, linesPerBatch: small },
  { name: 'workers/2/large', how: 'workers', workers: 2, linesPerBatch: large },
];

export const payloadBench: Bench = {
  name: 'payload',
  question:
    'what does a push cost before it is sent, on which thread, and a file of them from end to end?\n' +
    'Read by whoever chooses where lines are prepared. `bare-json` is JSON.parse of the line and JSON.stringify of its\n' +
    'payload, without any check; `calling` is the thread that sends.',
  run,
  conclude,
  check,
};

async function run(context: BenchContext): Promise<Row[]> {
  const prepared = await runPrepareRows(prepareRows, context);
  const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  try {
    const jobs = join(folder, 'jobs.ndjson');
    const rows = [
      fileRow('ndjson-to-receipts', jobs, 'inline'),
      fileRow('ndjson-to-receipts/workers', jobs, 'workers'),
      ...campaignRows,
      h2load,
    ];
    if (rows.slice(0, 2).some((row) => context.wants(row.name))) {
      context.progress('writing the jobs');
      await writeJobs(jobs, context.isQuick ? 100_000 : 1_000_000);
    }
    return [...prepared, ...(await runLoadRows(rows, context))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fileRow(name: string, jobs: string, prepare: 'workers' | 'inline'): LoadRow {
  const env = { CARILLON_BENCH_JOBS: jobs, CARILLON_BENCH_PREPARE: prepare };
  return {
    name,
    pace: 'fast',
    variants: [{}],
    run: (task, _gateway, signal) => runClient('payload/ndjson-process', task, { env, signal }),
  };
}

/** As many different lines as there are pushes. */
async function writeJobs(path: string, count: number): Promise<void> {
  const tokens = deviceTokens();
  const file = await open(path, 'w');
  try {
    for (let from = 0; from < count; from += 10_000) {
      let text = '';
      for (let number = from; number < from + 10_000; number++) {
        const payload = { ...payloadOf(number), match: String(number).padStart(36, '0') };
        text += `${JSON.stringify({ id: `job-${number}`, token: tokens[number % tokenCount], payload })}\n`;
      }
      await file.write(text);
    }
  } finally {
    await file.close();
  }
}

/** What the figures are held against; the rest of what is measured informs. */
const aims = { recordsOfBareJson: 1, callingMicrosPerPush: 0.5, cpuOfH2load: 2, rateOfH2load: 0.5 } as const;

function check(found: readonly Row[]): string[] {
  const failures: string[] = [];
  const fail = (name: string, figure: string, is: number, must: string): void => {
    failures.push(`${name}: ${figure} is ${is.toFixed(2)}, and must be ${must}`);
  };
  const bare = Number(rowNamed(found, 'bare-json')?.recordsPerSecond ?? NaN);
  const worker = rowNamed(found, 'workers/1');
  if (worker !== null) {
    const ratio = Number(worker.recordsPerSecond) / bare;
    if (ratio < aims.recordsOfBareJson) fail('workers/1', 'its rate over that of bare-json', ratio, '1.0 or more');
    const calling = Number(worker.callingMicrosPerPush);
    if (calling > aims.callingMicrosPerPush) fail('workers/1', 'µs on the calling thread', calling, '0.5 or less');
  }
  const theirs = rowNamed(found, 'h2load');
  const file = rowNamed(found, 'ndjson-to-receipts');
  if (theirs !== null && file !== null) {
    const cpu = (file.cpuMicrosPerPush ?? NaN) / (theirs.cpuMicrosPerPush ?? NaN);
    if (!(cpu <= aims.cpuOfH2load)) fail(file.name, 'its CPU over that of h2load', cpu, '2 or less');
    const rate = (file.pushesPerSecond ?? NaN) / (theirs.pushesPerSecond ?? NaN);
    if (!(rate >= aims.rateOfH2load)) fail(file.name, 'its rate over that of h2load', rate, '0.5 or more');
  }
  return failures;
}

function conclude(found: readonly Row[]): string[] {
  const lines: string[] = [];
  const bare = rowNamed(found, 'bare-json')?.recordsPerSecond;
  for (const name of ['inline', 'workers/1', 'workers/2']) {
    const ours = rowNamed(found, name);
    if (ours === null || typeof bare !== 'number') continue;
    const ratio = (Number(ours.recordsPerSecond) / bare).toFixed(2);
    lines.push(
      `${name}: ${ratio} times the records a second of bare JSON (aim of workers/1: 1.0 or more); the calling thread spends ${Number(ours.callingMicrosPerPush)} µs (aim: 0.5 or less)`,
    );
  }
  const theirs = rowNamed(found, 'h2load');
  for (const name of ['ndjson-to-receipts', 'ndjson-to-receipts/workers']) {
    const ours = rowNamed(found, name);
    if (ours === null || theirs === null) continue;
    const cpu = ((ours.cpuMicrosPerPush ?? NaN) / (theirs.cpuMicrosPerPush ?? NaN)).toFixed(2);
    const rate = ((ours.pushesPerSecond ?? NaN) / (theirs.pushesPerSecond ?? NaN)).toFixed(2);
    lines.push(`${name}: ${cpu} times h2load's CPU a push (aim: 2 or less), ${rate} times its rate (aim: 0.5 or more)`);
  }
  return [...lines, ...concludeCampaigns(found)];
}
