// One target in a thread of its own: the thread that started it sees a hang, and can end it.
import { parentPort, workerData } from 'node:worker_threads';
import type { Catch, Tally } from './hunt.ts';
import { hunt } from './hunt.ts';
import { liveBytes } from './live-memory.ts';
import { targets } from './targets.ts';
import type { TargetName } from './targets.ts';

export interface WorkerOrder {
  readonly target: TargetName;
  readonly seed: number;
  readonly firstCase: number;
  readonly casesMax: number;
  readonly seconds: number;
  /** One number: the case that is running. */
  readonly running: Float64Array;
}

export interface WorkerNews {
  readonly tally: Tally;
  readonly reached: string;
  readonly end: HuntEnd | null;
}

export interface HuntEnd {
  /** The case that failed, if one did. */
  readonly caught: Catch | null;
  /** After a quarter of the time, when everything was warm; null when that never came. */
  readonly liveBytesWarm: number | null;
  readonly liveBytesLast: number;
}

const order = workerData as WorkerOrder;
const port = parentPort;
if (port === null) throw new Error('this file is started by main.ts, as a worker');
const tell = (news: WorkerNews): void => port.postMessage(news);

const target = targets[order.target]();
const startedAt = performance.now();
const warmAt = startedAt + order.seconds * 250;
const endsAt = startedAt + order.seconds * 1_000;
let liveBytesWarm: number | null = null;
try {
  const { tally, caught } = await hunt(target, {
    ...order,
    onCase: (number) => {
      order.running[0] = number;
    },
    onSlice: (soFar) => {
      const now = performance.now();
      if (now >= warmAt) liveBytesWarm ??= liveBytes();
      tell({ tally: soFar, reached: target.reached(), end: null });
      return now < endsAt;
    },
  });
  tell({ tally, reached: target.reached(), end: { caught, liveBytesWarm, liveBytesLast: liveBytes() } });
} finally {
  target.close();
}
