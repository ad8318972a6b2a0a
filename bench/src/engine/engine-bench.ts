/** What the engine adds to the wire. */
import type { Bench, Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { client, h2load } from '../load/clients.ts';
import { runLoadRows } from '../load/load-rows.ts';

const rows = [
  client('carillon', 'engine/prepared', 'fast'),
  client('carillon-ndjson', 'wire/clients/carillon-ndjson', 'fast'),
  h2load,
];

export const engineBench: Bench = {
  name: 'engine',
  question:
    'what does a push cost through the whole engine, from its lane to its receipt?\n' +
    'Read by whoever embeds the engine; the aim is 0.8 of h2load, which keeps nothing per push.\n' +
    '`carillon` gets prepared records through the Preparer seam, `carillon-ndjson` scans lines on the same thread.',
  run: (context) => runLoadRows(rows, context),
  conclude,
};

function conclude(found: readonly Row[]): string[] {
  const theirs = rowNamed(found, 'h2load')?.cpuMicrosPerPush;
  if (theirs === undefined) return [];
  return found
    .filter((row) => row.name !== 'h2load')
    .map(
      (row) => `${row.name} against h2load: ${((row.cpuMicrosPerPush ?? NaN) / theirs).toFixed(3)} of its CPU a push`,
    );
}
