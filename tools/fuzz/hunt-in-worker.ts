// Starts the hunt in a worker thread and watches it: a case that hangs is ended and reported with its number, and
// memory must stay flat.
import { once } from 'node:events';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Catch, Tally } from './hunt.ts';
import type { WorkerNews, WorkerOrder } from './worker-main.ts';

/** No case takes more than some milliseconds: a thread that has not been heard for so long hangs. */
const hangMs = 20_000;
/** A heap far above what any target needs, so that memory without bound ends the thread and not the machine. */
const heapMegabytesMax = 1_024;
/** Memory counts as flat when the second half of a run adds less than this to the peak of the first. */
const growthBytesMax = 64 * 2 ** 20;
/** A shorter run is all warm-up. */
const flatSecondsMin = 10;
const progressMs = 30_000;

export interface WorkerHunt extends Omit<WorkerOrder, 'running'> {
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

export interface Report {
  readonly tally: Tally;
  readonly reached: string;
  readonly caught: Catch | null;
  readonly seconds: number;
  readonly memory: string;
  /** Null when memory stayed flat. */
  readonly memoryFault: string | null;
}

export async function huntInWorker(wanted: WorkerHunt): Promise<Report> {
  const { signal, onProgress, ...order } = wanted;
  const running = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./worker-main.ts', import.meta.url), {
    workerData: { ...order, running } satisfies WorkerOrder,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
  });

  const startedAt = performance.now();
  const memory = new MemoryWatch(order.seconds);
  let news: WorkerNews | null = null;
  let heardAt = startedAt;
  let toldAt = startedAt;
  let isHung = false;
  worker.on('message', (latest: WorkerNews) => {
    news = latest;
    heardAt = performance.now();
    memory.note((heardAt - startedAt) / 1_000);
    if (heardAt - toldAt < progressMs) return;
    toldAt = heardAt;
    onProgress(`${latest.tally.executions} executions, ${Math.round((heardAt - startedAt) / 1_000)} s`);
  });
  const watchdog = setInterval(() => {
    if (performance.now() - heardAt < hangMs) return;
    isHung = true;
    void worker.terminate();
  }, 1_000);
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop);

  let crash: unknown = null;
  try {
    await once(worker, 'exit');
  } catch (error) {
    crash = error;
  } finally {
    clearInterval(watchdog);
    signal.removeEventListener('abort', stop);
  }
  return {
    ...outcomeOf(news, isHung, crash, signal.aborted, running[0]),
    seconds: (performance.now() - startedAt) / 1_000,
    memory: memory.describe(),
    memoryFault: memory.fault(),
  };
}

function outcomeOf(
  news: WorkerNews | null,
  isHung: boolean,
  crash: unknown,
  isAborted: boolean,
  running: number,
): Pick<Report, 'tally' | 'reached' | 'caught'> {
  const tally = news?.tally ?? { cases: 0, executions: 0, slowestMs: 0, slowestCase: 0 };
  const reached = news?.reached ?? 'nothing';
  if (crash === null && !isHung && (isAborted || news?.end))
    return { tally, reached, caught: asBuffers(news?.end?.caught ?? null) };
  const what = isHung ? `no end within ${hangMs} ms` : crash === null ? 'the thread ended' : inspect(crash);
  const noBytes = Buffer.alloc(0);
  return {
    tally,
    reached,
    caught: { message: `${what}, in case ${running}`, caseNumber: running, bytes: noBytes, shrunk: noBytes },
  };
}

/** A message between threads makes plain arrays of buffers. */
function asBuffers(caught: Catch | null): Catch | null {
  return caught && { ...caught, bytes: Buffer.from(caught.bytes), shrunk: Buffer.from(caught.shrunk) };
}

/** Peaks of the process's memory in both halves of a run. */
class MemoryWatch {
  readonly #halfAt: number;
  readonly #isLongEnough: boolean;
  #firstPeak = 0;
  #secondPeak = 0;

  constructor(seconds: number) {
    this.#halfAt = seconds / 2;
    this.#isLongEnough = seconds >= flatSecondsMin;
  }

  note(second: number): void {
    const rss = process.memoryUsage.rss();
    if (second < this.#halfAt) this.#firstPeak = Math.max(this.#firstPeak, rss);
    else this.#secondPeak = Math.max(this.#secondPeak, rss);
  }

  describe(): string {
    const peak = Math.max(this.#firstPeak, this.#secondPeak);
    return `peak memory ${mebibytes(peak)} MiB; by halves of the run ${mebibytes(this.#firstPeak)}, ${mebibytes(this.#secondPeak)}`;
  }

  fault(): string | null {
    if (!this.#isLongEnough || this.#secondPeak - this.#firstPeak < growthBytesMax) return null;
    return `${mebibytes(this.#secondPeak - this.#firstPeak)} MiB more in the second half of the run`;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
