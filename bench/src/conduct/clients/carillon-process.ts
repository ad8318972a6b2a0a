/** Ours, as a platform embeds it: one engine, five apps of three credentials, lines in and receipts out into a file. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createEngine } from '@carillon/engine';
import { serve } from '../../load/client.ts';
import { SettlingCounter } from '../conduct-task.ts';
import type { ConductReport, ConductTask } from '../conduct-task.ts';
import { appNames, ndjsonOf } from '../traffic.ts';

serve(async (given): Promise<ConductReport> => {
  const { port, ca, jobs, apps, receipts: path } = given as ConductTask; // the bench sends nothing else
  const engine = createEngine({
    apps: Object.fromEntries(
      appNames.map((name, place) => [name, { ...apps[place], endpoint: `https://127.0.0.1:${port}`, ca }]),
    ),
  });
  const file = createWriteStream(path);
  const settling = new SettlingCounter();
  for await (const receipts of engine.sendBytes(ndjsonOf(jobs))) {
    settling.add(receipts.length);
    let text = '';
    for (const receipt of receipts) text += `${JSON.stringify(receipt)}\n`;
    if (!file.write(text)) await once(file, 'drain');
  }
  await engine.drain();
  file.end();
  await once(file, 'close');
  const { user, system } = process.cpuUsage();
  return {
    settled: settling.settled,
    cpuMicros: user + system,
    peakRssMb: process.resourceUsage().maxRSS / 1024, // KiB on every platform that Node runs on
    settling: settling.report(),
    told: {},
  };
});
