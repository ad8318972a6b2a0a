/**
 * nghttp2's load generator, the C client that everything is held against: one thread, one connection, 1000 streams, the
 * same headers, tokens and payload size. It sends one apns-id and one body throughout, and keeps nothing per push.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault, openProviderTokenSource } from '@carillon/apns';
import type { ClientReport, ClientTask } from './client.ts';
import { deviceTokens, payloadText } from './traffic.ts';

/** As `h2load --version` prints it; null where it is not installed. */
export async function h2loadVersion(): Promise<string | null> {
  try {
    const { output } = await run('h2load', ['--version'], AbortSignal.timeout(10_000));
    return output.trim();
  } catch {
    return null;
  }
}

export async function runH2load(task: ClientTask, signal: AbortSignal): Promise<ClientReport> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  try {
    const origin = `https://127.0.0.1:${task.port}`;
    const paths = join(folder, 'paths');
    const body = join(folder, 'body');
    await writeFile(
      paths,
      deviceTokens()
        .map((token) => `${origin}/3/device/${token}\n`)
        .join(''),
    );
    await writeFile(body, payloadText(0));
    const args = ['-t1', `-c${task.connections}`, `-m${task.inFlight}`, `-n${task.pushes}`, '-i', paths, '-d', body];
    for (const [name, value] of headersOf(task)) args.push('-H', `${name}: ${value}`);
    // POSIX `times` prints user and system time of the shell's ended children, here of h2load alone: its whole life.
    const { output, times } = await run(
      'sh',
      ['-c', '"$@"; status=$?; times >&2; exit $status', 'sh', 'h2load', ...args],
      signal,
    );
    return readReport(output, times);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function headersOf({ keyPem: key, keyId, teamId, topic }: ClientTask): (readonly [string, string])[] {
  const source = openProviderTokenSource({ key, keyId, teamId });
  if (isFault(source)) throw new Error(source.message);
  return [
    ['authorization', `bearer ${source.tokenAt(Date.now()).token}`],
    ['apns-topic', topic],
    ['apns-push-type', 'alert'],
    ['apns-priority', '10'],
    ['apns-id', '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f'],
  ];
}

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ output: string; times: string }> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // A group of its own, so that h2load ends with its shell.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    signal.addEventListener('abort', kill, { once: true });
    let output = '';
    let times = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (times += text));
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve({ output, times });
      else reject(new Error(`${command} ended with ${code}: ${times || output}`));
    });
  });
}

/** `finished in 3.01s, 331996.01 req/s, …`, `status codes: 1000000 2xx, …`; times: `0m2.345s 0m0.678s`, the second line. */
export function readReport(output: string, times: string): ClientReport {
  const finished = /finished in ([\d.]+)(s|ms|us)/.exec(output);
  const ok = /status codes: (\d+) 2xx/.exec(output);
  const children = times.trim().split('\n').at(-1) ?? '';
  const [user, system] = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (finished === null || ok === null || user === undefined || system === undefined) {
    throw new Error(`h2load or sh said something unexpected:\n${output}\n${times}`);
  }
  const unitMs = finished[2] === 's' ? 1000 : finished[2] === 'ms' ? 1 : 0.001;
  return {
    statuses: { 200: Number(ok[1]) },
    cpuMicros: (user + system) * 1e6,
    steadyCpuMicros: NaN,
    steadyPushes: 0,
    wallMs: Number(finished[1]) * unitMs,
    peakRssMb: NaN,
  };
}
