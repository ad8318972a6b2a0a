// Preparation where it is cheapest: small inputs on the calling thread, large ones in worker threads once those are
// there. Nobody waits for a thread to start: until the first one has, the calling thread goes on by itself.

import { availableParallelism } from 'node:os';
import { InlinePreparer } from './inline-preparer.ts';
import type { PrepareContext, Preparer } from './preparer.ts';
import { PreparerClosedError } from './preparer-errors.ts';
import type { PreparedBatch } from './prepared-batch.ts';
import { WorkerPreparer, type WorkerPreparerOptions } from './worker-preparer.ts';

/**
 * Starting a thread costs about 130 ms of CPU, as much as 50,000 lines cost the calling thread: 16 MiB of them (measured,
 * two x86-64 cores). An input that ends sooner has gained nothing by threads.
 */
const inlineBytes = 16 * 1_048_576;

/** Handing a batch over costs the calling thread as much as preparing some 40 lines (measured, as above). */
const workerChunkBytesMin = 16_384;

export class AutoPreparer implements Preparer {
  readonly #inline: InlinePreparer = new InlinePreparer();
  readonly #workers: WorkerPreparer | null;
  #inlineBytesLeft = inlineBytes;
  #warmUp: Promise<void> | null = null;
  #isWarm = false;

  /** With one processor there is nothing to gain, and no thread is ever started. */
  constructor(options: WorkerPreparerOptions = {}) {
    this.#workers = availableParallelism() > 1 || options.workersMax !== undefined ? new WorkerPreparer(options) : null;
  }

  /** Worker threads that there are. */
  get workers(): number {
    return this.#workers?.workers ?? 0;
  }

  prepare(chunk: Buffer, firstLine: number, context: PrepareContext = {}): PreparedBatch | Promise<PreparedBatch> {
    const workers = this.#workersFor(chunk);
    if (workers !== null) return workers.prepare(chunk, firstLine, context);
    this.#inlineBytesLeft -= chunk.length;
    return this.#inline.prepare(chunk, firstLine, context);
  }

  async close(): Promise<void> {
    await this.#workers?.close();
    await this.#warmUp;
  }

  /** Null: this one is prepared here. */
  #workersFor(chunk: Buffer): WorkerPreparer | null {
    const workers = this.#workers;
    if (workers === null || chunk.length < workerChunkBytesMin || this.#inlineBytesLeft > 0) return null;
    // Threads end when they have been idle for a while.
    if (this.#isWarm && workers.workers > 0) return workers.hasRoom ? workers : null;
    this.#isWarm = false;
    this.#warmUp ??= this.#start(workers);
    return null;
  }

  async #start(workers: WorkerPreparer): Promise<void> {
    try {
      await workers.prepare(Buffer.alloc(0), 1);
      this.#isWarm = true;
    } catch (error) {
      // Closed meanwhile: nothing is prepared any more.
      if (!(error instanceof PreparerClosedError)) throw error;
    } finally {
      this.#warmUp = null;
    }
  }
}
