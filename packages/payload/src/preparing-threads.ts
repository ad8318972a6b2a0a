// The worker threads: runs a task on one of them, notices when a thread dies or gets nowhere, and says whether the task
// is to blame. Threads start with the first tasks and end when they have been idle for a while.
//
// The mark in a task's memory (thread-message.ts) says what a thread died of: tasks that waited behind that one, or whose
// result was under way, are run again and not blamed.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import { PreparerClosedError } from './preparer-errors.ts';
import type { PreparedBatch } from './prepared-batch.ts';
import { batchOf, Mark, type PreparedMessage, type PrepareTask } from './thread-message.ts';

const require = createRequire(import.meta.url);

/** The thread that prepared the task threw, ended, ran out of memory, or was ended because it took too long. */
export class ThreadLostError extends Error {}

/** No thread can be started, or none begins with anything. */
export class NoThreadsError extends Error {}

export interface PreparingThreadsOptions {
  readonly threadsMax: number;
  readonly heapBytesMax: number;
  readonly program: URL;
}

/** More gain nothing: four prepare more than a sending thread can send (docs/BENCHMARKS.md, payload). */
const threadsMaxDefault = 4;

/** One processor is the sending thread's. */
export function threadsForMachine(): number {
  return Math.min(threadsMaxDefault, Math.max(1, availableParallelism() - 1));
}

/**
 * Built, also when this file runs as a source. Node strips types with WebAssembly, and threads that hold some must not be
 * ended: V8 loses count of its pages of code, and the process dies (nodejs/node#64500; README, Node dies).
 */
export const preparingProgram: URL = new URL('../dist/prepare-worker.js', import.meta.url);

/**
 * The next lie ready in the thread while the sending thread is busy with other things. Against 2, 8 cost the sending
 * thread a sixth less and prepare no fewer records a second (bench payload, workers/1); 16 gain nothing more.
 */
const tasksPerThread = 8;
/** Idle threads give their memory back; starting one takes some 50 ms. */
const idleMs = 30_000;
/** Ticks are counted, not time: while our own loop is starved, none is counted against a thread. */
const tickMs = 100;
/** Nothing begun and nothing ended for so long, with tasks there: the threads are started anew. 10 s: a guess. */
const stallTicksMax = 100;
/** Threads that end before they begin anything, one after the other. 10: a guess. */
const startFailuresMax = 10;

/** A task on its way, known by the mark in its memory. */
interface Run {
  readonly mark: Int32Array;
  readonly ticksMax: number;
  ticks: number;
}

export class PreparingThreads {
  readonly #options: PreparingThreadsOptions;
  readonly #capacity: number;
  readonly #runs = new Set<Run>();
  /** Those for whom there was no thread, in order. Owner's bound: WorkerPreparer's batches. */
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #pool: Piscina;
  #ticker: NodeJS.Timeout | null = null;
  #stallTicks = 0;
  #startFailures = 0;
  #closed: Promise<void> | null = null;
  /** Threads that died or were ended with a task. */
  lost = 0;

  constructor(options: PreparingThreadsOptions) {
    this.#options = options;
    this.#capacity = options.threadsMax * tasksPerThread;
    this.#free = this.#capacity;
    this.#pool = this.#newPool();
  }

  /** Threads that there are, those that start or end included. */
  get count(): number {
    return this.#pool.threads.length;
  }

  /**
   * Rejects with ThreadLostError when the task cost a thread, NoThreadsError when there is none to be had, and
   * PreparerClosedError. `signal` takes back a task that no thread has yet.
   */
  async run(task: PrepareTask, timeoutMs: number, signal?: AbortSignal): Promise<PreparedBatch> {
    // A turn is handed over without being free in between, so that nobody overtakes.
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal?.throwIfAborted();
      return await this.#runNow(task, timeoutMs);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** Ends all threads; what they were at is rejected. Resolves when they have ended. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.destroy();
    return this.#closed;
  }

  async #runNow(task: PrepareTask, timeoutMs: number): Promise<PreparedBatch> {
    const mark = new Int32Array(task.memory, 0, 1);
    for (;;) {
      if (this.#closed !== null) throw new PreparerClosedError();
      if (this.#startFailures >= startFailuresMax) throw new NoThreadsError();
      Atomics.store(mark, 0, Mark.notBegun);
      const pool = this.#pool;
      const run: Run = { mark, ticksMax: Math.ceil(timeoutMs / tickMs), ticks: 0 };
      this.#track(run);
      try {
        const batch = batchOf((await pool.run(task)) as PreparedMessage); // our program answers with nothing else
        this.#startFailures = 0;
        return batch;
      } catch (error) {
        if (this.#closed !== null) throw new PreparerClosedError();
        if (pool !== this.#pool) continue;
        const state = Atomics.load(mark, 0);
        this.#startFailures = state === Mark.notBegun ? this.#startFailures + 1 : 0;
        if (state > 0) {
          this.lost++;
          throw new ThreadLostError('a worker thread was lost', { cause: error });
        }
      } finally {
        this.#untrack(run);
      }
    }
  }

  #track(run: Run): void {
    this.#runs.add(run);
    this.#ticker ??= setInterval(() => this.#tick(), tickMs).unref();
  }

  #untrack(run: Run): void {
    this.#runs.delete(run);
    this.#stallTicks = 0;
    if (this.#runs.size > 0 || this.#ticker === null) return;
    clearInterval(this.#ticker);
    this.#ticker = null;
  }

  #tick(): void {
    let hasBegun = false;
    for (const run of this.#runs) {
      const threadId = Atomics.load(run.mark, 0);
      if (threadId === Mark.notBegun) continue;
      hasBegun = true;
      if (++run.ticks <= run.ticksMax) continue;
      // Its tasks are rejected when it has ended.
      void this.#pool.threads.find((thread) => thread.threadId === threadId)?.terminate();
    }
    this.#stallTicks = hasBegun ? 0 : this.#stallTicks + 1;
    if (this.#stallTicks > stallTicksMax) this.#restart();
  }

  #restartIfForsaken(pool: Piscina): void {
    if (pool === this.#pool && pool.threads.length === 0 && this.#runs.size > 0) this.#restart();
  }

  /** Other threads for the ones there are; their tasks are run again, and not blamed. */
  #restart(): void {
    if (this.#closed !== null) return;
    this.#stallTicks = 0;
    this.#startFailures++;
    const old = this.#pool;
    this.#pool = this.#newPool();
    void old.destroy();
  }

  #newPool(): Piscina {
    const { threadsMax, heapBytesMax, program } = this.#options;
    // Loaded here: 15 ms of CPU, which programs that prepare on their own thread need not spend.
    const piscina = require('piscina') as { readonly Piscina: typeof Piscina }; // as the package's types say
    const pool = new piscina.Piscina({
      filename: fileURLToPath(program),
      name: 'prepareTask',
      minThreads: 0,
      maxThreads: threadsMax,
      idleTimeout: idleMs,
      concurrentTasksPerWorker: tasksPerThread,
      recordTiming: false,
      // Buffers are outside of these; they are bounded by the batches. 4 MB of young objects instead of 16: 10 MB less of
      // resident memory a thread, and no slower (bench payload, workers/1).
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytesMax / 1_048_576), maxYoungGenerationSizeMb: 4 },
      ...inheritedArguments(),
    });
    // A thread that dies without a task: while it starts, as a rule.
    pool.on('error', () => {
      if (pool === this.#pool) this.#restart();
    });
    // One that ends while it starts leaves its tasks in the queue; piscina starts another with the next task only, and
    // there may be none. Those that were begun are rejected first.
    pool.on('workerDestroy', () => setImmediate(() => this.#restartIfForsaken(pool)));
    return pool;
  }
}

/** A program given on the command line has an --input-type, with which no thread can load a file (Node 22, 24). */
function inheritedArguments(): { execArgv?: string[] } {
  if (!process.execArgv.some((argument) => argument.startsWith('--input-type'))) return {};
  return { execArgv: process.execArgv.filter((argument) => argument.startsWith('--conditions=')) };
}
