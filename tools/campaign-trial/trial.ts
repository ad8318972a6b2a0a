// A campaign through `carillon send`, as a user has it: the command in a process of its own, a simulator in another, a list
// with one line in a hundred wrong in one of ten ways. Afterwards every receipt is held against its line.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Receipt } from '@carillon/engine';
import { spawnSimulator } from '@carillon/simulator';
import type { SpawnedSimulator } from '@carillon/simulator';
import { notification, tokenOf, wrongOf, writeRecipients } from './recipients-list.ts';

export interface TrialOptions {
  readonly recipients: number;
  /** `strict`: a referee watches; `fast`: the gateway takes little of the machine. */
  readonly profile: 'strict' | 'fast';
  readonly progress: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface TrialReport {
  readonly receipts: number;
  readonly accepted: number;
  /** By code: wrong lines and their receipts. */
  readonly refused: Readonly<Record<string, number>>;
  /** What the gateway was asked. */
  readonly requests: number;
  readonly seconds: number;
  /** Most that the command had resident, in MB; null where the system does not tell. */
  readonly peakMb: number | null;
  /** What did not hold; the first of them. */
  readonly failures: readonly string[];
}

const command = fileURLToPath(new URL('../../apps/sender/src/main.ts', import.meta.url));
/** More of the same say no more. */
const failuresMax = 20;

export async function runTrial(options: TrialOptions): Promise<TrialReport> {
  const { recipients, profile, progress, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'carillon-campaign-'));
  try {
    const list = join(folder, 'recipients.ndjson');
    progress(`writing ${recipients.toLocaleString('en-US')} recipients`);
    await writeRecipients(list, recipients);
    await using simulator = await spawnSimulator({ profile });
    progress('sending');
    const startedMs = performance.now();
    const end = await send(folder, list, simulator, signal);
    const seconds = (performance.now() - startedMs) / 1000;
    progress('holding each receipt against its line');
    const docket = await judge(join(folder, 'receipts.ndjson'), list, recipients);
    const { requests } = await simulator.stats();
    // Wrong lines make the code 1, and so it should be.
    if (end.exitCode !== 1) docket.fail(`exit code ${end.exitCode}: ${end.output.slice(0, 500)}`);
    if (requests !== docket.accepted) docket.fail(`${docket.accepted} accepted, ${requests} requests at the gateway`);
    const { accepted, receipts, refused, failures } = docket;
    return { receipts, accepted, refused, requests, seconds, peakMb: end.peakMb, failures };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface CommandEnd {
  readonly exitCode: number | null;
  readonly output: string;
  readonly peakMb: number | null;
}

async function send(
  folder: string,
  list: string,
  simulator: SpawnedSimulator,
  signal: AbortSignal | undefined,
): Promise<CommandEnd> {
  const path = (name: string): string => join(folder, name);
  await writeFile(path('ca.pem'), simulator.ca);
  await writeFile(path('key.p8'), simulator.keyPem, { mode: 0o600 });
  await writeFile(path('notification.json'), JSON.stringify(notification, null, 2));
  const { keyId, teamId, endpoint, identity } = simulator;
  const options = {
    notification: path('notification.json'),
    recipients: list,
    receipts: path('receipts.ndjson'),
    endpoint,
    ca: path('ca.pem'),
    key: path('key.p8'),
    'key-id': keyId,
    'team-id': teamId,
    topic: identity.topic,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(process.execPath, ['--conditions=@carillon/source', command, 'send', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  let peakMb: number | null = null;
  const timer = setInterval(() => {
    void peakOf(child.pid).then((mb) => {
      if (mb !== null) peakMb = Math.max(peakMb ?? 0, mb);
    });
  }, 500);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { exitCode, output, peakMb };
  } finally {
    clearInterval(timer);
  }
}

/** Linux keeps the most that a process ever had resident (VmHWM). */
async function peakOf(pid: number | undefined): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const found = /VmHWM:\s+(\d+) kB/.exec(status);
  return found === null ? null : Math.round(Number(found[1]) / 1024);
}

class Docket {
  receipts = 0;
  accepted = 0;
  readonly refused: Record<string, number> = {};
  readonly failures: string[] = [];

  fail(what: string): void {
    if (this.failures.length < failuresMax) this.failures.push(what);
  }
}

async function judge(path: string, list: string, count: number): Promise<Docket> {
  const docket = new Docket();
  const seen = new Uint8Array(count + 1);
  for await (const text of createInterface({ input: createReadStream(path) })) {
    docket.receipts++;
    const receipt = JSON.parse(text) as Receipt; // our own command wrote it
    const { line = 0, outcome, reason, message, token, file } = receipt;
    if (!(line >= 1 && line <= count) || file !== list) {
      docket.fail(`no such line: ${text}`);
      continue;
    }
    if (seen[line]++ > 0) docket.fail(`line ${line} has a second receipt`);
    const wrong = wrongOf(line);
    if (wrong === null) {
      docket.accepted++;
      if (outcome !== 'accepted' || token !== tokenOf(line)) docket.fail(`line ${line} is right: ${text}`);
      continue;
    }
    docket.refused[wrong.code] = (docket.refused[wrong.code] ?? 0) + 1;
    const isRight = outcome === 'rejected' && reason === wrong.code && receipt.status === null;
    if (!isRight) docket.fail(`line ${line} is wrong (${wrong.code}): ${text}`);
    if (message === undefined || message.length < 20 || message.includes(tokenOf(line)))
      docket.fail(`line ${line} has no sentence, or one with a device token: ${text}`);
  }
  for (let line = 1; line <= count; line++) if (seen[line] === 0) docket.fail(`line ${line} has no receipt`);
  return docket;
}
