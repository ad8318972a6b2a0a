/** What the slices of a run say: rates, means and how long something took. Pure. */
import type { Slice } from './load-task.ts';

/** Receipts a second from `fromMs` to `toMs`. */
export function rateBetween(slices: readonly Slice[], fromMs: number, toMs: number): number {
  const within = slices.filter(({ endMs }) => endMs > fromMs && endMs <= toMs);
  const [first] = within;
  const last = within.at(-1);
  if (first === undefined || last === undefined) return NaN;
  const before = slices[slices.indexOf(first) - 1]?.endMs ?? 0;
  return (within.reduce((sum, { receipts }) => sum + receipts, 0) / (last.endMs - before)) * 1000;
}

/** Mean of what each connection had in flight; connections that were not there yet count as 0. */
export function inFlightBetween(slices: readonly Slice[], fromMs: number, toMs: number): number[] {
  const within = slices.filter(({ endMs }) => endMs > fromMs && endMs <= toMs);
  const connections = Math.max(0, ...within.map(({ inFlight }) => inFlight.length));
  return Array.from(
    { length: connections },
    (_, at) => within.reduce((sum, { inFlight }) => sum + (inFlight[at] ?? 0), 0) / within.length,
  );
}

/** Jain's index of fairness: 1 when all shares are equal, 1/n when one has everything. */
export function fairness(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
}

/**
 * How long after `fromMs` until all slices of half a second together are as `isSo` wants them, s; NaN: not before `toMs`.
 * One slice alone would be chance.
 */
export function secondsUntil(
  slices: readonly Slice[],
  fromMs: number,
  toMs: number,
  isSo: (some: readonly Slice[]) => boolean,
): number {
  for (const [at, { endMs }] of slices.entries()) {
    const some = slices.slice(at, at + 5);
    const last = some.at(-1)?.endMs ?? NaN;
    if (endMs > fromMs && last <= toMs && some.length === 5 && isSo(some)) return (endMs - fromMs) / 1000;
  }
  return NaN;
}
