/** What the figures of the latency bench are held against. */
import { rowNamed } from '../bench.ts';
import type { Row } from '../bench.ts';

interface Aim {
  readonly row: string;
  readonly figure: string;
  readonly least?: number;
  readonly most?: number;
}

export const knee = 400;

const aims: readonly Aim[] = [
  { row: 'think-50ms', figure: 'ofBound', least: 0.9 },
  { row: 'rtt-50ms', figure: 'ofBound', least: 0.9 },
  { row: 'rtt-50ms-at-half', figure: 'ofBound', least: 0.9 },
  { row: 'light-load', figure: 'p99Ms', most: 5 },
  { row: 'knee', figure: 'ofBound', least: 0.9 },
  { row: 'knee', figure: 'inFlight', least: knee * 0.9, most: Math.round(knee * 2.2) },
  { row: 'knee-shared', figure: 'ofBound', least: 0.9 },
  { row: 'knee-shared', figure: 'inFlight', least: knee * 0.9, most: Math.round(knee * 2.2) },
  // Four equal shares are 1, one that has everything 0.25.
  { row: 'knee-shared', figure: 'fairness', least: 0.9 },
  { row: 'knee-recovery', figure: 'promptAfterSeconds', most: 5 },
  { row: 'knee-recovery', figure: 'backAfterSeconds', most: 5 },
];

/** One line an aim: what was found, and what is wanted. */
export function heldAgainstAims(rows: readonly Row[]): { readonly line: string; readonly isMet: boolean }[] {
  return aims.flatMap(({ row, figure, least = -Infinity, most = Infinity }) => {
    const value = rowNamed(rows, row)?.[figure];
    if (typeof value !== 'number') return [];
    // NaN, something that never came about, meets none.
    const isMet = value >= least && value <= most;
    const wanted = [
      ...(least === -Infinity ? [] : [`at least ${least}`]),
      ...(most === Infinity ? [] : [`at most ${most}`]),
    ].join(', ');
    return [{ line: `${row}: ${figure} is ${value}; the aim is ${wanted}`, isMet }];
  });
}
