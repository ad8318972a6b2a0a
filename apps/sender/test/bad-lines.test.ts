// Lines that cannot be sent: one receipt each, that says where and what, and the rest is sent.
import { startSimulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, deviceToken, job, linesOf, upTo } from './command.ts';

const token = deviceToken(1);

/** The line, the code its receipt has, and what its message tells. */
const badLines: [string, object | string, string, RegExp][] = [
  ['broken JSON', '{"token":"', 'local.not-json', /closing quote/],
  ['a line that is no object', '[1,2]', 'local.not-a-job', /object/],
  ['text after the object', `${JSON.stringify(job(1))} x`, 'local.not-json', /./],
  ['a token that is no hex', job(1, { token: 'zz'.repeat(32) }), 'local.bad-device-token', /token/],
  ['a token of the wrong length', job(1, { token: 'ab' }), 'local.bad-device-token', /token/],
  ['no token', { payload: { aps: {} } }, 'local.missing-token', /token/],
  ['no payload', { token }, 'local.missing-payload', /payload/],
  [
    'an oversized payload',
    job(1, { payload: { aps: { alert: 'x'.repeat(5000) } } }),
    'local.payload-too-large',
    /4,?096/,
  ],
  ['a topic with a line feed', job(1, { topic: 'com.example\napns-priority: 10' }), 'local.bad-topic', /topic/],
  ['a topic with a space', job(1, { topic: 'com example' }), 'local.bad-topic', /topic/],
  ['a collapse id with a control character', job(1, { collapseId: 'a\u0000b' }), 'local.bad-collapse-id', /collapseId/],
  ['a collapse id that is too long', job(1, { collapseId: 'x'.repeat(65) }), 'local.bad-collapse-id', /64/],
  ['an apns-id that is no UUID', job(1, { apnsId: 'x\r\ny' }), 'local.bad-apns-id', /apnsId/],
  ['an unknown field', job(1, { priorty: 10 }), 'local.unknown-field', /priorty/],
  [
    '__proto__ in the payload',
    `{"token":"${token}","payload":{"aps":{},"__proto__":{"x":1}}}`,
    'local.forbidden-key',
    /__proto__/,
  ],
  ['__proto__ in the job', `{"token":"${token}","__proto__":{},"payload":{"aps":{}}}`, 'local.', /__proto__/],
  ['a key twice', `{"token":"${token}","payload":{"aps":{}},"payload":{"aps":{}}}`, 'local.duplicate-key', /payload/],
  ['a priority that Apple refuses', job(1, { pushType: 'background', priority: 10 }), 'local.bad-priority', /5/],
  ['an app that is not configured', job(1, { app: 'other' }), 'local.', /other/],
  ['bytes that are no UTF-8', '\ud800', 'local.', /./],
];

describe('A line that cannot be sent', () => {
  it('has one receipt with file, line, code and message, and the others are sent', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity, ledger: { kind: 'memory' } });
    // A good line before, between and after.
    const lines = [job(1), ...badLines.flatMap(([, line], i) => [line, job(i + 2)])];
    const path = await desk.jobs(lines);
    const receiptsPath = desk.path('receipts.ndjson');
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      receiptsPath,
      '--json',
    ]);
    expect(end.exitCode).toBe(1);
    const receipts = await desk.receipts();
    expect(linesOf(receipts)).toEqual(upTo(lines.length));
    expect(simulator.ledger).toHaveLength(badLines.length + 1);
    for (const [i, [what, , code, message]] of badLines.entries()) {
      const receipt = receipts.find((one) => one.line === 2 + 2 * i);
      expect(receipt, what).toMatchObject({ file: path, outcome: 'rejected', status: null, attempts: 0 });
      expect(receipt?.reason?.startsWith(code), `${what}: ${receipt?.reason}`).toBe(true);
      expect(receipt?.message, what).toMatch(message);
      expect(receipt?.message, what).not.toContain(token);
      expect(receipts.find((one) => one.line === 3 + 2 * i)?.outcome).toBe('accepted');
    }
    expect(JSON.parse(end.stdout)).toMatchObject({ accepted: badLines.length + 1, rejected: badLines.length });
  });

  it('does not take the others with it when it is as long as a file', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const path = await desk.jobs([job(1), 'x'.repeat(5_000_000), job(3)]);
    const end = await carillon([
      'send',
      path,
      ...desk.options(simulator.endpoint),
      '--receipts',
      desk.path('receipts.ndjson'),
    ]);
    expect(end.exitCode).toBe(1);
    const receipts = (await desk.receipts()).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    expect(receipts.map((one) => [one.line, one.outcome, one.reason])).toEqual([
      [1, 'accepted', null],
      [2, 'rejected', 'local.line-too-long'],
      [3, 'accepted', null],
    ]);
  });

  it('may lack its line feed when it is the last, and may end in CR LF', async () => {
    await using desk = await Desk.open();
    await using simulator = await startSimulator({ identity: desk.identity });
    const stdin = `${JSON.stringify(job(1))}\r\n\r\n\n${JSON.stringify(job(2))}`;
    const receiptsPath = desk.path('receipts.ndjson');
    const end = await carillon(['send', '-', ...desk.options(simulator.endpoint), '--receipts', receiptsPath], {
      stdin,
    });
    expect(end.exitCode).toBe(0);
    expect(linesOf(await desk.receipts())).toEqual([1, 4]);
  });

  it('that is wrong leaves exit code 1 even when all are', async () => {
    await using desk = await Desk.open();
    const path = await desk.jobs(['{', '}']);
    const end = await carillon(['send', path, ...desk.options('https://127.0.0.1:1'), '--receipts', '-']);
    expect(end.exitCode).toBe(1);
    expect(end.stdout.trim().split('\n')).toHaveLength(2);
  });
});
