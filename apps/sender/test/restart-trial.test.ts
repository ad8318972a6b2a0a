// The trial of a bad day: the gateway goes away twice while jobs are on the wire, and sends GOAWAY all along. Every job ends
// up accepted, with one receipt, and a program that is not the sender says so from the receipts and the gateway's ledgers;
// the referee has nothing against how it was done.
//
// CARILLON_TRIAL_JOBS=100000 runs it at full size, and prints what was counted.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { createIdentity, startSimulator } from '@carillon/simulator';
import type { RefereeReport, SimulatorIdentity, Simulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { Desk, manyJobs, startCarillon } from './command.ts';
import type { RunningCommand } from './command.ts';

const jobs = Number(process.env['CARILLON_TRIAL_JOBS'] ?? 20_000);
const ratePerSecond = 5_000;
const repliesPerGoAway = Math.ceil(jobs / 20);
/** An answer takes so long, so that at 5,000 a second about 100 pushes are on the wire whenever a life of the gateway ends. */
const thinkMs = 20;
/** Away for so long: a restart. The sender's dials fail meanwhile. */
const awayMs = 300;

const reconcileProgram = fileURLToPath(new URL('../../../tools/reconcile.ts', import.meta.url));

/** What `tools/reconcile.ts --json` prints, as far as this test reads it. */
interface Reconciled {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly ledgers: readonly { readonly taken: number }[];
  readonly duplicates: number;
  readonly duplicatesBetweenLedgers: number;
  readonly mismatches: Readonly<Record<string, number>>;
  readonly examples: readonly string[];
}

function reconcile(args: readonly string[]): Promise<{ exitCode: number; found: Reconciled }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [reconcileProgram, ...args, '--json'], (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr));
      else resolve({ exitCode: Number(error?.code ?? 0), found: JSON.parse(stdout) as Reconciled });
    });
  });
}

function startGateway(identity: SimulatorIdentity, ledger: string, port: number): Promise<Simulator> {
  const faults = [
    { id: 'goaway', when: { on: 'reply', every: repliesPerGoAway, inAll: true }, action: { kind: 'goaway' } },
    { id: 'think', when: { on: 'request' }, action: { kind: 'delay', delayMs: thinkMs } },
  ] as const;
  return startSimulator({ identity, port, ledger: { kind: 'file', path: ledger }, faults: { faults }, referee: true });
}

/** Until this life of the gateway has seen so many requests. */
async function whenSeen(gateway: Simulator, requests: number, sender: RunningCommand): Promise<void> {
  while (gateway.stats().requests < requests) {
    if (sender.process.exitCode !== null) throw new Error(`the sender ended: ${(await sender.end).stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('carillon send', () => {
  it(
    'gets every job accepted and accounted for while the gateway restarts twice and sends GOAWAY',
    { timeout: 60_000 },
    async () => {
      await using desk = await Desk.open(createIdentity());
      const ledgers = [1, 2, 3].map((life) => desk.path(`ledger-${life}.ndjson`));
      const [receipts, input] = [desk.path('receipts.ndjson'), await desk.jobs(manyJobs(jobs))];
      let gateway = await startGateway(desk.identity, ledgers[0], 0);
      const { port, endpoint } = gateway;
      let goaways = 0;
      const reports: (RefereeReport | null)[] = [];
      let sending;
      try {
        const options = ['--rate', String(ratePerSecond), '--receipts', receipts, '--json'];
        sending = startCarillon(['send', input, ...desk.options(endpoint), ...options]);
        for (const ledger of ledgers.slice(1)) {
          await whenSeen(gateway, jobs / 3, sending);
          goaways += gateway.stats().fired['goaway'];
          reports.push(gateway.report());
          await gateway.close();
          await new Promise((resolve) => setTimeout(resolve, awayMs));
          gateway = await startGateway(desk.identity, ledger, port);
        }
        const { exitCode, stdout } = await sending.end;
        goaways += gateway.stats().fired['goaway'];
        reports.push(gateway.report());
        await gateway.close();
        expect(exitCode, stdout).toBe(0);
      } finally {
        sending?.process.kill('SIGKILL');
        await gateway.close();
      }

      const { exitCode, found } = await reconcile(['--jobs', input, '--receipts', receipts, '--ledger', ...ledgers]);
      if (jobs > 20_000) console.log({ goaways, ...found });
      expect(found.mismatches, found.examples.join('\n')).toEqual({});
      expect(exitCode).toBe(0);
      expect(found.outcomes).toEqual({ accepted: jobs });
      // In each life a referee watched. The bench `conduct` has one for both lives, and other senders that it convicts.
      expect(reports.map((report) => report?.verdict)).toEqual(['clean', 'clean', 'clean']);
      // Each life of the gateway did its part, and GOAWAY came in all of them.
      for (const { taken } of found.ledgers) expect(taken).toBeGreaterThan(jobs / 10);
      expect(goaways).toBeGreaterThanOrEqual(15);
      // Only what was on the wire when a life ended may have been taken twice: 4 connections of 1,000 streams at most.
      expect(found.duplicates).toBe(found.duplicatesBetweenLedgers);
      expect(found.duplicates).toBeGreaterThan(0);
      expect(found.duplicates).toBeLessThanOrEqual(2 * 4_000);
    },
  );
});
