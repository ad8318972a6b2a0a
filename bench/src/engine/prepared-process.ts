/**
 * The whole engine with records that are prepared already, as worker threads hand them over: lane, fair turns, pacing,
 * deadline, attempt and retry bookkeeping, judgement, one receipt object a push. Left out: scanning the line.
 */
import { InlinePreparer } from '@carillon/payload';
import type { PreparedBatch, Preparer } from '@carillon/payload';
import { countReceipts, engineFor } from '../load/engine-for.ts';
import { serveTask } from '../load/client.ts';
import { ndjsonChunks, tokenCount } from '../load/traffic.ts';

/** Records in a batch: what 64 KiB of lines hold, and a divisor of both sizes of a run. */
const batchRecords = 200;

/** Hands out the same batches in turn; the engine only reads them. */
class ReadyBatches implements Preparer {
  readonly #batches: readonly PreparedBatch[];
  #next = 0;

  constructor() {
    const preparer = new InlinePreparer();
    this.#batches = ndjsonChunks(tokenCount, batchRecords).map((lines) => preparer.prepare(lines, 1));
  }

  prepare(): PreparedBatch {
    const batch = this.#batches[this.#next];
    this.#next = (this.#next + 1) % this.#batches.length;
    return batch;
  }

  async close(): Promise<void> {
    // Nothing runs.
  }
}

/** One line feed for each batch: enough for the engine to ask its preparer. */
function* cues(count: number): Generator<Buffer> {
  const cue = Buffer.from('\n');
  for (let number = 0; number < count; number++) yield cue;
}

serveTask(async (task, meter) => {
  const preparer = new ReadyBatches();
  meter.begin();
  // A cap that is never reached: every push passes the token bucket all the same.
  const engine = engineFor(task, { ratePerSecond: 100_000_000, seams: { preparer } });
  await countReceipts(engine.sendBytes(cues(task.pushes / batchRecords)), meter);
  await engine.drain();
});
