/** What a run came to: what the client's callers were told, held against what the gateway took. */
import type { LedgerEntry } from '@carillon/simulator';
import type { Row } from '../bench.ts';
import { deviceTokens } from '../load/traffic.ts';
import type { FaultReport } from './fault-task.ts';

export interface Reckoning {
  readonly jobs: number;
  /** The caller was told failure. */
  readonly failed: number;
  /** The caller was told nothing. */
  readonly unresolved: number;
  /** Pushes that the gateway took beyond the first of a job. */
  readonly duplicates: number;
  /** Those of them whose apns-id is not that of the first: nobody after the gateway could tell that they are the same. */
  readonly renamed: number;
  /** The caller was told success, the gateway has nothing. */
  readonly lost: number;
}

/** Each job has a device token of its own: by it the two sides are matched, for clients that set no apns-id as well. */
export function reckon(report: FaultReport, ledger: readonly LedgerEntry[]): Reckoning {
  const taken = new Map<string, string[]>();
  for (const { token, apnsId, status } of ledger) {
    // Null: taken, but its answer was kept back. Other statuses are refusals.
    if (status !== 200 && status !== null) continue;
    const ids = taken.get(token);
    if (ids === undefined) taken.set(token, [apnsId]);
    else ids.push(apnsId);
  }
  const tokens = deviceTokens();
  const count = { accepted: 0, failed: 0, unresolved: 0 };
  let lost = 0;
  for (const [number, end] of report.ends.entries()) {
    count[end]++;
    if (end === 'accepted' && !taken.has(tokens[number])) lost++;
  }
  let duplicates = 0;
  let renamed = 0;
  for (const [first, ...more] of taken.values()) {
    duplicates += more.length;
    renamed += more.filter((id) => id !== first).length;
  }
  const { failed, unresolved } = count;
  return { jobs: report.ends.length, failed, unresolved, duplicates, renamed, lost };
}

/** What of our own row must not be. */
export function objections(row: Row, isAmbiguous: boolean): string[] {
  const found: string[] = [];
  const count = (figure: string): number => Number(row[figure]);
  const must = (holds: boolean, text: string): void => {
    if (!holds) found.push(`${row.name}: ${text}`);
  };
  must(count('failed') === 0, `${count('failed')} failed needlessly`);
  must(count('unresolved') === 0, `${count('unresolved')} unresolved`);
  must(count('lost') === 0, `${count('lost')} were called accepted, and the gateway has nothing`);
  must(isAmbiguous || count('duplicates') === 0, `${count('duplicates')} sent twice, and nothing was ambiguous`);
  must(count('renamed') === 0, `${count('renamed')} sent twice under different apns-ids`);
  return found;
}
