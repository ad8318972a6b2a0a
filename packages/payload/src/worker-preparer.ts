// Preparation in worker threads: the calling thread copies the lines once, and gets an arena and an index for them.
//
// A thread may die of a batch: by a bug, by running out of memory, or because it was ended when it got nowhere. Then
//
//     the batch is prepared again ── dies again ──▶ each half by itself ──▶ … ──▶ one line ── twice ──▶ `local.poison`
//
// and all other lines become what they would have become without it. Batches are done in any order.
//
// Bounds: `batchesMax` batches; each holds its lines, and its arena once it is prepared.

import { setTimeout as sleep } from 'node:timers/promises';
import { BatchBuilder } from './batch-builder.ts';
import { lineBytesMaxDefault } from './line-limit.ts';
import { mergeBatches } from './merge-batches.ts';
import type { PrepareContext, Preparer } from './preparer.ts';
import { PreparerClosedError, PreparerFullError } from './preparer-errors.ts';
import type { PreparedBatch } from './prepared-batch.ts';
import {
  NoThreadsError,
  preparingProgram,
  PreparingThreads,
  ThreadLostError,
  threadsForMachine,
} from './preparing-threads.ts';
import { poisonLine } from './rejection.ts';
import { linesAt, type PrepareTask } from './thread-message.ts';

export interface WorkerPreparerOptions {
  /** Threads at most. Default: one less than the machine has processors, from 1 to 4. */
  readonly workersMax?: number;
  /** Batches in preparation, those that wait for a thread included. Full: `prepare` rejects. Default 64. */
  readonly batchesMax?: number;
  /** A thread that takes longer over one batch is ended. Default 5 s, some thousand times what the worst batch takes. */
  readonly timeoutMs?: number;
  /** JavaScript heap of a thread. Default 96 MiB, several times what it uses. */
  readonly heapBytesMax?: number;
  /** The program of the threads; tests bring worse ones. */
  readonly program?: URL;
}

/** A stretch of lines in a task's memory. */
type Piece = Omit<PrepareTask, 'lineBytesMax' | 'defaultPushType'>;

interface Job {
  readonly lineBytesMax: number;
  readonly defaultPushType: string | null;
  readonly signal: AbortSignal | undefined;
}

const lineFeed = 0x0a;
/** Whole size of a memory: a batch of the engine's default size fits with its longest line. */
const memoryBytesMin = linesAt + 131_072;
/** Pieces are smaller than their batch, and get less time; but a thread that starts under load needs some. */
const pieceTimeoutMsMin = 1000;
/** Before lines that have cost a thread are tried again: doubled with every thread lost since one was well. */
const backoffMs = { first: 5, most: 200 } as const;

export class WorkerPreparer implements Preparer {
  readonly #threads: PreparingThreads;
  readonly #batchesMax: number;
  readonly #timeoutMs: number;
  /** Memory of batches that are done, for the next. At most `batchesMax`. */
  readonly #memories: SharedArrayBuffer[] = [];
  #batches = 0;
  #lostInSequence = 0;
  #isClosed = false;

  constructor(options: WorkerPreparerOptions = {}) {
    const { workersMax = threadsForMachine(), batchesMax = 64, timeoutMs = 5000 } = options;
    const { heapBytesMax = 96 * 1_048_576, program = preparingProgram } = options;
    if (!Number.isInteger(workersMax) || workersMax < 1)
      throw new RangeError(`workersMax ${workersMax} is no count of threads`);
    this.#batchesMax = batchesMax;
    this.#timeoutMs = timeoutMs;
    this.#threads = new PreparingThreads({ threadsMax: workersMax, heapBytesMax, program });
  }

  /** Batches in preparation. */
  get batches(): number {
    return this.#batches;
  }

  /** False: `prepare` would reject, because as many batches as it holds are in preparation. */
  get hasRoom(): boolean {
    return this.#batches < this.#batchesMax;
  }

  /** Threads that there are. */
  get workers(): number {
    return this.#threads.count;
  }

  /** Threads that died, or were ended, with a batch since the start. */
  get workersLost(): number {
    return this.#threads.lost;
  }

  async prepare(chunk: Buffer, firstLine: number, context: PrepareContext = {}): Promise<PreparedBatch> {
    const { lineBytesMax = lineBytesMaxDefault, defaultPushType = null, signal } = context;
    if (this.#isClosed) throw new PreparerClosedError();
    signal?.throwIfAborted();
    if (!this.hasRoom) throw new PreparerFullError(this.#batchesMax);
    this.#batches++;
    // Copied before anything is waited for: the chunk is the caller's again.
    const memory = this.#takeMemory(linesAt + chunk.length);
    new Uint8Array(memory, linesAt, chunk.length).set(chunk);
    const whole: Piece = { memory, start: linesAt, end: linesAt + chunk.length, firstLine };
    const prepared = this.#prepareWhole(whole, { lineBytesMax, defaultPushType, signal }).finally(() => {
      this.#batches--;
      if (this.#memories.length < this.#batchesMax) this.#memories.push(memory);
    });
    return signal === undefined ? prepared : orAborted(prepared, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#threads.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #prepareWhole(whole: Piece, job: Job): Promise<PreparedBatch> {
    const prepared = (await this.#try(whole, job, this.#timeoutMs)) ?? (await this.#try(whole, job, this.#timeoutMs));
    if (prepared === null && isOneLine(whole)) return poisoned(whole);
    return prepared ?? mergeBatches(await this.#prepareHalves(whole, job, this.#timeoutMs));
  }

  /** Null when it cost a thread. */
  async #try(piece: Piece, job: Job, timeoutMs: number): Promise<PreparedBatch | null> {
    const { lineBytesMax, defaultPushType, signal } = job;
    try {
      const prepared = await this.#threads.run({ ...piece, lineBytesMax, defaultPushType }, timeoutMs, signal);
      this.#lostInSequence = 0;
      return prepared;
    } catch (error) {
      if (error instanceof NoThreadsError) return prepareHere(piece, job);
      if (!(error instanceof ThreadLostError)) throw error;
      const delayMs = Math.min(backoffMs.most, backoffMs.first * 2 ** this.#lostInSequence++);
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
      return null;
    }
  }

  /** For a piece that has cost two threads, alone or in company. */
  async #prepareHalves(piece: Piece, job: Job, timeoutMs: number): Promise<PreparedBatch[]> {
    const halves = halvesOf(piece);
    const halfMs = Math.max(pieceTimeoutMsMin, timeoutMs / 2);
    const done: PreparedBatch[] = [];
    for (const half of halves) {
      const prepared = await this.#try(half, job, halfMs);
      if (prepared !== null) done.push(prepared);
      else if (isOneLine(half)) done.push((await this.#try(half, job, halfMs)) ?? poisoned(half));
      else done.push(...(await this.#prepareHalves(half, job, halfMs)));
    }
    return done;
  }

  #takeMemory(bytes: number): SharedArrayBuffer {
    const memory = this.#memories.pop();
    return memory !== undefined && memory.byteLength >= bytes
      ? memory
      : new SharedArrayBuffer(Math.max(bytes, memoryBytesMin));
  }
}

/** Of a piece of several lines. */
function halvesOf(piece: Piece): readonly [Piece, Piece] {
  const { start, end, memory, firstLine } = piece;
  const middle = middleOf(piece);
  const first = { ...piece, end: middle };
  let lines = 0;
  const bytes = new Uint8Array(memory);
  for (let at = start; at < middle; at++) if (bytes[at] === lineFeed) lines++;
  return [first, { memory, start: middle, end, firstLine: firstLine + lines }];
}

function isOneLine(piece: Piece): boolean {
  return middleOf(piece) < 0;
}

/** Where the line begins with which the second half begins; -1 when there is but one line. */
function middleOf({ memory, start, end }: Piece): number {
  const bytes = new Uint8Array(memory, 0, end);
  const middle = (start + end) >> 1;
  const before = bytes.lastIndexOf(lineFeed, middle) + 1;
  if (before > start && before < end) return before;
  const after = bytes.indexOf(lineFeed, middle) + 1;
  return after > 0 && after < end ? after : -1;
}

/** Where no threads can be had: some sandboxes, or a bundle without our program. */
function prepareHere(piece: Piece, { lineBytesMax, defaultPushType }: Job): PreparedBatch {
  const builder = new BatchBuilder();
  builder.defaultPushType = defaultPushType;
  builder.addLines(linesOf(piece), piece.firstLine, lineBytesMax);
  return builder.take();
}

function linesOf({ memory, start, end }: Piece): Buffer {
  return Buffer.from(new Uint8Array(memory, start, end - start));
}

function poisoned({ firstLine: line }: Piece): PreparedBatch {
  const nothing = {
    bytes: Buffer.alloc(0),
    index: new Int32Array(0),
    deadlines: new Float64Array(0),
    count: 0,
    heads: [],
    warnings: [],
    truncated: 0,
  };
  return { ...nothing, lines: 1, rejections: [poisonLine(line)] };
}

/** The batch goes on, for nobody. */
function orAborted(prepared: Promise<PreparedBatch>, signal: AbortSignal): Promise<PreparedBatch> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error); // whatever the caller's reason is
    signal.addEventListener('abort', onAbort, { once: true });
    prepared.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
