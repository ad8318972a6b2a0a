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

/**
 * A campaign remembers as many device tokens as it may, and the next recipient is not among them: whether it was sent to
 * before is not known, so it was not. Every recipient before `line` has its receipt; none from there on was read.
 */
export class RecipientsFullError extends Error {
  override readonly name = 'RecipientsFullError';
  readonly code = 'ERR_ENGINE_RECIPIENTS';
  readonly line: number;

  constructor(line: number, recipientsMax: number) {
    super(
      `line ${line} is not sent, nor what comes after it: ${recipientsMax.toLocaleString('en-US')} device tokens are ` +
        "remembered, as many as may be. duplicates: 'fingerprints' remembers more, 'off' none",
    );
    this.line = line;
  }
}

/** From the first to the last, both included. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** The preparer failed, or did not answer: these lines were read, were not sent, and have no receipts. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError';
  readonly code = 'ERR_ENGINE_PREPARATION';
  /** In their order, none touching the next. */
  readonly lines: readonly LineRange[];

  constructor(lines: readonly LineRange[], cause: unknown) {
    const ranges = joined(lines);
    const named = ranges.map(({ first, last }) => (first === last ? String(first) : `${first}–${last}`)).join(', ');
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`lines ${named} could not be prepared, were not sent and have no receipts: ${why}`, { cause });
    this.lines = ranges;
  }
}

function joined(lines: readonly LineRange[]): readonly LineRange[] {
  const ranges: LineRange[] = [];
  for (const { first, last } of [...lines].sort((a, b) => a.first - b.first)) {
    const before = ranges.at(-1);
    if (before !== undefined && before.last + 1 >= first) ranges[ranges.length - 1] = { first: before.first, last };
    else ranges.push({ first, last });
  }
  return ranges;
}
