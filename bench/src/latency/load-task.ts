/** What the latency bench asks of its client processes, and what they answer. Plain values: they cross IPC. */
import type { ClientTask } from '../load/client.ts';

export interface LoadTask extends ClientTask {
  /** So many engines, each with a pool, floors and limits of its own, as that many senders would have. */
  readonly engines: number;
  /** Pushes are sent for so long, as fast as the engines let themselves be fed; what is in hand then is finished. */
  readonly seconds: number;
  /** What comes before is warm-up: it counts in `statuses` and `slices` only. */
  readonly countFromSecond: number;
}

export interface LoadReport {
  /** When the engines began, EpochMs: for the parent, which changes the gateway meanwhile. */
  readonly beganAtMs: number;
  /** Receipts by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** One for each `sliceMs` or so, from the beginning to the end of the sending. */
  readonly slices: readonly Slice[];
  /** From the stream's opening to its answer, ms; of the answers that came in the counted time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Why limits fell, and how often all together. */
  readonly falls: number;
  readonly fellBecause: readonly string[];
}

export const sliceMs = 100;

export interface Slice {
  /** From `beganAtMs` to the slice's end. */
  readonly endMs: number;
  /** Receipts in it. */
  readonly receipts: number;
  /** The median of their latencies, ms; null without receipts. */
  readonly p50Ms: number | null;
  /** Streams open at its end, by connection. */
  readonly inFlight: readonly number[];
}

export interface LightTask extends ClientTask {
  readonly seconds: number;
  readonly countFromSecond: number;
  readonly perSecond: number;
}

export interface LightReport {
  readonly statuses: Readonly<Record<string, number>>;
  readonly wallMs: number;
  /** From the moment at which a push was due to its receipt, ms; of those due in the counted time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}
