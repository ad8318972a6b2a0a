// The seam between the engine and whoever prepares: this thread (InlinePreparer) or worker threads.

import type { PreparedBatch } from './prepared-batch.ts';

export interface PrepareContext {
  /** Longer lines are refused. Default: 65,536. */
  readonly lineBytesMax?: number;
  /** Of jobs that name none; default: what the payload says (alert or background). A push type as `parsePushType` takes it. */
  readonly defaultPushType?: string | null;
  /** The batch is not wanted any more: an asynchronous preparer rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface Preparer {
  /**
   * `chunk` holds whole lines; the last one may lack its line feed. `firstLine` is the number of its first line in the
   * input, which begins at 1. The batch owns its bytes: the chunk may be reused as soon as the call returns, also when
   * it returns a promise.
   */
  prepare(chunk: Buffer, firstLine: number, context: PrepareContext): PreparedBatch | Promise<PreparedBatch>;
  /** Ends what the preparer keeps running. May be called twice. */
  close(): Promise<void>;
}
