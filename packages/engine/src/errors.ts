/** Errors that a caller of the engine can catch and act on. What becomes of a push is an outcome, never an error. */

/** The options make no sense; nothing was started. `field` names the option. */
export class EngineConfigError extends Error {
  override readonly name = 'EngineConfigError';
  readonly code = 'ERR_ENGINE_CONFIG';
  readonly field: string;

  constructor(field: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.field = field;
  }
}

/** As many jobs are admitted as may be; send again later, or let `send` wait. */
export class EngineFullError extends Error {
  override readonly name = 'EngineFullError';
  readonly code = 'ERR_ENGINE_FULL';

  constructor(jobs: number, bytes: number) {
    super(`the engine is full: ${jobs} jobs of ${bytes} bytes are under way`);
  }
}

/** The engine drains or is closed, and takes no more jobs. */
export class EngineClosedError extends Error {
  override readonly name = 'EngineClosedError';
  readonly code = 'ERR_ENGINE_CLOSED';

  constructor() {
    super('the engine is closing and takes no more jobs');
  }
}
