// The real command, in a process of its own, against a real simulator: what a user has, less the build.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Receipt } from '@carillon/engine';
import { createIdentity } from '@carillon/simulator';
import type { SimulatorIdentity } from '@carillon/simulator';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface CommandEnd {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  readonly end: Promise<CommandEnd>;
  /** Resolves when stderr has said it; rejects when the command ends before. */
  said(text: string): Promise<void>;
}

export interface CommandOptions {
  readonly script?: string;
  /** Null: stays open. Default: empty. */
  readonly stdin?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function startCarillon(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const { script = main, stdin = '', env = {}, cwd } = options;
  const child = spawn(process.execPath, ['--conditions=@carillon/source', script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  // The command may end before it has read everything.
  child.stdin.on('error', () => undefined);
  if (stdin !== null) child.stdin.end(stdin);
  const end = new Promise<CommandEnd>((resolve) => {
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!stderr.includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void end.then(() => reject(new Error(`the command ended without saying ${JSON.stringify(text)}: ${stderr}`)));
    });
  return { process: child, end, said };
}

export function carillon(args: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> {
  return startCarillon(args, options).end;
}

/** A folder with what `carillon send` needs to reach a simulator with this identity. */
export class Desk implements AsyncDisposable {
  readonly folder: string;
  readonly identity: SimulatorIdentity;

  private constructor(folder: string, identity: SimulatorIdentity) {
    this.folder = folder;
    this.identity = identity;
  }

  static async open(identity: SimulatorIdentity = createIdentity()): Promise<Desk> {
    const desk = new Desk(await mkdtemp(join(tmpdir(), 'carillon-test-')), identity);
    await writeFile(desk.path('ca.pem'), identity.ca);
    await writeFile(desk.path('key.p8'), identity.keyPem, { mode: 0o600 });
    return desk;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The options that name gateway, trust, credential and topic. */
  options(endpoint: string): string[] {
    const { keyId, teamId, topic } = this.identity;
    const credential = ['--key', this.path('key.p8'), '--key-id', keyId, '--team-id', teamId];
    return ['--endpoint', endpoint, '--ca', this.path('ca.pem'), '--topic', topic, ...credential];
  }

  /** Writes a file of jobs, one a line; texts are written as they are. Returns its path. */
  async jobs(lines: readonly (object | string)[], name = 'jobs.ndjson'): Promise<string> {
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    await writeFile(this.path(name), text);
    return this.path(name);
  }

  async receipts(name = 'receipts.ndjson'): Promise<Receipt[]> {
    return receiptsOf(await readFile(this.path(name), 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function receiptsOf(text: string): Receipt[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Receipt); // what our own command wrote
}

export function deviceToken(number: number): string {
  return createHash('sha256').update(`device ${number}`).digest('hex');
}

export function job(number: number, fields: object = {}): object {
  return { id: `job-${number}`, token: deviceToken(number), payload: { aps: { alert: `Hello ${number}` } }, ...fields };
}

export function manyJobs(count: number): object[] {
  return Array.from({ length: count }, (_, i) => job(i + 1));
}

/** The line numbers of the receipts, in order: each line once is what most tests want. */
export function linesOf(receipts: readonly Receipt[]): number[] {
  return receipts.map((receipt) => receipt.line ?? 0).sort((a, b) => a - b);
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
