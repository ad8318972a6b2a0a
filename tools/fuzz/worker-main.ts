// One target in a thread of its own: the thread that started it sees a hang, and can end it.
import { parentPort, workerData } from 'node:worker_threads';
import type { Catch, Tally } from './hunt.ts';
import { hunt } from './hunt.ts';
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
  /** The hunt is over; with the case that failed, if one did. */
  readonly end: { readonly caught: Catch | null } | null;
}

const order = workerData as WorkerOrder;
const port = parentPort;
if (port === null) throw new Error('this file is started by main.ts, as a worker');
const tell = (news: WorkerNews): void => port.postMessage(news);

const target = targets[order.target]();
const endsAt = performance.now() + order.seconds * 1_000;
try {
  const { tally, caught } = await hunt(target, {
    ...order,
    onCase: (number) => {
      order.running[0] = number;
    },
    onSlice: (soFar) => {
      tell({ tally: soFar, reached: target.reached(), end: null });
      return performance.now() < endsAt;
    },
  });
  tell({ tally, reached: target.reached(), end: { caught } });
} finally {
  target.close();
}
