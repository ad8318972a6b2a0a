// `carillon simulate`: Apple's side on this machine, in this process, until Ctrl-C.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  FaultScriptError,
  formatRefereeReport,
  loadFaultScript,
  renderTimeline,
  startSimulator,
} from '@carillon/simulator';
import type { RefereeReport, Simulator, SimulatorStats } from '@carillon/simulator';

import { UsageError } from './command-line/usage-error.ts';
import { reasonOf } from './config/reason-of.ts';
import type { SimulateConfig } from './config/simulate-config.ts';
import type { ExitCode } from './exit-code.ts';
import { Interruption } from './interruption.ts';
import type { Log } from './report/log.ts';
import { grouped } from './report/progress.ts';
import { ReportFile } from './report/report-file.ts';

/** Throws `UsageError` when it cannot begin. */
export async function simulate(config: SimulateConfig, log: Log): Promise<ExitCode> {
  // Before anything listens: nobody should run for an hour and then hear that there is no such folder.
  await using json = config.reportJson === null ? null : await ReportFile.open('report-json', config.reportJson);
  await using svg = config.reportSvg === null ? null : await ReportFile.open('report-svg', config.reportSvg);
  const interruption = new Interruption();
  let isWritten = true;
  const simulator = await start(config);
  try {
    if (config.credentialsFolder !== null) await writeCredentials(config.credentialsFolder, simulator);
    if (!config.isQuiet) process.stderr.write(greeting(config, simulator));
    log.logger.debug({ endpoint: simulator.endpoint, profile: config.profile, stack: config.stack }, 'simulating');
    const stopShowing = showStats(config, simulator);
    await aborted(interruption.stop);
    stopShowing();
    const [stats, referee] = [simulator.stats(), simulator.report()];
    process.stdout.write(config.isJson ? `${jsonReport(stats, referee)}\n` : textReport(stats, referee));
    if (referee !== null) isWritten = await writeReports(referee, json, svg, log);
  } finally {
    interruption[Symbol.dispose]();
    await simulator.close();
  }
  return isWritten ? 0 : 1;
}

/** False: the disk would not have it. What could be told was told on stdout. */
async function writeReports(
  referee: RefereeReport,
  json: ReportFile | null,
  svg: ReportFile | null,
  { logger }: Log,
): Promise<boolean> {
  try {
    await json?.write(`${JSON.stringify(referee)}\n`);
    await svg?.write(renderTimeline(referee));
    return true;
  } catch (error) {
    logger.error(`the referee’s report was not written: ${reasonOf(error)}`);
    return false;
  }
}

async function start(config: SimulateConfig): Promise<Simulator> {
  const { port, channelsPort, profile, stack, streamsMax, load, faults, ledger, hasReferee } = config;
  try {
    return await startSimulator({
      port,
      channelsPort,
      profile,
      stack,
      referee: hasReferee,
      ...(streamsMax === null ? {} : { http2: { streamsMax } }),
      ...(load === null ? {} : { load }),
      ...(faults === null ? {} : { faults: loadFaultScript(faults) }),
      ...(ledger === null ? {} : { ledger: { kind: 'file', path: ledger } }),
    });
  } catch (error) {
    if (error instanceof FaultScriptError) throw new UsageError(`--faults: ${error.message}`, { cause: error });
    throw new UsageError(`the simulator cannot begin: ${reasonOf(error)}`, { cause: error });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a client needs, in files. The keys are the simulator's own: worth nothing elsewhere, and 0600 out of habit. */
async function writeCredentials(folder: string, simulator: Simulator): Promise<void> {
  const { ca, endpoint, channelsEndpoint, identity, keyId, keyPem, teamId } = simulator;
  const secret = { mode: 0o600 };
  const names = { ca: 'ca.pem', key: 'key.p8', cert: 'push-cert.pem', 'cert-key': 'push-key.pem' };
  const credentials = {
    endpoint,
    'channels-endpoint': channelsEndpoint,
    topic: identity.topic,
    ca: names.ca,
    key: names.key,
    'key-id': keyId,
    'team-id': teamId,
  };
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, names.ca), ca);
    await writeFile(join(folder, names.key), keyPem, secret);
    await writeFile(join(folder, names.cert), identity.push.certificatePem);
    await writeFile(join(folder, names['cert-key']), identity.push.keyPem, secret);
    // Last: who waits for this file finds the others complete. It is a configuration file of `carillon send` and `channels`, too.
    await writeFile(join(folder, 'credentials.json'), `${JSON.stringify(credentials, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`the credentials cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

function greeting(
  { profile, stack, credentialsFolder }: SimulateConfig,
  { endpoint, channelsEndpoint, keyId, teamId, identity }: Simulator,
): string {
  const head =
    `This is a simulator of APNs (${profile}, ${stack}) on this machine only. Nothing reaches a device.\n\n` +
    `  endpoint  ${endpoint}\n  channels  ${channelsEndpoint}\n  topic     ${identity.topic}\n` +
    `  key id    ${keyId}\n  team id   ${teamId}\n\n`;
  const send =
    credentialsFolder === null
      ? 'Clients need its certificate and key: --write-credentials DIR writes them.\n'
      : `Send to it:\n\n  carillon send jobs.ndjson --config ${join(credentialsFolder, 'credentials.json')}\n`;
  return `${head}${send}\nCtrl-C ends it.\n`;
}

// 2 s: a line that people read.
const statsEveryMs = 2_000;

function showStats({ isQuiet }: SimulateConfig, simulator: Simulator): () => void {
  if (isQuiet || !process.stderr.isTTY) return () => undefined;
  let lastRequests = 0;
  const timer = setInterval(() => {
    const { connectionsOpen, requests } = simulator.stats();
    if (requests === lastRequests) return;
    const perSecond = ((requests - lastRequests) * 1000) / statsEveryMs;
    lastRequests = requests;
    process.stderr.write(
      `${grouped(requests)} requests, ${grouped(perSecond)} a second, ${grouped(connectionsOpen)} connections open\n`,
    );
  }, statsEveryMs);
  return () => clearInterval(timer);
}

/** The timeline is for --report-json: it would be a line of a hundred kilobytes here. */
function jsonReport(stats: SimulatorStats, report: RefereeReport | null): string {
  if (report === null) return JSON.stringify(stats);
  const { timeline: _, ...referee } = report;
  return JSON.stringify({ ...stats, referee });
}

function textReport(stats: SimulatorStats, referee: RefereeReport | null): string {
  return referee === null ? countsReport(stats) : `${countsReport(stats)}\n${formatRefereeReport(referee)}`;
}

function countsReport(stats: SimulatorStats): string {
  const lines = [
    `${grouped(stats.requests)} requests on ${grouped(stats.connectionsSecured)} connections, at most ${grouped(stats.streamsPeak)} streams at once`,
    ...countedLines('status', stats.statuses),
    ...countedLines('reason', stats.reasons),
    ...countedLines('handshake failed', stats.handshakeFaults),
    ...countedLines('connection ended', stats.connectionFaults),
    ...countedLines('fault played', stats.fired),
  ];
  if (stats.broadcasts > 0) lines.push(`${grouped(stats.broadcasts).padStart(11)} broadcasts accepted`);
  if (stats.channelCalls > 0) {
    lines.push(`${grouped(stats.channelCalls).padStart(11)} calls about channels; there are now ${stats.channels}`);
    lines.push(...countedLines('channel call refused', stats.channelReasons));
  }
  if (stats.streamsRefused > 0) lines.push(`  ${grouped(stats.streamsRefused)} streams refused`);
  return `${lines.join('\n')}\n`;
}

function countedLines(what: string, counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${grouped(count).padStart(11)} ${what} ${name}`);
}
