/** The whole engine from NDJSON: lines of 381 octets scanned on the sending thread, one receipt object a push. */
import { countReceipts, engineFor } from '../../load/engine-for.ts';
import { serveTask } from '../../load/client.ts';
import { ndjsonChunks, tokenCount } from '../../load/traffic.ts';

/** As createReadStream gives them. */
const linesPerChunk = 172;

/** The same lines round and round: reading a file is not what is measured. */
function* inRounds(chunks: readonly Buffer[], last: readonly Buffer[], rounds: number): Generator<Buffer> {
  for (let round = 0; round < rounds; round++) yield* chunks;
  yield* last;
}

serveTask(async (task, meter) => {
  const chunks = ndjsonChunks(Math.min(task.pushes, tokenCount), linesPerChunk);
  const last = ndjsonChunks(task.pushes % tokenCount, linesPerChunk);
  meter.begin();
  const engine = engineFor(task, { prepare: 'inline' });
  await countReceipts(engine.sendBytes(inRounds(chunks, last, Math.floor(task.pushes / tokenCount))), meter);
  await engine.drain();
});
