/**
 * Prepares lines and sends nothing, in a process of its own: `prepare-process '{"how":"workers","workers":1,…}'`. Prints
 * a PrepareReport. The lines are there before the clock starts.
 */
import { InlinePreparer, WorkerPreparer } from '@carillon/payload';
import type { PreparedBatch, Preparer } from '@carillon/payload';
import { ndjsonChunks, tokenCount } from '../load/traffic.ts';
import type { PrepareReport, PrepareWork } from './prepare-rows.ts';

/** As many as the engine has in preparation at once. */
const atOnce = 16;

const work = JSON.parse(process.argv[2] ?? '') as PrepareWork; // the bench wrote it
const chunks = ndjsonChunks(tokenCount, work.linesPerBatch);
const rounds = Math.ceil(work.records / tokenCount);

/** Prepares every chunk `times` times; returns the bytes of arenas, so that nothing is left out as unused. */
function prepareAll(preparer: Preparer, times: number): Promise<number> {
  const count = times * chunks.length;
  let bytes = 0;
  let asked = 0;
  let taken = 0;
  return new Promise((resolve, reject) => {
    const take = (batch: PreparedBatch): void => {
      if (batch.rejections.length > 0) reject(new Error(batch.rejections[0]?.message));
      bytes += batch.bytes.length;
      if (++taken === count) resolve(bytes);
    };
    const ask = (): void => {
      while (asked < count && asked - taken < atOnce) {
        const prepared = preparer.prepare(chunks[asked++ % chunks.length], 1, {});
        if (!(prepared instanceof Promise)) take(prepared);
        else
          prepared.then((batch) => {
            take(batch);
            ask();
          }, reject);
      }
    };
    ask();
  });
}

/** What everybody's sender does at least: the line becomes an object, and its payload becomes text again. */
function bareJson(lines: readonly string[], times: number): number {
  let bytes = 0;
  for (let round = 0; round < times; round++) {
    for (const line of lines) {
      const { payload } = JSON.parse(line) as { payload: object };
      bytes += Buffer.byteLength(JSON.stringify(payload));
    }
  }
  return bytes;
}

const preparer: Preparer =
  work.how === 'workers' ? new WorkerPreparer({ workersMax: work.workers }) : new InlinePreparer();
const lines = work.how === 'bare-json' ? chunks.flatMap((chunk) => chunk.toString().trimEnd().split('\n')) : null;

async function go(times: number): Promise<number> {
  return lines === null ? prepareAll(preparer, times) : bareJson(lines, times);
}

// Compiled, and every thread there, before anything is counted.
await go(Math.ceil(rounds / 10));
const before = { process: process.cpuUsage(), thread: process.threadCpuUsage(), at: performance.now() };
const bytes = await go(rounds);
const wallMs = performance.now() - before.at;
const thread = process.threadCpuUsage(before.thread);
const used = process.cpuUsage(before.process);
if (bytes < rounds * tokenCount) throw new Error('nothing was prepared');
const report: PrepareReport = {
  records: rounds * tokenCount,
  wallMs,
  cpuMicros: used.user + used.system,
  callingMicros: thread.user + thread.system,
  // maxRSS is in KiB on every platform that Node runs on.
  peakRssMb: process.resourceUsage().maxRSS / 1024,
};
console.log(JSON.stringify(report));
await preparer.close();
