import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import type { RefereeReport } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, manyJobs, startCarillon } from './command.ts';

/** Waits for the file that is written last. */
async function credentials(path: string): Promise<{ endpoint: string }> {
  for (let left = 400; left > 0; left--) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('}\n')) return JSON.parse(text) as { endpoint: string };
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the credentials were not written');
}

describe('carillon simulate', () => {
  it.each([
    ['strict', 'frames'],
    ['strict', 'node'],
    ['fast', 'frames'],
  ])('plays Apple’s side (%s, %s) for carillon send, and reports on Ctrl-C', async (profile, stack) => {
    await using desk = await Desk.open();
    const simulator = startCarillon([
      'simulate',
      ...['--profile', profile, '--stack', stack, '--write-credentials', desk.path('simulator')],
      ...['--ledger', desk.path('ledger.ndjson'), '--json'],
      ...['--report-json', desk.path('report.json'), '--report-svg', desk.path('report.svg')],
    ]);
    const { endpoint } = await credentials(desk.path('simulator/credentials.json'));
    expect(endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const path = await desk.jobs(manyJobs(500));
    const end = await carillon([
      'send',
      path,
      ...['--config', desk.path('simulator/credentials.json'), '--receipts', desk.path('receipts.ndjson')],
    ]);
    expect(end.exitCode).toBe(0);
    simulator.process.kill('SIGINT');
    const { exitCode, stdout, stderr } = await simulator.end;
    expect(exitCode).toBe(0);
    expect(stderr).toContain('This is a simulator of APNs');
    expect(stderr).toContain('Nothing reaches a device');
    expect(JSON.parse(stdout)).toMatchObject({ requests: 500, statuses: { 200: 500 }, referee: { verdict: 'clean' } });
    const written = JSON.parse(await readFile(desk.path('report.json'), 'utf8')) as RefereeReport;
    expect(written).toMatchObject({ verdict: 'clean', observed: { requests: 500 }, timeline: { faults: [] } });
    expect(written.timeline.requests.reduce((sum, count) => sum + count, 0)).toBe(500);
    const picture = await readFile(desk.path('report.svg'), 'utf8');
    expect(picture).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(picture).toContain('requests 500');
    const ledger = (await readFile(desk.path('ledger.ndjson'), 'utf8')).trim().split('\n');
    const arrived = new Set(ledger.map((line) => (JSON.parse(line) as { apnsId: string }).apnsId.toLowerCase()));
    const receipts = await desk.receipts();
    expect(new Set(receipts.map((one) => one.apnsId?.toLowerCase()))).toEqual(arrived);
    expect(arrived.size).toBe(500);
  });

  it('plays the faults of a file', async () => {
    await using desk = await Desk.open();
    await writeFile(
      desk.path('faults.json'),
      JSON.stringify({
        faults: [
          {
            id: 'third',
            when: { on: 'request', nth: 3, inAll: true },
            action: { kind: 'status', status: 413, reason: 'PayloadTooLarge' },
          },
        ],
      }),
    );
    const simulator = startCarillon([
      ...['simulate', '--faults', desk.path('faults.json'), '--write-credentials', desk.path('simulator')],
    ]);
    await credentials(desk.path('simulator/credentials.json'));
    const path = await desk.jobs(manyJobs(10));
    const end = await carillon(['send', path, '--config', desk.path('simulator/credentials.json')]);
    expect(end).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('PayloadTooLarge (413)') as string });
    simulator.process.kill('SIGTERM');
    const { stdout } = await simulator.end;
    expect(stdout).toContain('fault played third');
    expect(stdout).toContain('Referee: CLEAN.');
  });

  it('judges nobody when told so', async () => {
    await using desk = await Desk.open();
    const simulator = startCarillon(['simulate', '--no-referee', '--write-credentials', desk.path('simulator')]);
    await credentials(desk.path('simulator/credentials.json'));
    simulator.process.kill('SIGINT');
    const { exitCode, stdout } = await simulator.end;
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('Referee');
  });

  it('leaves an earlier report as it is until there is a new one', async () => {
    await using desk = await Desk.open();
    await writeFile(desk.path('report.json'), 'x'.repeat(1_000_000));
    const simulator = startCarillon([
      ...['simulate', '--report-json', desk.path('report.json'), '--write-credentials', desk.path('simulator')],
    ]);
    await credentials(desk.path('simulator/credentials.json'));
    expect((await readFile(desk.path('report.json'))).length).toBe(1_000_000);
    simulator.process.kill('SIGINT');
    await simulator.end;
    const written = JSON.parse(await readFile(desk.path('report.json'), 'utf8')) as RefereeReport;
    expect(written.timeline.buckets).toBe(0);
  });

  it('exits 2 for what it cannot do', async () => {
    await using desk = await Desk.open();
    await writeFile(desk.path('faults.json'), '{"faults":[{"when":{"on":"moon"},"action":{"kind":"goaway"}}]}');
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo; // listening on TCP
    const ends = await Promise.all([
      carillon(['simulate', '--profile', 'lax']),
      carillon(['simulate', '--port', '70000']),
      carillon(['simulate', '--port', String(port)]),
      carillon(['simulate', '--faults', desk.path('faults.json')]),
      carillon(['simulate', '--faults', desk.path('absent.json')]),
      carillon(['simulate', '--report-svg', desk.path('absent/report.svg')]),
      carillon(['simulate', '--report-json', desk.folder]),
      carillon(['simulate', '--no-referee', '--report-json', desk.path('report.json')]),
    ]);
    taken.close();
    const messages = [
      /strict or fast is right/,
      /from 0 to 65535/,
      /EADDRINUSE|in use/,
      /--faults: .*moon|--faults: .*on/,
      /--faults: .*ENOENT|no such file/,
      /--report-svg: .*absent.report\.svg: its folder is not there/,
      /--report-json: .*it is a directory/,
      /--no-referee leaves nothing to report/,
    ];
    for (const [i, end] of ends.entries()) {
      expect(end).toMatchObject({ exitCode: 2, stdout: '' });
      expect(end.stderr).toMatch(messages[i]);
    }
  });
});
