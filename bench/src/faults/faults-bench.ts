/**
 * The table of faults: what a sender makes of a gateway that fails, ours beside two others, in one run.
 *
 * "Failed" means needlessly: the caller was told failure although sending again would have worked. It would have for every
 * job of every row: tokens, payloads and the credential are good, each fault fires so many times and no more, and whatever
 * is sent afterwards, or over a new connection, is accepted. So every failure that a caller is told counts. "Unresolved" is
 * told nothing within the bound. "Duplicates" are counted by the gateway: pushes taken beyond the first of a job.
 *
 * Each row has a gateway (profile strict) and a client of its own, both in processes of their own. Every client gets all
 * its jobs at once and runs with its own defaults; apns2, which sends one request at a time over each of 32 connections,
 * gets 400 jobs instead of 200 and has the connection faults on the third request of each connection.
 *
 * The run fails when a fault never fired, when a job of ours failed or is unresolved, and when ours sent twice without need.
 */
import { createIdentity, spawnSimulator } from '@carillon/simulator';
import type { SimulatorIdentity, SpawnedSimulator } from '@carillon/simulator';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { ClientEndedError, runTask } from '../load/run-client.ts';
import { faultCases, firedOf, scriptOf } from './fault-table.ts';
import type { Batch, FaultCase, Use } from './fault-table.ts';
import type { FaultReport, FaultTask } from './fault-task.ts';
import { objections, reckon } from './reckoning.ts';

interface Sender {
  readonly name: string;
  readonly use: Use;
  readonly jobs: number;
  readonly isInQuick: boolean;
}

const ours = 'carillon';

const senders: readonly Sender[] = [
  { name: ours, use: 'multiplexed', jobs: 200, isInQuick: true },
  { name: 'parse-node-apn', use: 'multiplexed', jobs: 200, isInQuick: true },
  // Two of its rows are nothing but the bound.
  { name: 'apns2', use: 'one-at-a-time', jobs: 400, isInQuick: false },
];

/** More than every wait that a client of these has by default, but apns2's 300 s for an answer. */
const boundMs = 25_000;
/** 5 s is what @parse/node-apn waits for an answer; ours waits 20 s by default. */
const quickRequestTimeoutMs = 5_000;

export const faultsBench: Bench = {
  name: 'faults',
  question:
    'what is the caller told when the gateway fails: how many jobs fail needlessly, are never settled, are sent twice?\n' +
    'Read by whoever chooses a sender, and by CI: ours settles every job of every row as accepted.',
  run,
  conclude,
  failures,
};

async function run(context: BenchContext): Promise<Row[]> {
  const identity = createIdentity();
  const rows: Row[] = [];
  for (const fault of faultCases) {
    for (const sender of senders) {
      if (context.isQuick && !sender.isInQuick) continue;
      const name = `${fault.name}/${sender.name}`;
      if (context.wants(name)) rows.push(await runRow(name, fault, sender, identity, context));
    }
  }
  return rows;
}

async function runRow(
  name: string,
  fault: FaultCase,
  { name: sender, use, jobs }: Sender,
  identity: SimulatorIdentity,
  { isQuick, progress, signal }: BenchContext,
): Promise<Row> {
  const batch: Batch = { use, jobs, isQuick };
  signal.throwIfAborted();
  await using gateway = await spawnSimulator({
    identity,
    // Unless the fault says otherwise, all streams are there from the start: one fault a row.
    http2: { streamsBeforeAuthentication: 1_000 },
    ...fault.gateway,
    ledger: { kind: 'memory' },
    faults: scriptOf(fault, batch),
  });
  const task = taskFor(gateway, jobs, fault.boundMs ?? boundMs, isQuick ? quickRequestTimeoutMs : null);
  const report = await runSender(name, sender, task, progress, signal);
  const { failed, unresolved, duplicates, renamed, lost } = reckon(report, await gateway.ledger());
  const fired = firedOf(fault, await gateway.stats(), use);
  const told = Object.entries(report.told).map(([text, count]) => `, ${count} × ${text}`);
  progress(`${name}: ${fault.what}: ${failed} failed, ${unresolved} unresolved${told.join('').slice(0, 300)}`);
  return { name, n: jobs, jobs, fired, failed, unresolved, duplicates, renamed, lost, seconds: report.seconds };
}

function taskFor(gateway: SpawnedSimulator, jobs: number, bound: number, requestTimeoutMs: number | null): FaultTask {
  const { port, ca, keyPem, keyId, teamId, identity } = gateway;
  return { port, ca, keyPem, keyId, teamId, topic: identity.topic, jobs, boundMs: bound, requestTimeoutMs };
}

async function runSender(
  name: string,
  sender: string,
  task: FaultTask,
  progress: BenchContext['progress'],
  signal: AbortSignal,
): Promise<FaultReport> {
  const beganAt = performance.now();
  try {
    return await runTask<FaultReport>(`faults/clients/${sender}-process`, task, { signal });
  } catch (error) {
    if (!(error instanceof ClientEndedError)) throw error;
    progress(`${name}: ${error.message}`);
    // Its callers are gone with it, and nobody was told anything.
    const ends = Array.from({ length: task.jobs }, () => 'unresolved' as const);
    return { ends, told: {}, seconds: (performance.now() - beganAt) / 1000 };
  }
}

function conclude(rows: readonly Row[]): string[] {
  return senders.flatMap(({ name }) => {
    const found = rows.filter((row) => senderOf(row) === name);
    if (found.length === 0) return [];
    const sum = (figure: string): number => found.reduce((total, row) => total + Number(row[figure] ?? 0), 0);
    const of = `of ${sum('jobs')} jobs under ${found.length} faults`;
    return [
      `${name}: ${of}, ${sum('failed')} failed needlessly, ${sum('unresolved')} unresolved, ${sum('duplicates')} duplicates`,
    ];
  });
}

function failures(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const fault = faultCases.find(({ name }) => row.name.startsWith(`${name}/`));
    const neverFired = row['fired'] === 0 && fault?.name !== 'none' ? [`${row.name}: the fault never fired`] : [];
    return senderOf(row) === ours ? [...neverFired, ...objections(row, fault?.isAmbiguous ?? false)] : neverFired;
  });
}

function senderOf(row: Row): string {
  return row.name.slice(row.name.indexOf('/') + 1);
}
