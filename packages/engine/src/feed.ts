/**
 * Feeders: they pull a source while there is room, prepare what comes and route it. The source is never pulled ahead of
 * the door, so a file of any length takes the same memory.
 */
import { BatchBuilder, LineSplitter } from '@carillon/payload';
import type { JobObject, LinePiece, PreparedBatch, Preparer } from '@carillon/payload';
import { PreparationError } from './errors.ts';
import type { LineRange } from './errors.ts';
import type { Pipeline } from './pipeline.ts';
import { routeBatch } from './route.ts';
import type { Apps } from './route.ts';
import type { Run } from './run.ts';

export interface FeedContext {
  readonly pipeline: Pipeline;
  readonly apps: Apps;
  readonly preparer: Preparer;
  /** Either ends the feeding; what was read is finished. */
  readonly stop: AbortSignal;
}

/** Jobs of `sendAll` that are packed into one arena. */
const jobsPerBatch = 256;

/** NDJSON bytes, cut anywhere. A last line without a line feed counts, unless the feeding was stopped in its middle. */
export async function feedBytes(
  run: Run,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  firstLine: number,
  context: FeedContext,
): Promise<void> {
  const { stop, pipeline } = context;
  const splitter = new LineSplitter({ pieceBytesMax: pipeline.settings.limits.batchBytes });
  const underWay = new UnderWay(run, context);
  try {
    for await (const chunk of untilStopped(chunks, stop)) {
      for (const piece of splitter.split(chunk)) await feedPiece(run, piece, firstLine, underWay, context);
      if (stop.aborted || underWay.hasFailed) return;
    }
    if (stop.aborted) return;
    for (const piece of splitter.end()) await feedPiece(run, piece, firstLine, underWay, context);
  } finally {
    // What was read is finished, also when the source failed.
    await underWay.ended();
  }
}

/** Job objects. */
export async function feedJobs(
  run: Run,
  jobs: Iterable<JobObject> | AsyncIterable<JobObject>,
  context: FeedContext,
): Promise<void> {
  const { stop, pipeline } = context;
  const builder = new BatchBuilder({ apnsIds: pipeline.apnsIds });
  builder.defaultPushType = pipeline.settings.defaultPushType;
  let number = 0;
  /** In the builder, those it refused included: they have to leave it too. */
  let added = 0;
  let isFlushDue = false;
  const flush = (): void => {
    isFlushDue = false;
    if (added === 0) return;
    added = 0;
    admit(run, builder.take(), context);
  };
  try {
    for await (const job of untilStopped(jobs, stop)) {
      builder.addObject(job, ++number);
      added++;
      const isBatch = added >= jobsPerBatch || builder.bytes >= pipeline.settings.limits.batchBytes;
      if (isBatch || run.isFull || isFull(run, context)) {
        flush();
        await room(run, context);
      } else if (!isFlushDue) {
        // A slow source: what has come does not wait for what has not.
        isFlushDue = true;
        pipeline.clock.endOfTurn(flush);
      }
      if (stop.aborted) break;
    }
  } finally {
    // What was read is finished, also when the source failed.
    flush();
  }
}

async function feedPiece(
  run: Run,
  piece: LinePiece,
  firstLine: number,
  underWay: UnderWay,
  context: FeedContext,
): Promise<void> {
  // Looked at again without waiting in between: other feeders wake at the same time.
  do await room(run, context);
  while (isFull(run, context) && !context.stop.aborted);
  if (context.stop.aborted) return;
  if (piece.kind === 'rejected') {
    run.refuse([{ ...piece.rejection, line: piece.rejection.line + firstLine - 1 }]);
    return;
  }
  const first = piece.firstLine + firstLine - 1;
  const lines = { first, last: first + piece.lines - 1 };
  if (underWay.hasFailed) {
    underWay.lose(lines);
    return;
  }
  const { defaultPushType } = context.pipeline.settings;
  const prepared = context.preparer.prepare(piece.bytes, first, { defaultPushType });
  // Several are prepared at once, so that this thread need not wait while there is input.
  if (prepared instanceof Promise) underWay.add(prepared, lines, piece.bytes.length);
  else admit(run, prepared, context);
}

/** Batches of one call that are being prepared elsewhere; they are admitted in the order in which they are done. */
class UnderWay {
  readonly #run: Run;
  readonly #context: FeedContext;
  readonly #batches = new Set<Promise<void>>();
  /** The lines of batches that failed, and of those that were read after the first had; and that failure. */
  readonly #lost: LineRange[] = [];
  #failure: unknown = null;

  constructor(run: Run, context: FeedContext) {
    this.#run = run;
    this.#context = context;
  }

  /** A preparer that fails, other than by a line, stops the feeding. */
  get hasFailed(): boolean {
    return this.#lost.length > 0;
  }

  add(prepared: Promise<PreparedBatch>, lines: LineRange, bytes: number): void {
    const { preparation } = this.#context.pipeline;
    const done = preparation
      .add(prepared, lines.last - lines.first + 1, bytes, (batch) => admit(this.#run, batch, this.#context))
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.lose(lines);
      })
      .finally(() => this.#batches.delete(done));
    this.#batches.add(done);
  }

  lose(lines: LineRange): void {
    this.#lost.push(lines);
  }

  /** Rejects with the lines that were lost, if any. */
  async ended(): Promise<void> {
    await Promise.all(this.#batches);
    if (this.hasFailed) throw new PreparationError(this.#lost, this.#failure);
  }
}

export function admit(run: Run, batch: PreparedBatch, context: FeedContext): void {
  const { pipeline, apps } = context;
  pipeline.enter(batch.count);
  run.expect(batch.count);
  run.refuse(batch.rejections);
  routeBatch(batch, run, apps, pipeline, (_record, rejection) => {
    pipeline.admission.withdraw();
    run.expect(-1);
    run.refuse([rejection]);
  });
}

export async function room(run: Run, { pipeline, stop }: FeedContext): Promise<void> {
  await run.roomForReceipts(stop);
  const { admission, preparation, feedTurns } = pipeline;
  while (!stop.aborted) {
    if (admission.isProbationFull && run.isOnProbation) await admission.probationRoom(stop);
    else if (admission.isFull) await admission.room(stop);
    else if (preparation.isFull) await preparation.room(stop);
    else {
      const turn = feedTurns.next();
      if (turn === null) return;
      await turn;
    }
  }
}

export function isFull(run: Run, { pipeline: { admission, preparation } }: FeedContext): boolean {
  return admission.isFull || preparation.isFull || (admission.isProbationFull && run.isOnProbation);
}

/** `source` until it ends or `stop` aborts, also while it keeps us waiting; then the source is told to stop. */
export async function* untilStopped<T>(
  source: Iterable<T> | AsyncIterable<T>,
  stop: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let isDone = false;
  try {
    while (!stop.aborted) {
      const next = iterator.next();
      // A sync source answers at once: no promise for it.
      const result = next instanceof Promise ? await orStopped(next, stop) : next;
      if (result === null) return;
      if (result.done === true) {
        isDone = true;
        return;
      }
      yield result.value;
    }
  } finally {
    // Not awaited: a source that hangs must not hold up the end.
    if (!isDone) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** Null when `stop` aborts first. Promise.race with one lasting promise would keep every chunk it was ever raced with. */
function orStopped<T>(next: Promise<T>, stop: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => resolve(null);
    stop.addEventListener('abort', onStop, { once: true });
    next.then(resolve, reject).finally(() => stop.removeEventListener('abort', onStop));
  });
}
