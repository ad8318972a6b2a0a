// stdin, stdout and receipts files that do not work out.
import { execFileSync, spawn } from 'node:child_process';
import { open, symlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, job, linesOf, manyJobs, receiptsOf, startCarillon, upTo } from './command.ts';

const asLines = (jobs: readonly object[]): string => jobs.map((one) => `${JSON.stringify(one)}\n`).join('');

describe('carillon send', () => {
  it('reads stdin, named or not, and calls it - in receipts', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    for (const named of [['-'], []]) {
      const args = ['send', ...named, ...desk.options(simulator.endpoint), '--receipts', '-'];
      const end = await carillon(args, { stdin: asLines(manyJobs(200)) });
      expect(end.exitCode).toBe(0);
      const receipts = receiptsOf(end.stdout);
      expect(linesOf(receipts)).toEqual(upTo(200));
      expect(new Set(receipts.map((one) => one.file))).toEqual(new Set(['-']));
    }
  });

  it('writes receipts to stdout and nothing else, with the summary on stderr', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(100));
    const args = ['send', path, ...desk.options(simulator.endpoint), '--receipts', '-'];
    const [asJson, asText] = await Promise.all([carillon([...args, '--json']), carillon(args)]);
    for (const { stdout } of [asJson, asText]) expect(linesOf(receiptsOf(stdout))).toEqual(upTo(100));
    expect(JSON.parse(asJson.stderr)).toMatchObject({ jobs: 100, accepted: 100, receipts: '-' });
    expect(asText.stderr).toContain('100 jobs in');
  });

  it('stops reading, finishes, and exits 1 when nobody reads its receipts any more', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(20_000));
    const script = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      [
        '--conditions=@carillon/source',
        script,
        'send',
        path,
        ...desk.options(simulator.endpoint),
        '--receipts',
        '-',
        '--json',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // As `| head -1` does.
    child.stdout.once('data', () => child.stdout.destroy());
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('nobody reads it any more (EPIPE)');
    const summary = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { receiptsLost: number; jobs: number };
    expect(summary.receiptsLost).toBeGreaterThan(0);
    expect(summary.jobs).toBeLessThanOrEqual(20_000);
  });

  it('stops reading, finishes, and exits 1 when the disk is full', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(5000));
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      '/dev/full',
      '--json',
    ]);
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('receipts cannot be written: /dev/full: no space is left on the device (ENOSPC)');
    const summary = JSON.parse(end.stdout) as { jobs: number; receiptsLost: number; errors: string[] };
    expect(summary.receiptsLost).toBe(summary.jobs);
    expect(summary.errors.join()).toContain('ENOSPC');
    // Jobs were not lost in silence: what was settled is counted, and no more was read.
    expect(simulator.stats().requests).toBe(summary.jobs);
  });

  it('writes receipts through a link to a new file only', async () => {
    await using desk = await Desk.open();
    const path = await desk.jobs(manyJobs(1));
    await desk.jobs([], 'precious');
    await symlink(desk.path('precious'), desk.path('link'));
    const end = await carillon(['send', path, ...desk.options('https://127.0.0.1:1'), '--receipts', desk.path('link')]);
    expect(end).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('exists already') as string });
  });

  it('finishes the other files when one of them cannot be read', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const first = await desk.jobs(manyJobs(10), 'first.ndjson');
    // Looks readable, and fails at the first read.
    const options = ['send', first, '/proc/self/mem', ...desk.options(simulator.endpoint), '--receipts', '-', '--json'];
    const end = await carillon(options);
    expect(end.exitCode).toBe(1);
    expect(linesOf(receiptsOf(end.stdout))).toEqual(upTo(10));
    const summary = JSON.parse(end.stderr.trim().split('\n').at(-1) ?? '') as {
      errors: string[];
      unfinishedInputs: string[];
    };
    expect(summary.errors.join()).toContain('/proc/self/mem: reading ended after 0 bytes');
    expect(summary.unfinishedInputs).toEqual(['/proc/self/mem']);
  });

  it('ends soon after Ctrl-C when its input, stdin or a named pipe, says nothing more', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    execFileSync('mkfifo', [desk.path('pipe')]);
    for (const name of ['-', desk.path('pipe')]) {
      const args = ['send', name, ...desk.options(simulator.endpoint), '--receipts', '-', '--verbose'];
      const command = startCarillon(args, { stdin: null });
      // A whole line, and a piece of one that must neither be sent nor have a receipt.
      const text = `${JSON.stringify(job(1))}\n{"id":"half`;
      const writer = name === '-' ? null : await open(name, 'w');
      if (writer === null) command.process.stdin?.write(text);
      else await writer.write(text);
      await command.said('connected');
      command.process.kill('SIGINT');
      const end = await command.end;
      await writer?.close();
      expect(end.exitCode).toBe(130);
      expect(linesOf(receiptsOf(end.stdout))).toEqual([1]);
    }
  });

  it('makes ids for jobs without one, and keeps those that are given', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs([job(1), job(2, { id: undefined })]);
    const end = await carillon(['send', path, ...desk.options(simulator.endpoint), '--receipts', '-']);
    const ids = new Map(receiptsOf(end.stdout).map((one) => [one.line, one.id]));
    expect(ids.get(1)).toBe('job-1');
    expect(ids.get(2)).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
  });
});
