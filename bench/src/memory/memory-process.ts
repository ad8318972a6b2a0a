/**
 * Ten million jobs through one engine: lines made as they are pulled, receipts counted and let go. Reports what the
 * process holds of the machine's memory on the way, worker threads included.
 */
import { serve } from '../load/client.ts';
import { engineFor } from '../load/engine-for.ts';
import { jobLines } from './job-lines.ts';
import type { MemoryReport, MemoryTask } from './memory-bench.ts';

serve(async (given): Promise<MemoryReport> => {
  const { task, prepare } = given as MemoryTask; // the bench sends nothing else
  const engine = engineFor(task, prepare === null ? {} : { prepare });
  const startMb = rssMb();
  const startedMs = performance.now();
  // At every hundredth of the jobs: the first is at 1 %, the last at 100 %.
  const samplesMb: number[] = [];
  let accepted = 0;
  let receipts = 0;
  for await (const some of engine.sendBytes(jobLines(task.pushes))) {
    receipts += some.length;
    for (const { status } of some) if (status === 200) accepted++;
    while (receipts >= ((samplesMb.length + 1) / 100) * task.pushes) samplesMb.push(rssMb());
  }
  const wallMs = performance.now() - startedMs;
  await engine.drain();
  const { user, system } = process.cpuUsage();
  // maxRSS is in KiB on every platform that Node runs on.
  const peakMb = process.resourceUsage().maxRSS / 1024;
  return { receipts, accepted, wallMs, cpuMicros: user + system, startMb, samplesMb, peakMb };
});

function rssMb(): number {
  return process.memoryUsage.rss() / 1_048_576;
}
