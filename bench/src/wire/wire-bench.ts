/** What a push costs on the wire, ours beside everybody's. */
import type { Bench, Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { client, h2load } from '../load/clients.ts';
import { runLoadRows } from '../load/load-rows.ts';
import { drawWire } from './chart.ts';

const rows = [
  client('carillon/1', 'wire/clients/carillon', 'fast'),
  client('carillon/4', 'wire/clients/carillon', 'fast', { connections: 4 }),
  client('carillon/1/topics-30', 'wire/clients/carillon', 'fast', { topics: 30 }),
  client('carillon/1/topics-500', 'wire/clients/carillon', 'fast', { topics: 500 }),
  client('carillon-ndjson', 'wire/clients/carillon-ndjson', 'fast'),
  client('carillon-send', 'wire/clients/carillon-send', 'fast'),
  h2load,
  client('node-http2', 'wire/clients/node-http2', 'slow', { inFlight: 100 }, { inFlight: 1000 }),
  client('parse-node-apn', 'wire/clients/parse-node-apn', 'slow', { inFlight: 100 }, { inFlight: 1000 }),
  client('apns2', 'wire/clients/apns2', 'slow'),
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
  chart: (found, machine, at) => ({ path: 'docs/bench/wire.svg', text: drawWire(found, machine, at) }),
};

/** `carillon/1` against each peer of the same run, and by promise against the library that works by promise. */
function ratios(found: readonly Row[]): string[] {
  return [
    ...peers.map((name) => compare(found, 'carillon/1', name)),
    compare(found, 'carillon-send', 'parse-node-apn'),
  ].filter((line) => line !== null);
}

function compare(found: readonly Row[], ourName: string, theirName: string): string | null {
  const ours = rowNamed(found, ourName);
  const theirs = rowNamed(found, theirName);
  if (ours === null || theirs === null) return null;
  const cpu = (ours.cpuMicrosPerPush ?? NaN) / (theirs.cpuMicrosPerPush ?? NaN);
  const rate = (ours.pushesPerSecond ?? NaN) / (theirs.pushesPerSecond ?? NaN);
  return `${ourName} against ${theirName}: ${cpu.toFixed(3)} of its CPU a push (1/${(1 / cpu).toFixed(1)}), ${rate.toFixed(2)} times its rate`;
}

/** The guard of CI: a tenth of node:http2 is a wide margin, and no busy machine breaks a ratio that far. */
function check(found: readonly Row[]): string[] {
  const ours = rowNamed(found, 'carillon/1')?.cpuMicrosPerPush;
  const theirs = rowNamed(found, 'node-http2')?.cpuMicrosPerPush;
  if (ours === undefined || theirs === undefined) return ['it needs the rows carillon/1 and node-http2'];
  if (ours <= theirs / 10) return [];
  return [`carillon/1 spends ${ours} µs a push, more than a tenth of node-http2's ${theirs}`];
}
