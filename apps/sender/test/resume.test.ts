// --resume: after whatever end, the receipts of both runs together are one for each line.
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';

import { startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, deviceToken, linesOf, manyJobs, startCarillon, upTo } from './command.ts';

describe('carillon send --resume', () => {
  it('sends the rest after Ctrl-C, and no job twice', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity, ledger: { kind: 'memory' } });
    const path = await desk.jobs(manyJobs(60_000));
    const args = [
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
      '--json',
    ];
    const first = startCarillon([...args, '--rate', '20000', '--verbose']);
    await first.said('connected');
    first.process.kill('SIGINT');
    expect((await first.end).exitCode).toBe(130);
    const before = (await desk.receipts()).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(60_000);
    const second = await carillon([...args, '--resume']);
    expect(second.exitCode).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ jobs: 60_000 - before, skipped: before, skippedNotAccepted: 0 });
    expect(linesOf(await desk.receipts())).toEqual(upTo(60_000));
    expect(simulator.stats().requests).toBe(60_000);
  }, 60_000);

  it('continues after kill -9, past a receipt that was torn', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(40_000));
    const receipts = desk.path('receipts.ndjson');
    const args = ['send', path, ...desk.options(simulator.endpoint), '--receipts', receipts, '--json'];
    const first = startCarillon([...args, '--rate', '20000']);
    while ((await readFile(receipts).catch(() => '')).length < 100_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    first.process.kill('SIGKILL');
    await first.end;
    // What a machine that lost its power leaves.
    const { length } = await readFile(receipts);
    await truncate(receipts, length - 100);
    const second = await carillon([...args, '--resume']);
    expect(second.exitCode).toBe(0);
    expect(second.stderr).toContain('the last receipt was torn and is removed');
    expect(linesOf(await desk.receipts())).toEqual(upTo(40_000));
  }, 60_000);

  it('skips what was abandoned or refused, too, and lets it count for the exit code', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    simulator.setToken(deviceToken(2), { kind: 'bad' });
    const path = await desk.jobs([...manyJobs(3), '{']);
    const receipts = desk.path('receipts.ndjson');
    const args = (endpoint: string): string[] => [
      'send',
      path,
      ...desk.options(endpoint),
      '--receipts',
      receipts,
      '--json',
    ];
    expect((await carillon([...args('https://127.0.0.1:1'), '--give-up-after', '0.3'])).exitCode).toBe(3);
    // Half of them, as if the run had ended there.
    const text = await readFile(receipts, 'utf8');
    await writeFile(
      receipts,
      text
        .split('\n')
        .filter((line) => line.includes('"line":1,') || line.includes('"line":4,'))
        .join('\n'),
    );
    await appendFile(receipts, '\n');
    const end = await carillon([...args(simulator.endpoint), '--resume']);
    expect(end.exitCode).toBe(1);
    expect(JSON.parse(end.stdout)).toMatchObject({
      jobs: 2,
      accepted: 1,
      rejected: 1,
      skipped: 2,
      skippedNotAccepted: 2,
    });
    expect(linesOf(await desk.receipts())).toEqual([1, 2, 3, 4]);
    const again = await carillon([...args(simulator.endpoint), '--resume']);
    expect(again.exitCode).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({ jobs: 0, skipped: 4 });
  });

  it('begins anew when there is no receipts file yet', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(5));
    const options = [...desk.options(simulator.endpoint), '--receipts', desk.path('receipts.ndjson'), '--resume'];
    expect((await carillon(['send', path, ...options])).exitCode).toBe(0);
    expect(linesOf(await desk.receipts())).toEqual(upTo(5));
  });

  it('knows several inputs apart, stdin among them', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs(manyJobs(10));
    const stdin = await readFile(path, 'utf8');
    const receipts = desk.path('receipts.ndjson');
    const args = ['send', path, '-', ...desk.options(simulator.endpoint), '--receipts', receipts, '--json', '--resume'];
    await carillon(args, { stdin });
    const kept = (await readFile(receipts, 'utf8')).split('\n').filter((line) => !line.includes('"line":7,'));
    await writeFile(receipts, kept.join('\n'));
    const end = await carillon(args, { stdin });
    expect(JSON.parse(end.stdout)).toMatchObject({ jobs: 2, skipped: 18 });
    const all = await desk.receipts();
    for (const file of [path, '-']) expect(linesOf(all.filter((one) => one.file === file))).toEqual(upTo(10));
  });
});
