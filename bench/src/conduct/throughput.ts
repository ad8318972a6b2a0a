/** From when jobs were settled to a rate: outside the restart's gap, and without the tail that waits because it was told to. */
import type { Settling } from './conduct-task.ts';

export interface Restart {
  /** Epoch ms. */
  readonly atMs: number;
  readonly backAtMs: number | null;
}

export interface Throughput {
  readonly perSecond: number;
  /** From the gateway's going to the first answer after it was back, all restarts together. */
  readonly gapMs: number;
}

/**
 * Up to here, in per cent of the jobs. A hundredth of them was told to wait (429 with Retry-After): those of the last seconds
 * end alone, after everything else, and would make a short run look slow.
 */
const untilPercent = 98;

export function throughputOf({ beganAt, intervalMs, counts }: Settling, restarts: readonly Restart[]): Throughput {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const gaps = restarts.map(({ atMs, backAtMs }) => {
    const from = Math.floor((atMs - beganAt) / intervalMs);
    const back = backAtMs === null ? counts.length : Math.ceil((backAtMs - beganAt) / intervalMs);
    const answered = counts.findIndex((count, interval) => interval >= back && count > 0);
    return { from, to: answered === -1 ? counts.length : answered };
  });
  let settled = 0;
  let counted = 0;
  let intervals = 0;
  for (const [interval, count] of counts.entries()) {
    if (settled >= (total * untilPercent) / 100) break;
    settled += count;
    if (gaps.some(({ from, to }) => interval >= from && interval < to)) continue;
    counted += count;
    intervals++;
  }
  const gapMs = gaps.reduce((sum, { from, to }) => sum + (to - from) * intervalMs, 0);
  return { perSecond: intervals === 0 ? 0 : (counted * 1_000) / (intervals * intervalMs), gapMs };
}
