// Every exit code of the contract, and that nothing was sent where it says so.
import { chmod, stat, writeFile } from 'node:fs/promises';
import { startSimulator } from '@carillon/simulator';
import { describe, expect, it, vi } from 'vitest';

import { runCarillon } from '../src/index.ts';
import { carillon, Desk, deviceToken, job, linesOf, manyJobs, receiptsOf, startCarillon, upTo } from './command.ts';
import type { CommandEnd } from './command.ts';

describe('carillon send', () => {
  it('exits 0 when every job was accepted, with one receipt each that agrees with the gateway’s ledger', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity, ledger: { kind: 'memory' } });
    const path = await desk.jobs(manyJobs(2000));
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
      '--json',
    ]);
    expect(end.stderr).toBe('');
    expect(end.exitCode).toBe(0);
    expect(JSON.parse(end.stdout)).toMatchObject({
      jobs: 2000,
      accepted: 2000,
      attempts: 2000,
      exitCode: 0,
      reasons: [],
    });
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(2000));
    expect(receipts[0]).toMatchObject({ file: path, app: 'default', outcome: 'accepted', status: 200, reason: null });
    const arrived = new Map(simulator.ledger.map((entry) => [entry.apnsId.toLowerCase(), entry.token]));
    expect(arrived.size).toBe(2000);
    for (const { apnsId, token } of receipts) expect(arrived.get(String(apnsId).toLowerCase())).toBe(token);
  });

  it('exits 0 when there is nothing to send', async () => {
    await using desk = await Desk.open();
    const path = await desk.jobs(['', '   ', '']);
    const end = await carillon(['send', path, ...desk.options('https://127.0.0.1:1')]);
    expect(end).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('0 jobs') as string });
  });

  it('exits 1 when some jobs were not accepted, and names the reasons', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    simulator.setToken(deviceToken(2), { kind: 'bad' });
    simulator.setToken(deviceToken(3), { kind: 'unregistered', timestampMs: Date.UTC(2026, 0, 1) });
    const path = await desk.jobs(manyJobs(5));
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
    ]);
    expect(end.exitCode).toBe(1);
    expect(end.stdout).toContain('5 jobs in');
    expect(end.stdout).toContain('3 accepted, 1 rejected, 1 unregistered, 0 abandoned');
    expect(end.stdout).toContain('rejected: BadDeviceToken (400)');
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(5));
    expect(receipts.find((one) => one.line === 2)).toMatchObject({
      outcome: 'rejected',
      status: 400,
      reason: 'BadDeviceToken',
    });
    expect(receipts.find((one) => one.line === 3)).toMatchObject({
      outcome: 'unregistered',
      status: 410,
      since: '2026-01-01T00:00:00.000Z',
    });
  });

  it('exits 3 when the gateway refuses the credential, says which reason, and every job has its receipt', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: { ...desk.identity, keyId: 'OTHERKEY99' } });
    const path = await desk.jobs(manyJobs(50));
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
      '--json',
    ]);
    expect(end.exitCode).toBe(3);
    expect(JSON.parse(end.stdout)).toMatchObject({ accepted: 0, abandoned: 50, exitCode: 3 });
    expect(end.stderr).toContain('InvalidProviderToken');
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(50));
    expect(new Set(receipts.map((one) => one.because))).toEqual(new Set(['credential']));
  });

  it('exits 130 after Ctrl-C, or SIGTERM, with what was read finished', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(100_000));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const name = `${signal}.ndjson`;
      const command = startCarillon([
        'send',
        path,
        ...desk.options(simulator.endpoint),
        ...['--rate', '20000', '--receipts', desk.path(name), '--log-level', 'debug', '--json'],
      ]);
      await command.said('connected');
      command.process.kill(signal);
      const end = await command.end;
      expect(end.exitCode).toBe(130);
      expect(end.stderr).toContain('no more is read');
      const summary = JSON.parse(end.stdout) as { jobs: number; accepted: number; unfinishedInputs: string[] };
      expect(summary.jobs).toBeLessThan(100_000);
      expect(summary.accepted).toBe(summary.jobs);
      expect(summary.unfinishedInputs).toEqual([path]);
      expect(linesOf(await desk.receipts(name))).toEqual(upTo(summary.jobs));
    }
  }, 60_000);

  it('gives up what is under way at the second Ctrl-C, and every job read still has its receipt', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({
      identity: desk.identity,
      faults: { faults: [{ when: { on: 'request', nth: 20, every: 1 }, action: { kind: 'no-answer' } }] },
    });
    const path = await desk.jobs(manyJobs(3000));
    const command = startCarillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      ...['--receipts', desk.path('receipts.ndjson'), '--log-level', 'debug', '--json'],
    ]);
    await command.said('connected');
    command.process.kill('SIGINT');
    await command.said('no more is read');
    // One press may arrive twice, as under npm: within a quarter of a second it counts once.
    command.process.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(command.process.exitCode).toBeNull();
    command.process.kill('SIGINT');
    const end = await command.end;
    expect(end.exitCode).toBe(130);
    const summary = JSON.parse(end.stdout) as { jobs: number; abandoned: number; reasons: { reason: string }[] };
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(summary.jobs));
    expect(summary.abandoned).toBeGreaterThan(0);
    expect(new Set(receipts.flatMap((one) => one.because ?? []))).toEqual(new Set(['shutdown']));
  });
});

describe('carillon send exits 2 and sends nothing', () => {
  it('for bad usage and configuration, in one line that says what would be right', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(3));
    const receipts = desk.path('receipts.ndjson');
    const good = desk.options(simulator.endpoint);
    const without = (name: string): string[] => good.filter((_, i) => good[i] !== name && good[i - 1] !== name);
    const replaced = (name: string, value: string): string[] =>
      good.map((text, i) => (good[i - 1] === name ? value : text));
    await writeFile(desk.path('empty'), '');
    await writeFile(desk.path('garbage.p8'), 'garbage');
    await writeFile(desk.path('config.json'), '{"topik":"x"}');
    await writeFile(desk.path('config.yaml'), 'topic: x');
    const cases: [string[], RegExp][] = [
      [['send', path, ...good, '--recieve'], /"--recieve" is not an option of carillon send/],
      [['send', path, ...without('--topic')], /--topic is missing/],
      [['send', path, ...replaced('--endpoint', 'http://127.0.0.1:1')], /plain http/],
      [
        ['send', path, ...replaced('--key', desk.path('absent'))],
        /--key cannot be read: .*absent: there is no such file/,
      ],
      [['send', path, ...replaced('--key', desk.path('empty'))], /empty is empty/],
      [['send', path, ...replaced('--key', desk.path('garbage.p8'))], /--key .*garbage\.p8: /],
      [['send', path, ...replaced('--key-id', 'short')], /--key-id: /],
      [['send', path, ...replaced('--ca', desk.path('garbage.p8'))], /--ca: /],
      [['send', path, ...replaced('--key', '/dev/zero')], /--key \/dev\/zero has more than/],
      [['send', desk.path('absent.ndjson'), ...good], /absent\.ndjson: there is no such file/],
      [['send', desk.folder, ...good], /is a directory/],
      [['send', path, ...good, '--receipts', path], /an input and the receipts file at once/],
      [['send', path, ...good, '--receipts', desk.path('no/such/folder')], /the receipts cannot be written/],
      [['send', path, ...good, '--receipts', desk.path('ca.pem')], /ca\.pem exists already; --resume continues it/],
      [['send', path, ...good, '--receipts', desk.path('ca.pem'), '--resume'], /ca\.pem:1: not a receipt/],
      [['send', path, '--config', desk.path('config.json')], /"topik" is not an option; did you mean "topic"\?/],
      [['send', path, '--config', desk.path('config.yaml')], /YAML is not read yet/],
      [['sned', path], /did you mean send/],
      [[], /a command is missing/],
    ];
    for (const [args, message] of cases) {
      const isSend = args[0] === 'send' && !args.includes('--receipts');
      const end = await inThisProcess(isSend ? [...args, '--receipts', receipts] : args);
      expect(end.stderr, args.join(' ')).toMatch(message);
      expect(end.stderr.trimEnd(), args.join(' ')).not.toContain('\n');
      expect(end, args.join(' ')).toMatchObject({ exitCode: 2, stdout: '' });
    }
    expect(simulator.stats().connectionsAccepted).toBe(0);
    // No receipts file is left behind to be refused the next time.
    await expect(stat(receipts)).rejects.toThrow('ENOENT');
    expect((await desk.receipts('jobs.ndjson')).length).toBe(3);
  });

  it('as a process, too', async () => {
    await using desk = await Desk.open();
    const end = await carillon(['send', desk.path('absent.ndjson'), ...desk.options('https://127.0.0.1:1')]);
    expect(end).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^carillon: .*no such file/) as string,
    });
  });
});

/** What the process would do, without the half second that each process takes. */
async function inThisProcess(args: readonly string[]): Promise<CommandEnd> {
  const [stdout, stderr] = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
  const textOf = (spy: typeof stdout): string => spy.mock.calls.map(([text]) => String(text)).join('');
  for (const spy of [stdout, stderr]) spy.mockReturnValue(true);
  try {
    const exitCode = await runCarillon(args);
    return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
  } finally {
    vi.restoreAllMocks();
  }
}

describe('carillon', () => {
  it('prints its help and version', async () => {
    const [help, version, about] = await Promise.all([
      carillon(['--help']),
      carillon(['--version']),
      carillon(['help', 'send']),
    ]);
    expect(help).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('carillon simulate') as string,
    });
    expect(version).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
    expect(about).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--give-up-after') as string });
  });

  it('warns of a key that others may read, and uses it', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    await chmod(desk.path('key.p8'), 0o644);
    const end = await carillon(['send', await desk.jobs(manyJobs(1)), ...desk.options(simulator.endpoint)]);
    expect(end.stderr).toContain('others on this machine may read this secret');
    expect(end.exitCode).toBe(0);
  });

  it('sends with a push certificate, in PEM', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    await writeFile(desk.path('cert.pem'), desk.identity.push.certificatePem);
    await writeFile(desk.path('cert-key.pem'), desk.identity.push.keyPem, { mode: 0o600 });
    const gateway = desk.options(simulator.endpoint).slice(0, 6);
    const end = await carillon([
      'send',
      await desk.jobs(manyJobs(10)),
      ...gateway,
      ...['--cert', desk.path('cert.pem'), '--cert-key', desk.path('cert-key.pem')],
    ]);
    expect(end.exitCode).toBe(0);
    // The simulator's certificates are short-lived, and the log may say so.
    expect(end.stderr).not.toContain('"level":"error"');
  });

  it('takes its options from a configuration file', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const { keyId, teamId, topic } = desk.identity;
    await writeFile(
      desk.path('carillon.json'),
      JSON.stringify({
        endpoint: simulator.endpoint,
        ca: 'ca.pem',
        key: 'key.p8',
        'key-id': keyId,
        'team-id': teamId,
        topic,
        app: 'news',
        receipts: 'receipts.ndjson',
      }),
    );
    const path = await desk.jobs([job(1, { app: 'news' }), job(2)]);
    const end = await carillon(['send', path, '--config', desk.path('carillon.json')]);
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await desk.receipts()).map((one) => one.app)).toEqual(['news', 'news']);
  });

  it('is silent under --quiet when all is well', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const end = await carillon(['send', await desk.jobs(manyJobs(3)), ...desk.options(simulator.endpoint), '--quiet']);
    expect(end).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('reads several files, each with line numbers of its own', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const paths = await Promise.all(upTo(20).map((n) => desk.jobs(manyJobs(n), `jobs-${n}.ndjson`)));
    const end = await carillon(['send', ...paths, ...desk.options(simulator.endpoint), '--receipts', '-']);
    expect(end.exitCode).toBe(0);
    const receipts = receiptsOf(end.stdout);
    for (const [i, path] of paths.entries())
      expect(linesOf(receipts.filter((one) => one.file === path))).toEqual(upTo(i + 1));
  });
});
