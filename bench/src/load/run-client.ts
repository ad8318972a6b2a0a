/** Runs a client in a process of its own, and holds what it reports against what the gateway saw. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SimulatorStats } from '@carillon/simulator';
import type { ClientAnswer, ClientReport, ClientTask } from './client.ts';

/** A client's process that died under its task: a sender may. */
export class ClientEndedError extends Error {}

export interface ClientOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** `program`: beside this file's folder, without its extension; it calls `serveTask`. */
export function runClient(program: string, task: ClientTask, options: ClientOptions): Promise<ClientReport> {
  return runTask<ClientReport>(program, task, options);
}

/** For a `program` that calls `serve`: what it reports. */
export async function runTask<Report>(program: string, task: object, options: ClientOptions): Promise<Report> {
  const { env, signal } = options;
  signal.throwIfAborted();
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(fileURLToPath(new URL(`../${program}.${extension}`, import.meta.url)), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    const answer = await new Promise<ClientAnswer<Report>>((resolve, reject) => {
      child.once('message', (message: ClientAnswer<Report>) => resolve(message)); // serve sends nothing else
      child.once('error', reject);
      child.once('exit', (code, by) =>
        reject(
          signal.aborted
            ? (signal.reason as Error)
            : new ClientEndedError(`${program} ended (${by ?? code}) without a report`),
        ),
      );
      child.send(task);
    });
    if (answer.kind === 'failed') throw new Error(`${program}: ${answer.message}`);
    return answer.report;
  } finally {
    signal.removeEventListener('abort', kill);
    // Its exit may take seconds where a client keeps sockets open; with its report its work is done.
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await ended(child, kill);
  }
}

function ended(child: ReturnType<typeof fork>, kill: () => void): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(kill, 2_000);
    child.once('exit', () => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** A row counts only when the gateway saw exactly its pushes and everything was answered 200. */
export function heldAgainstGateway(
  name: string,
  pushes: number,
  report: ClientReport,
  before: SimulatorStats,
  after: SimulatorStats,
): void {
  const seen = after.requests - before.requests;
  if (seen !== pushes) throw new Error(`${name}: ${pushes} pushes reported, the gateway saw ${seen}`);
  if (report.statuses['200'] !== pushes) throw new Error(`${name}: not all 200: ${JSON.stringify(report.statuses)}`);
}
