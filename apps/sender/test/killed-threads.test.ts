// Worker threads that die while a large file is being sent: nothing about the result may change.
import { spawnSimulator } from '@carillon/simulator';
import { expect, it } from 'vitest';

import { Desk, job, linesOf, startCarillon, upTo } from './command.ts';

const jobs = 200_000;
const isBad = (line: number): boolean => line % 1000 === 0;

it(
  'carillon send gives each line its one receipt when worker threads are killed in mid-run',
  { timeout: 300_000 },
  async () => {
    await using desk = await Desk.open();
    await using simulator = await spawnSimulator({ identity: desk.identity, profile: 'fast' });
    const path = await desk.jobs(upTo(jobs).map((line) => (isBad(line) ? `{"id":"job-${line}","token":"` : job(line))));
    const receiptsPath = desk.path('receipts.ndjson');
    const args = [
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--workers',
      '2',
      '--receipts',
      receiptsPath,
      '--json',
    ];
    const killThreads = new URL('./kill-threads.js', import.meta.url).href;
    const end = await startCarillon(args, { env: { NODE_OPTIONS: `--import=${killThreads}` } }).end;

    expect(end.stderr.split('a thread was killed').length - 1).toBeGreaterThanOrEqual(2);
    expect(end.exitCode, end.stderr).toBe(1);
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(jobs));
    const wrong = receipts.filter(({ line, id, outcome, reason }) =>
      isBad(line ?? 0)
        ? outcome !== 'rejected' || reason !== 'local.not-json'
        : outcome !== 'accepted' || reason !== null || id !== `job-${line}`,
    );
    expect(wrong).toEqual([]);
    // Nothing was sent twice, and nothing that was refused was sent.
    expect((await simulator.stats()).requests).toBe(jobs - jobs / 1000);
  },
);
