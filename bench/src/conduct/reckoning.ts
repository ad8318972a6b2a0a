/** What must hold of a row of the conduct bench, whoever reads it. */
import { rowNamed } from '../bench.ts';
import type { Counts, Row } from '../bench.ts';

/** Of those of the fault-free run, outside the restart's gap. */
const leastShare = 0.7;
const attemptsMax = 1.1;
/** A run of a second or two is mostly its beginning: its rate is shown, not held against anything. */
const jobsForRates = 1_000_000;

/** What does not hold of our own rows, and of @parse/node-apn's. */
export function objections(rows: readonly Row[]): string[] {
  return [
    ...rows.flatMap((row) => (row.name === 'parse-node-apn' ? objectionsToTheirs(row) : objectionsToOurs(row))),
    ...slowness(rows),
  ];
}

function objectionsToOurs(row: Row): string[] {
  const found: string[] = [];
  const must = (holds: boolean, text: string): void => {
    if (!holds) found.push(`${row.name}: ${text}`);
  };
  must(Number(row['receipts']) === row.n, `${Number(row['receipts'])} receipts for ${row.n} jobs`);
  must(row['lost'] === 0, `${Number(row['lost'])} lost`);
  must(sumOf(row['violations']) === 0, `the referee convicts: ${named(row['violations'])}`);
  must(sumOf(row['mismatches']) === 0, `not reconciled: ${named(row['mismatches'])}`);
  must(
    named(row['outcomes']) === named(row['expected']),
    `outcomes ${named(row['outcomes'])}, not ${named(row['expected'])}`,
  );
  const attempts = Number(row['attemptsPerJob']);
  must(attempts <= attemptsMax, `${attempts} attempts a job, more than ${attemptsMax}`);
  return [...found, ...unfired(row)];
}

/** The same faults, and a referee that sees nothing in a client known to misbehave would see nothing in ours. */
function objectionsToTheirs(row: Row): string[] {
  return [
    ...(sumOf(row['violations']) > 0 ? [] : [`${row.name}: the referee finds nothing against it`]),
    ...unfired(row),
  ];
}

function unfired(row: Row): string[] {
  return Object.entries(countsOf(row['fired']))
    .filter(([, count]) => count === 0)
    .map(([id]) => `${row.name}: the fault ${id} never fired`);
}

export function shareOfFaultFree(rows: readonly Row[]): number | null {
  const [free, faulty] = ['fault-free', 'faults'].map((name) => rowNamed(rows, name)?.pushesPerSecond);
  return free === undefined || faulty === undefined ? null : faulty / free;
}

function slowness(rows: readonly Row[]): string[] {
  const share = shareOfFaultFree(rows);
  if (share === null || share >= leastShare || rows.some(({ n, name }) => name === 'faults' && n < jobsForRates))
    return [];
  return [`faults: ${share.toFixed(2)} of the fault-free throughput outside the gap, less than ${leastShare}`];
}

function countsOf(figure: Row[string]): Counts {
  return typeof figure === 'object' ? figure : {};
}

function sumOf(figure: Row[string]): number {
  return Object.values(countsOf(figure)).reduce((sum, count) => sum + count, 0);
}

/** "3 goaway-obeyed, 1 one-team"; nothing for nothing. */
export function named(figure: Row[string]): string {
  return Object.entries(countsOf(figure))
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
