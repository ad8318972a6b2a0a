// What a preparer may refuse its caller. A worker thread that dies is not among it: its batch is prepared again.

/** As many batches as it holds are in preparation: wait for one of them. */
export class PreparerFullError extends Error {
  readonly code = 'ERR_PREPARER_FULL';

  constructor(batchesMax: number) {
    super(`${batchesMax} batches are in preparation, and that is the most; wait for one of them`);
    this.name = 'PreparerFullError';
  }
}

/** It was closed, before the call or while the batch was in preparation. */
export class PreparerClosedError extends Error {
  readonly code = 'ERR_PREPARER_CLOSED';

  constructor() {
    super('the preparer is closed');
    this.name = 'PreparerClosedError';
  }
}
