import type { Receipt } from '@carillon/engine';
import { describe, expect, it } from 'vitest';

import { readableLine } from './readable-line.ts';
import { scrub } from './scrub.ts';
import { jsonSummary, textSummary } from './summary.ts';
import type { Summary } from './summary.ts';
import { Tally } from './tally.ts';

const receipt = (fields: Partial<Receipt>): Receipt => ({
  id: null,
  app: 'default',
  token: null,
  outcome: 'accepted',
  status: 200,
  reason: null,
  apnsId: null,
  attempts: 1,
  latencyMs: null,
  at: '2026-11-23T11:59:59.123Z',
  file: 'jobs.ndjson',
  line: 1,
  ...fields,
});

const summary: Summary = {
  jobs: 1_000_000,
  accepted: 999_990,
  rejected: 8,
  unregistered: 2,
  abandoned: 0,
  reasons: [],
  truncated: 0,
  warned: 0,
  warnings: [],
  skipped: 0,
  skippedNotAccepted: 0,
  durationMs: 4200,
  pushesPerSecond: 238_095,
  attempts: 1_000_000,
  connections: 1,
  dialFailures: 0,
  interrupted: false,
  unfinishedInputs: [],
  receipts: 'receipts.ndjson',
  receiptsLost: 0,
  errors: [],
  exitCode: 1,
};

describe('The tally', () => {
  it('counts outcomes and reasons, each reason with its first example', () => {
    const tally = new Tally();
    tally.add([receipt({}), receipt({ outcome: 'rejected', status: 400, reason: 'BadDeviceToken', line: 7 })]);
    tally.add([
      receipt({ outcome: 'rejected', status: 400, reason: 'BadDeviceToken', line: 9 }),
      receipt({ outcome: 'rejected', status: null, reason: 'local.not-json', attempts: 0, message: 'it is not' }),
      receipt({ outcome: 'unregistered', status: 410, reason: 'Unregistered' }),
      receipt({ outcome: 'abandoned', status: null, because: 'unreachable', attempts: 3 }),
      receipt({ outcome: 'abandoned', status: 403, because: 'credential', reason: 'InvalidProviderToken' }),
    ]);
    expect(tally).toMatchObject({ settled: 7, accepted: 1, rejected: 3, unregistered: 1, abandoned: 2, attempts: 8 });
    expect(tally).toMatchObject({ answered: 4, unreachable: 1, credential: 1 });
    expect(tally.reasons(10)).toHaveLength(5);
    expect(tally.reasons(1)).toEqual([
      {
        outcome: 'rejected',
        reason: 'BadDeviceToken',
        status: 400,
        count: 2,
        example: { file: 'jobs.ndjson', line: 7, message: null },
      },
    ]);
    expect(tally.reasons(10).map((one) => one.reason)).toContain('credential (InvalidProviderToken)');
  });

  it('counts warnings by code and path, each with its first example, and what was shortened', () => {
    const warning = (path: string): NonNullable<Receipt['warnings']>[number] => ({
      code: 'local.odd-value',
      path,
      message: `${path} is odd`,
    });
    const tally = new Tally();
    tally.add([
      receipt({ line: 1, truncated: true }),
      receipt({ line: 2, warnings: [warning('aps.badge'), warning('aps.sound')] }),
      receipt({ line: 3, outcome: 'rejected', warnings: [warning('aps.sound')], truncated: true }),
    ]);
    expect(tally).toMatchObject({ warned: 2, truncated: 2 });
    expect(tally.warnings(1)).toEqual([
      {
        code: 'local.odd-value',
        path: 'aps.sound',
        count: 2,
        example: { file: 'jobs.ndjson', line: 2, message: 'aps.sound is odd' },
      },
    ]);
    for (let i = 0; i < 5000; i++) tally.add([receipt({ warnings: [warning(`aps.key${i}`)] })]);
    expect(tally.warned).toBe(5002);
    expect(tally.warnings(5000)).toHaveLength(256);
  });

  it('keeps no more than some reasons, whatever a gateway makes up', () => {
    const tally = new Tally();
    for (let i = 0; i < 5000; i++) tally.add([receipt({ outcome: 'rejected', status: 400, reason: `Reason${i}` })]);
    expect(tally.rejected).toBe(5000);
    expect(tally.reasons(5000)).toHaveLength(256);
  });
});

describe('The summary', () => {
  it('says for people what became of the jobs', () => {
    const reasons = [
      {
        outcome: 'rejected' as const,
        reason: 'local.not-json',
        status: null,
        count: 8,
        example: { file: 'jobs.ndjson', line: 17, message: 'the line is not JSON' },
      },
    ];
    expect(textSummary({ ...summary, reasons })).toBe(
      '1,000,000 jobs in 4.20 s: 999,990 accepted, 8 rejected, 2 unregistered, 0 abandoned\n' +
        '238,095 a second, 1,000,000 attempts, 1 connection\n' +
        '          8 rejected: local.not-json, first at jobs.ndjson:17 the line is not JSON\n' +
        '          2 for other reasons\n' +
        'receipts: receipts.ndjson\n',
    );
  });

  it('says what is not as it should be', () => {
    const text = textSummary({
      ...summary,
      interrupted: true,
      unfinishedInputs: ['jobs.ndjson'],
      receiptsLost: 3,
      skipped: 10,
      skippedNotAccepted: 1,
      dialFailures: 2,
      errors: ['https://127.0.0.1:1: connection refused'],
      receipts: null,
    });
    for (const part of [
      'error: https://127.0.0.1:1: connection refused',
      'interrupted; --resume',
      'not read to its end: jobs.ndjson',
      '3 receipts could not be written and are lost',
      '10 more were settled by an earlier run (1 not accepted)',
      '2 failed dials',
      'no receipts were kept',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('says what was sent with a warning, and what was shortened', () => {
    const example = { file: 'jobs.ndjson', line: 3, message: "aps.mine is no key of Apple's" };
    const text = textSummary({
      ...summary,
      truncated: 1200,
      warned: 1,
      warnings: [{ code: 'local.unknown-aps-key', path: 'aps.mine', count: 1, example }],
    });
    expect(text).toContain(
      '1,200 alerts were shortened to fit\n' +
        '1 push with warnings, which the receipts name; most frequent:\n' +
        "          1 local.unknown-aps-key, first at jobs.ndjson:3 aps.mine is no key of Apple's\n",
    );
  });

  it('is one line of JSON', () => {
    expect(JSON.parse(jsonSummary(summary))).toEqual(summary);
    expect(jsonSummary(summary).indexOf('\n')).toBe(jsonSummary(summary).length - 1);
  });
});

describe('A text on its way out', () => {
  it('has no device token, provider token or key left in it', () => {
    const token = 'c9d4c07c'.repeat(8);
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNMTIzNDU2In0.c2lnbmF0dXJl';
    const pem = '-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBM\\n-----END PRIVATE KEY-----';
    expect(scrub(`${token} ${token.toUpperCase()} bearer ${jwt} ${pem} end`)).toBe(
      'c9d4… C9D4… bearer [provider token] [private key] end',
    );
  });

  it('keeps ids, times and numbers', () => {
    const text = '7a5f0e4c-7d4b-4a55-8a5a-0c2b5f3f8a11 2026-11-23T11:59:59.123Z 1234567890';
    expect(scrub(text)).toBe(text);
  });
});

describe('A line of the log for people', () => {
  it('has time, level, message and fields, and no control characters of others', () => {
    const json = JSON.stringify({
      level: 'warn',
      time: '2026-11-23T11:59:59.123Z',
      msg: 'a\u001b[2Jb',
      n: 3,
      s: 'x\ny',
    });
    expect(readableLine(json)).toBe('\r\u001b[K11:59:59 \u001b[33mwarn \u001b[0m a [2Jb n=3 s=x y\n');
  });
});
