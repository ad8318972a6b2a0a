/** What a push costs on the wire, ours beside everybody's. */
import type { Bench, Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { runLoadRows } from '../load/load-rows.ts';
import type { LoadRow } from '../load/load-rows.ts';
import { runClient } from '../load/run-client.ts';
import { runH2load } from './h2load.ts';

/** A client written for node, in the process of that name. */
function client(name: string, program: string, pace: LoadRow['pace'], ...variants: LoadRow['variants']): LoadRow {
  return {
    name,
    pace,
    variants: variants.length === 0 ? [{}] : variants,
    run: (task, _gateway, signal) => runClient(`wire/clients/${program}-process`, task, { signal }),
  };
}

const h2load: LoadRow = { name: 'h2load', pace: 'fast', variants: [{}], run: (task, _gateway, signal) => runH2load(task, signal) };

const rows: readonly LoadRow[] = [
  client('carillon/1', 'carillon', 'fast'),
  client('carillon/4', 'carillon', 'fast', { connections: 4 }),
  client('carillon/1/topics-30', 'carillon', 'fast', { topics: 30 }),
  client('carillon/1/topics-500', 'carillon', 'fast', { topics: 500 }),
  h2load,
  client('node-http2', 'node-http2', 'slow', { inFlight: 100 }, { inFlight: 1000 }),
];

const peers = ['h2load', 'node-http2', 'parse-node-apn', 'apns2'];

export const wireBench: Bench = {
  name: 'wire',
  question:
    'what does a push cost on the wire, and how many a second go over one connection?\n' +
    'Read by whoever chooses a sender, and by CI: a change that makes ours slower shows here.',
  run: (context) => runLoadRows(rows, context),
  conclude: ratios,
  check,
};

/** How many times less CPU, and how many times the rate, of `carillon/1` against each peer of the same run. */
function ratios(found: readonly Row[]): string[] {
  const ours = rowNamed(found, 'carillon/1');
  if (ours === null) return [];
  return peers.flatMap((name) => {
    const theirs = rowNamed(found, name);
    if (theirs === null) return [];
    const cpu = (ours.cpuMicrosPerPush ?? NaN) / (theirs.cpuMicrosPerPush ?? NaN);
    const rate = (ours.pushesPerSecond ?? NaN) / (theirs.pushesPerSecond ?? NaN);
    return [`carillon/1 against ${name}: ${cpu.toFixed(3)} of its CPU a push (1/${(1 / cpu).toFixed(1)}), ${rate.toFixed(2)} times its rate`];
  });
}

/** The guard of CI: a tenth of node:http2 is a wide margin, and no busy machine breaks a ratio that far. */
function check(found: readonly Row[]): string[] {
  const ours = rowNamed(found, 'carillon/1')?.cpuMicrosPerPush;
  const theirs = rowNamed(found, 'node-http2')?.cpuMicrosPerPush;
  if (ours === undefined || theirs === undefined) return ['it needs the rows carillon/1 and node-http2'];
  if (ours <= theirs / 10) return [];
  return [`carillon/1 spends ${ours} µs a push, more than a tenth of node-http2's ${theirs}`];
}
