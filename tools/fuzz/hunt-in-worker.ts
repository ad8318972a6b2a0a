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
/** Memory counts as flat when what is live at the end is at most so much above what was live when all was warm. */
const growthBytesMax = 4 * 2 ** 20;
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
  let peakBytes = 0;
  let news: WorkerNews | null = null;
  let heardAt = startedAt;
  let toldAt = startedAt;
  let isHung = false;
  worker.on('message', (latest: WorkerNews) => {
    news = latest;
    heardAt = performance.now();
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
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
    ...memoryOf(news, peakBytes),
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

function memoryOf(news: WorkerNews | null, peakBytes: number): Pick<Report, 'memory' | 'memoryFault'> {
  const peak = `peak memory ${mebibytes(peakBytes)} MiB`;
  const end = news?.end ?? null;
  if (end === null || end.liveBytesWarm === null) return { memory: peak, memoryFault: null };
  const { liveBytesWarm, liveBytesLast } = end;
  const growth = liveBytesLast - liveBytesWarm;
  return {
    memory: `${peak}; live when warm ${mebibytes(liveBytesWarm)}, at the end ${mebibytes(liveBytesLast)}`,
    memoryFault: growth > growthBytesMax ? `${mebibytes(growth)} MiB more at the end than when warm` : null,
  };
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
