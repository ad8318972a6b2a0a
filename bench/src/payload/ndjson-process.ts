/** File in, receipts out: NDJSON from a file through the whole engine, one line of JSON a receipt into another file. */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { EngineOptions } from '@carillon/engine';
import { serveTask } from '../load/client.ts';
import { engineFor } from '../load/engine-for.ts';

serveTask(async (task, meter) => {
  const { CARILLON_BENCH_JOBS: jobs = '', CARILLON_BENCH_PREPARE: prepare } = process.env;
  meter.begin();
  const engine = engineFor(task, { prepare: prepare as NonNullable<EngineOptions['prepare']> }); // the bench sets it
  const out = createWriteStream(`${jobs}.receipts`);
  for await (const receipts of engine.sendBytes(createReadStream(jobs, { highWaterMark: 262_144 }))) {
    let text = '';
    for (const receipt of receipts) {
      text += `${JSON.stringify(receipt)}\n`;
      meter.answered(receipt.status ?? 0);
    }
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  await engine.drain();
});
