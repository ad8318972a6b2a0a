// Gateways that cannot be used: a message that says what is wrong, the contract's exit code, and a receipt for each job.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { createIdentity, startSimulator } from '@carillon/simulator';
import type { Fault, ServerCertificateKind, SimulatorOptions } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, linesOf, manyJobs, upTo } from './command.ts';

interface Attempted {
  readonly exitCode: number | null;
  /** The summary's errors and the log. */
  readonly said: string;
  readonly outcomes: ReadonlySet<string>;
}

const count = 300;

/** Sends to `endpoint` and checks what holds whatever the gateway does: one receipt a job. */
async function attempt(desk: Desk, endpoint: string, giveUpSeconds: number): Promise<Attempted> {
  const path = await desk.jobs(manyJobs(count));
  const end = await carillon([
    'send',
    path,
    ...desk.options(endpoint),
    ...['--give-up-after', String(giveUpSeconds), '--receipts', desk.path('receipts.ndjson'), '--json'],
  ]);
  const receipts = await desk.receipts();
  expect(linesOf(receipts)).toEqual(upTo(count));
  const { errors, jobs, exitCode } = JSON.parse(end.stdout) as { errors: string[]; jobs: number; exitCode: number };
  expect(jobs).toBe(count);
  expect(exitCode).toBe(end.exitCode);
  return {
    exitCode: end.exitCode,
    said: [...errors, end.stderr].join('\n'),
    outcomes: new Set(receipts.map(({ outcome, because }) => `${outcome} ${because ?? ''}`.trim())),
  };
}

async function attemptOn(options: SimulatorOptions, giveUpSeconds = 1): Promise<Attempted> {
  await using desk = await Desk.open(options.identity);
  await using simulator = await startSimulator({ ...options, identity: desk.identity });
  return await attempt(desk, simulator.endpoint, giveUpSeconds);
}

const onStart = (action: Fault['action']): SimulatorOptions => ({
  faults: { faults: [{ when: { on: 'start' }, action }] },
});
const onAccept = (action: Fault['action']): SimulatorOptions => ({
  faults: { faults: [{ when: { on: 'accept' }, action }] },
});
const withCertificate = (serverCertificate: ServerCertificateKind): SimulatorOptions => ({
  identity: createIdentity({ serverCertificate }),
});

// 90 s: five of these run at once, and a busy machine has two cores.
describe.concurrent('A gateway', { timeout: 90_000 }, () => {
  it('that refuses the connection', async () => {
    await using desk = await Desk.open();
    // A port that nobody listens on, because somebody just stopped.
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo; // listening on TCP
    await new Promise((resolve) => server.close(resolve));
    const { exitCode, said, outcomes } = await attempt(desk, `https://127.0.0.1:${port}`, 1);
    expect(exitCode).toBe(3);
    expect(said).toMatch(/refused/i);
    expect(outcomes).toEqual(new Set(['abandoned unreachable']));
  });

  it.each<[string, SimulatorOptions, RegExp]>([
    ['that speaks TLS 1.1', { tls: { maxVersion: 'TLSv1.1' } }, /TLS|protocol/i],
    ['that speaks HTTP/1.1', { tls: { alpn: 'http/1.1' } }, /h2|HTTP\/2|ALPN/i],
    ['with the wrong name', withCertificate('wrong-name'), /name|altname/i],
    ['with a certificate of another authority', withCertificate('other-authority'), /certificate/i],
    ['with a certificate that has expired', withCertificate('expired'), /expired/i],
    ['that says GOAWAY first', onStart({ kind: 'goaway', debug: 'going', insteadOfSettings: true }), /GOAWAY|goodbye/],
    ['that closes at once', onStart({ kind: 'close' }), /closed|ended/i],
    ['that never sends SETTINGS', onStart({ kind: 'no-settings' }), /SETTINGS|settings/],
    ['that resets in the handshake', onAccept({ kind: 'handshake-reset' }), /reset/i],
    ['that hangs in the handshake', onAccept({ kind: 'handshake-hang' }), /./],
  ])('%s', async (_, options, message) => {
    const { exitCode, said, outcomes } = await attemptOn(options);
    expect(said).toMatch(message);
    expect(outcomes).toEqual(new Set(['abandoned unreachable']));
    expect(exitCode).toBe(3);
  });

  it('that refuses the certificate by GOAWAY', async () => {
    const { exitCode, said, outcomes } = await attemptOn(onStart({ kind: 'goaway', reason: 'BadCertificate' }), 20);
    expect(said).toContain('BadCertificate');
    expect(outcomes).toEqual(new Set(['abandoned credential']));
    expect(exitCode).toBe(3);
  });

  it('that goes silent after it has taken requests', async () => {
    const faults: Fault[] = [{ when: { on: 'request', nth: 50, inAll: true }, action: { kind: 'silence' } }];
    const { exitCode, outcomes, said } = await attemptOn({ faults: { faults } }, 5);
    // A new connection takes the rest.
    expect(said).not.toBe('');
    expect(outcomes).toContain('accepted');
    expect([0, 1]).toContain(exitCode);
  });

  it('that resets in the middle, a few times', async () => {
    const faults: Fault[] = [{ when: { on: 'request', nth: 40, times: 3 }, action: { kind: 'tcp-reset' } }];
    const { exitCode, outcomes } = await attemptOn({ faults: { faults } }, 5);
    expect(outcomes).toContain('accepted');
    expect([0, 1]).toContain(exitCode);
  });

  it('that resets once in the middle costs nothing', async () => {
    const faults: Fault[] = [{ when: { on: 'request', nth: 150, inAll: true }, action: { kind: 'tcp-reset' } }];
    const { exitCode, outcomes } = await attemptOn({ faults: { faults } }, 5);
    expect(outcomes).toEqual(new Set(['accepted']));
    expect(exitCode).toBe(0);
  });
});

describe('Giving up', () => {
  it('reaches every job, also those that were not yet read when it began', async () => {
    await using desk = await Desk.open();
    const path = await desk.jobs(manyJobs(60_000));
    const end = await carillon([
      'send',
      path,
      ...desk.options('https://127.0.0.1:1'),
      '--give-up-after',
      '1',
      '--json',
    ]);
    expect(JSON.parse(end.stdout)).toMatchObject({ jobs: 60_000, abandoned: 60_000 });
    expect(end.exitCode).toBe(3);
  });
});
