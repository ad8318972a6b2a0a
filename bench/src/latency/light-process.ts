/**
 * Pushes at a steady rate, far below what anything could carry: what is left of their latency is what we add. A push counts
 * from the moment at which it was due, so a sender that is late cannot hide it.
 */
import { serve } from '../load/client.ts';
import { engineFor } from '../load/engine-for.ts';
import { deviceTokens, payloadText } from '../load/traffic.ts';
import type { LightReport, LightTask } from './load-task.ts';
import { quantile } from './quantile.ts';

/** What is due is handed over in steps of the timer's. */
async function* paced(task: LightTask, beganAt: number): AsyncGenerator<Buffer> {
  const total = task.perSecond * task.seconds;
  const rests = deviceTokens().map((token, number) => `","token":"${token}","payload":${payloadText(number)}}\n`);
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - beganAt) * task.perSecond) / 1000));
    let lines = '';
    for (; sent < due; sent++) lines += `{"id":"${sent}${rests[sent % rests.length]}`;
    if (lines === '') await new Promise((resolve) => setTimeout(resolve, 1));
    else yield Buffer.from(lines);
  }
}

serve(async (given): Promise<LightReport> => {
  const task = given as LightTask; // latency-bench.ts sends nothing else
  const engine = engineFor(task, { prepare: 'inline' });
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const beganAt = performance.now();
  const countFrom = task.perSecond * task.countFromSecond;
  for await (const receipts of engine.sendBytes(paced(task, beganAt))) {
    const now = performance.now() - beganAt;
    for (const { id, status } of receipts) {
      const number = Number(id);
      statuses[status ?? 0] = (statuses[status ?? 0] ?? 0) + 1;
      if (number >= countFrom) latencies.push(now - (number * 1000) / task.perSecond);
    }
  }
  const wallMs = performance.now() - beganAt;
  await engine.drain();
  return { statuses, wallMs, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
});
