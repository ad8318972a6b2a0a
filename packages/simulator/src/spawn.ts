// Starts a simulator in another process, so that a test or a bench measures the sender's CPU alone.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ControlAnswer, ControlCall, ControlResponse } from './control.ts';
import type { SimulatorStats } from './counters.ts';
import type { SimulatorIdentity } from './identity.ts';
import type { LedgerEntry } from './ledger.ts';
import type { RefereeReport } from './referee/report.ts';
import type { ScriptedToken } from './rules/token-store.ts';
import type { LoadOptions, SimulatorOptions } from './simulator-options.ts';

export interface SpawnedSimulator extends AsyncDisposable {
  readonly port: number;
  /** `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** Where channels are managed. */
  readonly channelsEndpoint: string;
  readonly identity: SimulatorIdentity;
  readonly ca: string;
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  /** For SIGSTOP and SIGKILL: a peer that freezes or dies. */
  readonly pid: number;
  stats(): Promise<SimulatorStats>;
  /** What a memory ledger keeps. */
  ledger(): Promise<readonly LedgerEntry[]>;
  /** What the referee has found so far; null without one. */
  report(): Promise<RefereeReport | null>;
  setToken(token: string, state: ScriptedToken): Promise<void>;
  fire(faultId: string): Promise<void>;
  setLoad(load: Partial<LoadOptions>): Promise<void>;
  advanceClock(byMs: number): Promise<void>;
  /** Ends the process, also one that was stopped or killed. May be called twice. */
  close(): Promise<void>;
}

/** An orderly end takes milliseconds; a process that was stopped by SIGSTOP never gets there. */
const closeTimeoutMs = 2_000;

export async function spawnSimulator(options: SimulatorOptions = {}): Promise<SpawnedSimulator> {
  const process = new SimulatorProcess();
  try {
    const { identity, port, channelsEndpoint } = await process.call({ kind: 'start', options }, 'started');
    return {
      port,
      endpoint: `https://127.0.0.1:${port}`,
      channelsEndpoint,
      identity,
      ca: identity.ca,
      keyPem: identity.keyPem,
      keyId: identity.keyId,
      teamId: identity.teamId,
      pid: process.pid,
      stats: async () => (await process.call({ kind: 'stats' }, 'stats')).stats,
      ledger: async () => (await process.call({ kind: 'ledger' }, 'ledger')).entries,
      report: async () => (await process.call({ kind: 'report' }, 'report')).report,
      setToken: async (token, state) => void (await process.call({ kind: 'set-token', token, state }, 'done')),
      fire: async (faultId) => void (await process.call({ kind: 'fire', faultId }, 'done')),
      setLoad: async (load) => void (await process.call({ kind: 'set-load', load }, 'done')),
      advanceClock: async (byMs) => void (await process.call({ kind: 'advance-clock', byMs }, 'done')),
      close: () => process.close(),
      [Symbol.asyncDispose]: () => process.close(),
    };
  } catch (error) {
    await process.kill();
    throw error;
  }
}

class SimulatorProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: ControlAnswer) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  #number = 0;
  #hasExited = false;

  constructor() {
    // Next to this file, in the same form: .ts when run from the sources, .js when built.
    const isSource = import.meta.url.endsWith('.ts');
    this.#child = fork(fileURLToPath(new URL(`./simulator-process.${isSource ? 'ts' : 'js'}`, import.meta.url)), {
      execArgv: isSource ? ['--conditions=@carillon/source'] : [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (response: ControlResponse) => {
      const waiting = this.#waiting.get(response.number);
      if (waiting === undefined) return;
      this.#waiting.delete(response.number);
      if (response.answer.kind === 'failed') waiting.reject(new Error(`simulator: ${response.answer.message}`));
      else waiting.resolve(response.answer);
    });
    this.#exited = new Promise((resolve) => {
      const onGone = (why: string): void => {
        this.#hasExited = true;
        for (const { reject } of this.#waiting.values()) reject(new Error(`simulator: ${why}`));
        this.#waiting.clear();
        resolve();
      };
      this.#child.once('exit', (code, signal) => onGone(`the process ended (${signal ?? `exit code ${code}`})`));
      this.#child.once('error', (error) => onGone(error.message));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0; // undefined only when the fork failed, and then nobody gets here
  }

  /** Rejects when the answer is of another kind than `expected`, and when the process has ended. */
  async call<Kind extends ControlAnswer['kind']>(
    call: ControlCall,
    expected: Kind,
  ): Promise<Extract<ControlAnswer, { kind: Kind }>> {
    if (this.#hasExited) throw new Error('simulator: the process has ended');
    this.#number += 1;
    const number = this.#number;
    const answer = await new Promise<ControlAnswer>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, call }, (error) => {
        if (error === null) return;
        this.#waiting.delete(number);
        reject(error);
      });
    });
    if (answer.kind !== expected) throw new Error(`simulator: answered ${answer.kind} instead of ${expected}`);
    return answer as Extract<ControlAnswer, { kind: Kind }>; // just compared
  }

  /** Rejects when the simulator could not end well, for example because its ledger was not written. */
  async close(): Promise<void> {
    if (this.#hasExited) return;
    const timeout = setTimeout(() => this.#child.kill('SIGKILL'), closeTimeoutMs);
    try {
      await this.call({ kind: 'close' }, 'closed');
    } catch (error) {
      if (!this.#hasExited) {
        this.#child.kill('SIGKILL');
        throw error;
      }
      // Stopped, killed or crashed before it answered: it is gone, and that is what was asked for.
    } finally {
      await this.#exited;
      clearTimeout(timeout);
    }
  }

  async kill(): Promise<void> {
    if (this.#hasExited) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
