/** Exponential backoff with full jitter: delay = random(0, min(cap, base × 2^n)). */
import type { Random } from './random.ts';

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Delay before the next try after `failures` ≥ 1 failures in a row. */
export function fullJitterMs(failures: number, limits: BackoffLimits, random: Random): number {
  // 2^30: past it the cap has long won, and the product stays finite.
  const ceiling = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return random.next() * ceiling;
}
