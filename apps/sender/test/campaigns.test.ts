// `carillon send --notification FILE --recipients FILE`: one notification to many, from the shell.
import { readFile, writeFile } from 'node:fs/promises';

import { startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, deviceToken, linesOf, startCarillon, upTo } from './command.ts';

const hello = '{\n  "payload": { "aps": { "alert": "Hello {{name}}" } }\n}\n';

async function writeNotification(desk: Desk, text: string = hello): Promise<string> {
  const path = desk.path('hello.json');
  await writeFile(path, text);
  return path;
}

function recipient(number: number): object {
  return { token: deviceToken(number), id: `r-${number}`, variables: { name: `No. ${number}` } };
}

function manyRecipients(count: number): object[] {
  return Array.from({ length: count }, (_, i) => recipient(i + 1));
}

function campaignArgs(notification: string, recipients: string): string[] {
  return ['--notification', notification, '--recipients', recipients];
}

describe('carillon send --notification --recipients', () => {
  it('sends one notification to each of them, with one receipt a line', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity, ledger: { kind: 'memory' } });
    const list = await desk.jobs([...manyRecipients(2000), ''], 'list.ndjson');
    const end = await carillon([
      'send',
      ...campaignArgs(await writeNotification(desk), list),
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
      '--json',
    ]);
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(end.stdout)).toMatchObject({ jobs: 2000, accepted: 2000, exitCode: 0 });
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(2000));
    expect(receipts.find(({ id }) => id === 'r-7')).toMatchObject({ file: list, line: 7, token: deviceToken(7) });
    expect(new Set(simulator.ledger.map(({ token }) => token)).size).toBe(2000);
  });

  it('takes bare device tokens from stdin, and says of those that come again where they were', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const notification = await writeNotification(desk, '{"aps":{"alert":"Hi"}}');
    const lines = [deviceToken(1), deviceToken(2), deviceToken(1), 'nonsense'];
    const end = await carillon(
      ['send', ...campaignArgs(notification, '-'), ...desk.options(simulator.endpoint), '--receipts', '-', '--json'],
      { stdin: lines.join('\n') },
    );
    expect(end.exitCode).toBe(1);
    const receipts = end.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(receipts.find(({ line }) => line === 3)).toMatchObject({
      outcome: 'rejected',
      reason: 'local.duplicate-recipient',
      duplicateOf: 1,
      token: deviceToken(1),
      status: null,
    });
    expect(receipts.find(({ line }) => line === 4)).toMatchObject({ reason: 'local.bad-device-token' });
    expect(JSON.parse(end.stderr)).toMatchObject({ accepted: 2, rejected: 2 });
    expect(simulator.stats().requests).toBe(2);
  });

  it('goes on after Ctrl-C with --resume: nobody is sent to twice, nor left out', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity, ledger: { kind: 'memory' } });
    // Each device token twice, the second time in the other half of the list.
    const list = await desk.jobs([...manyRecipients(15_000), ...manyRecipients(15_000)], 'list.ndjson');
    const args = [
      'send',
      ...campaignArgs(await writeNotification(desk), list),
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
      '--json',
    ];
    const first = startCarillon([...args, '--rate', '5000', '--verbose']);
    await first.said('connected');
    await new Promise((resolve) => setTimeout(resolve, 300));
    first.process.kill('SIGINT');
    expect((await first.end).exitCode).toBe(130);
    const before = await desk.receipts();
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(15_000);
    const second = await carillon([...args, '--resume']);
    expect(second.exitCode).toBe(1);
    expect(JSON.parse(second.stdout)).toMatchObject({ skipped: before.length, rejected: 15_000 });
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(30_000));
    for (const { line = 0, duplicateOf } of receipts)
      expect(duplicateOf).toBe(line > 15_000 ? line - 15_000 : undefined);
    expect(simulator.ledger.length).toBe(15_000);
  }, 60_000);

  it.each([
    ['no recipients', ['--notification', 'n.json'], '--recipients is missing'],
    ['no notification', ['--recipients', 'r.ndjson'], '--notification is missing'],
    ['jobs as well', ['jobs.ndjson', '--notification', 'n.json', '--recipients', 'r.ndjson'], 'one or the other'],
    ['no campaign at all', ['jobs.ndjson', '--duplicates', 'off'], '--duplicates is about'],
    [
      'another word',
      ['--notification', 'n', '--recipients', 'r', '--duplicates', 'maybe'],
      'exact or fingerprints or off',
    ],
    ['recipients that are not there', ['--notification', 'n', '--recipients', 'none.ndjson'], 'no such file'],
  ])('with %s is refused', async (_what, args, problem) => {
    await using desk = await Desk.open();
    const end = await carillon(['send', ...args, ...desk.options('https://127.0.0.1:1')], { cwd: desk.folder });
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain(problem);
  });

  it.each([
    ['not JSON', '{"payload":', 'not JSON'],
    ['a slot without end', '{"payload":{"aps":{"alert":{"body":"Hi {{name"}}}}', 'payload.aps.alert.body'],
    ['a field that is none', '{"payload":{"aps":{"alert":"Hi"}},"titel":1}', 'titel'],
    ['a wrong field', '{"payload":{"aps":{"alert":"Hi"}},"priority":7}', 'priority'],
    ['a device token', `{"token":"x","payload":{"aps":{"alert":"Hi"}}}`, 'the recipients do'],
  ])(
    'refuses a notification that is %s, names file and path, and makes no receipts file',
    async (_what, text, problem) => {
      await using desk = await Desk.open();
      const notification = await writeNotification(desk, text);
      const list = await desk.jobs([deviceToken(1)], 'list.txt');
      const receipts = desk.path('receipts.ndjson');
      const options = [...desk.options('https://127.0.0.1:1'), '--receipts', receipts];
      const end = await carillon(['send', ...campaignArgs(notification, list), ...options]);
      expect(end.exitCode).toBe(2);
      expect(end.stderr).toContain(`--notification ${notification}: `);
      expect(end.stderr).toContain(problem);
      await expect(readFile(receipts)).rejects.toThrow('ENOENT');
    },
  );

  it('refuses a list that it could not remember exactly, before it sends anything', async () => {
    await using desk = await Desk.open();
    const line = `${deviceToken(1)}\n`;
    await writeFile(desk.path('list.txt'), line.repeat(1_000_001));
    const options = desk.options('https://127.0.0.1:1');
    const end = await carillon([
      'send',
      ...campaignArgs(await writeNotification(desk), desk.path('list.txt')),
      ...options,
    ]);
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain('more than 1,000,000 lines');
    expect(end.stderr).toContain('--duplicates fingerprints');
  });
});
