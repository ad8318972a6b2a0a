// Preparation on the calling thread: for small batches, tests, and worlds that must run in one thread.

import { BatchBuilder, type BatchBuilderOptions } from './batch-builder.ts';
import type { PrepareContext, Preparer } from './preparer.ts';
import type { PreparedBatch } from './prepared-batch.ts';

export class InlinePreparer implements Preparer {
  readonly #builder: BatchBuilder;

  constructor(options: BatchBuilderOptions = {}) {
    this.#builder = new BatchBuilder(options);
  }

  prepare(chunk: Buffer, firstLine: number, context: PrepareContext = {}): PreparedBatch {
    this.#builder.defaultPushType = context.defaultPushType ?? null;
    this.#builder.addLines(chunk, firstLine, context.lineBytesMax);
    return this.#builder.take();
  }

  async close(): Promise<void> {
    // Nothing runs.
  }
}
