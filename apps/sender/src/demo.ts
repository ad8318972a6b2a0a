// The demo that `npm start` runs: 100,000 notifications from a file, over TLS, to the simulator in another process.
//
//   npm start -- --keep     leaves the folder with the jobs, the receipts and the simulator's credentials
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { spawnSimulator } from '@carillon/simulator';
import type { SpawnedSimulator } from '@carillon/simulator';

import { UsageError } from './command-line/usage-error.ts';
import { sendConfig } from './config/send-config.ts';
import { writeDemoJobs } from './demo-jobs.ts';
import type { ExitCode } from './exit-code.ts';
import { Interruption } from './interruption.ts';
import { openLog } from './report/log.ts';
import { grouped } from './report/progress.ts';
import { send } from './send.ts';

const jobs = 100_000;

async function demo(isKept: boolean): Promise<ExitCode> {
  const interruption = new Interruption();
  const folder = await mkdtemp(join(tmpdir(), 'carillon-demo-'));
  try {
    const simulator = await spawnSimulator({ profile: 'strict' });
    try {
      say(`A simulator of APNs, with Apple’s rules, listens on ${simulator.endpoint}: nothing reaches a device.`);
      const files = await prepare(folder, simulator, interruption.stop);
      say(`${grouped(jobs)} notifications for 20,000 devices are in ${files.jobs}\n`);
      // From here on sending watches for Ctrl-C itself.
      interruption[Symbol.dispose]();
      const exitCode = await sendTo(simulator, files);
      await tellEnd(simulator, files.receipts, isKept);
      return exitCode;
    } finally {
      await simulator.close();
    }
  } catch (error) {
    if (interruption.stop.aborted) return 130;
    throw error;
  } finally {
    interruption[Symbol.dispose]();
    if (!isKept) await rm(folder, { recursive: true, force: true });
  }
}

interface DemoFiles {
  readonly ca: string;
  readonly key: string;
  readonly jobs: string;
  readonly receipts: string;
}

async function prepare(folder: string, simulator: SpawnedSimulator, signal: AbortSignal): Promise<DemoFiles> {
  const files = {
    ca: join(folder, 'ca.pem'),
    key: join(folder, 'key.p8'),
    jobs: join(folder, 'jobs.ndjson'),
    receipts: join(folder, 'receipts.ndjson'),
  };
  await writeFile(files.ca, simulator.ca);
  await writeFile(files.key, simulator.keyPem, { mode: 0o600 });
  await writeDemoJobs(files.jobs, jobs, signal);
  return files;
}

/** What `carillon send` does with the same options. */
async function sendTo({ endpoint, identity, keyId, teamId }: SpawnedSimulator, files: DemoFiles): Promise<ExitCode> {
  const { ca, key, receipts } = files;
  const given = { endpoint, ca, key, 'key-id': keyId, 'team-id': teamId, topic: identity.topic, receipts };
  const config = sendConfig([files.jobs], given, {}, true);
  const log = openLog(config.logLevel, process.stderr.isTTY);
  try {
    return await send(config, log);
  } finally {
    log.flush();
  }
}

async function tellEnd(simulator: SpawnedSimulator, receipts: string, isKept: boolean): Promise<void> {
  const { requests } = await simulator.stats();
  say(`\nThe simulator counted ${grouped(requests)} requests. The first receipt:\n\n  ${await firstLine(receipts)}\n`);
  if (!isKept) say('The folder with the receipts is removed now; npm start -- --keep leaves it in place.');
}

async function firstLine(path: string): Promise<string> {
  const file = await open(path);
  try {
    for await (const line of file.readLines()) return line;
    return '(none)';
  } finally {
    await file.close();
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await demo(process.argv.includes('--keep'));
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(
    `demo: ${error instanceof Error ? (isUsage ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
  );
  process.exitCode = 1;
}
