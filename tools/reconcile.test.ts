import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reconciler } from './reconcile.ts';
import type { DuplicatesRule, LedgerLine, ReceiptLine, Reconciliation } from './reconcile.ts';

const tokenOf = (number: number): string => String(number).padStart(64, '0');

function receipt(number: number, changes: Partial<ReceiptLine> = {}): ReceiptLine {
  const told = { outcome: 'accepted', status: 200, attempts: 1 } as const;
  return {
    id: `job-${number}`,
    file: 'jobs',
    line: number,
    token: tokenOf(number),
    apnsId: `a-${number}`,
    ...told,
    ...changes,
  };
}

function entry(number: number, changes: Partial<LedgerLine> = {}): LedgerLine {
  return { token: tokenOf(number), apnsId: `a-${number}`, status: 200, ...changes };
}

function reconcile(receipts: ReceiptLine[], ledgers: LedgerLine[][], rule?: DuplicatesRule): Reconciliation {
  const reconciler = new Reconciler(rule);
  for (const one of receipts) reconciler.receipt(one);
  for (const [index, entries] of ledgers.entries()) {
    reconciler.ledger(`ledger ${index}`);
    for (const one of entries) reconciler.entry(one);
  }
  return reconciler.end();
}

describe('The reconciliation of receipts and ledgers', () => {
  it('holds when every accepted job was taken once', () => {
    const found = reconcile([receipt(1), receipt(2)], [[entry(1)], [entry(2)]]);
    expect(found).toMatchObject({ receipts: 2, outcomes: { accepted: 2 }, duplicates: 0, mismatches: {} });
  });

  it('takes an apns-id in either case for the same', () => {
    expect(reconcile([receipt(1)], [[entry(1, { apnsId: 'A-1' })]]).mismatches).toEqual({});
  });

  it('knows a broadcast by its channel', () => {
    const path = '/4/broadcasts/apps/com.example.app';
    const told = [receipt(1, { token: null, channel: 'AAAA' })];
    expect(reconcile(told, [[entry(1, { token: path, channel: 'AAAA' })]]).mismatches).toEqual({});
    expect(reconcile(told, [[entry(1, { token: path, channel: 'BBBB' })]]).mismatches).toEqual({
      'entries with the device token or channel of another job': 1,
    });
  });

  it('allows a push taken by two lives of the gateway, when the receipt counts both', () => {
    const found = reconcile([receipt(1, { attempts: 2 })], [[entry(1)], [entry(1)]]);
    expect(found).toMatchObject({ duplicates: 1, duplicatesBetweenLedgers: 1, mismatches: {} });
  });

  it('takes two lives in one ledger for what they are', () => {
    const found = reconcile([receipt(1, { attempts: 2 })], [[entry(1), entry(1, { life: 2 })]]);
    expect(found).toMatchObject({ duplicates: 1, duplicatesBetweenLedgers: 1, mismatches: {} });
  });

  it('does not count what the gateway refused', () => {
    const found = reconcile([receipt(1, { attempts: 2 })], [[entry(1, { status: 503 }), entry(1)]]);
    expect(found).toMatchObject({ duplicates: 0, mismatches: {} });
  });

  it.each<[string, ReceiptLine[], LedgerLine[][], DuplicatesRule?]>([
    ['accepted, and in no ledger with 200', [receipt(1)], [[]]],
    ['accepted, and in no ledger with 200', [receipt(1)], [[entry(1, { status: 503 })]]],
    ['accepted, and in no ledger with 200', [receipt(1)], [[entry(1, { status: null })]]],
    ['accepted without an apns-id', [receipt(1, { apnsId: null })], [[]]],
    ['rejected, and in a ledger with 200', [receipt(1, { outcome: 'rejected', status: 400 })], [[entry(1)]]],
    ['abandoned, and in a ledger with 200', [receipt(1, { outcome: 'abandoned', processed: 'no' })], [[entry(1)]]],
    ['jobs with two receipts', [receipt(1), receipt(1, { apnsId: 'a-2' })], [[entry(1), entry(1, { apnsId: 'a-2' })]]],
    ['jobs that share an apns-id', [receipt(1), receipt(2, { apnsId: 'a-1' })], [[entry(1)]]],
    ['entries without a receipt', [receipt(1)], [[entry(1), entry(2)]]],
    ['entries with the device token or channel of another job', [receipt(1)], [[entry(1, { token: tokenOf(2) })]]],
    ['taken twice by one life of the gateway', [receipt(1, { attempts: 2 })], [[entry(1), entry(1)]]],
    ['taken more often than the receipt has attempts', [receipt(1)], [[entry(1)], [entry(1)]]],
    ['taken twice', [receipt(1, { attempts: 2 })], [[entry(1)], [entry(1)]], 'none'],
  ])('finds: %s', (what, receipts, ledgers, rule) => {
    const found = reconcile(receipts, ledgers, rule);
    expect(found.mismatches).toEqual({ [what]: 1 });
    expect(found.examples).toHaveLength(1);
  });

  it.each([
    [3, { 'jobs without a receipt': 1 }],
    [2, {}],
    [1, { 'receipts without a job': 1 }],
  ])('holds two receipts against %s jobs', (jobs, mismatches) => {
    const reconciler = new Reconciler();
    reconciler.jobs(jobs);
    for (const number of [1, 2]) reconciler.receipt(receipt(number, { outcome: 'rejected', status: 400 }));
    expect(reconciler.end().mismatches).toEqual(mismatches);
  });

  it('leaves open what the sender itself calls unknown', () => {
    const unknown = receipt(1, { outcome: 'abandoned', processed: 'unknown' });
    expect(reconcile([unknown], [[entry(1)]]).mismatches).toEqual({});
    expect(reconcile([unknown], [[]]).mismatches).toEqual({});
  });
});

describe('The command', () => {
  async function run(receipts: string, ledger: string): Promise<{ code: number; out: string; err: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'carillon-reconcile-'));
    try {
      const [receiptsFile, ledgerFile] = [join(folder, 'receipts.ndjson'), join(folder, 'ledger.ndjson')];
      await writeFile(receiptsFile, receipts);
      await writeFile(ledgerFile, ledger);
      const args = [join(import.meta.dirname, 'reconcile.ts'), '--receipts', receiptsFile, '--ledger', ledgerFile];
      return await new Promise((resolve) => {
        execFile(process.execPath, args, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }));
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('ends with 0 when everything holds, and says what it counted', async () => {
    const { code, out } = await run(`${JSON.stringify(receipt(1))}\n`, `${JSON.stringify(entry(1))}\n`);
    expect(out).toContain('1 receipts: 1 accepted');
    expect(out).toContain('reconciled: everything holds');
    expect(code).toBe(0);
  });

  it('ends with 1 and examples when it does not', async () => {
    const { code, out } = await run(`${JSON.stringify(receipt(1))}\n`, '');
    expect(out).toContain('NOT reconciled: 1 accepted, and in no ledger with 200');
    expect(out).toContain('line 1 of jobs');
    expect(code).toBe(1);
  });

  it('ends with 2 when a file is not what it should be', async () => {
    const { code, err } = await run('{"id":\n', '');
    expect(err).toContain('receipts.ndjson, line 1: not JSON');
    expect(code).toBe(2);
  });
});
