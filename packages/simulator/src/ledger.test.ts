import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openLedger } from './ledger.ts';
import type { LedgerEntry } from './ledger.ts';

function entry(stream: number): LedgerEntry {
  return {
    at: '2026-01-01T00:00:00.000Z',
    connection: 1,
    stream,
    token: 'ab'.repeat(32),
    apnsId: '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f',
    topic: 'com.example.app',
    pushType: 'alert',
    priority: '10',
    expiration: null,
    collapseId: null,
    payloadBytes: 282,
    status: 200,
    reason: null,
  };
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-ledger-'));
  try {
    await test(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe('a file ledger', () => {
  it('has every entry, one a line and in order, when it is closed', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'ledger.ndjson');
      const ledger = openLedger({ kind: 'file', path });
      for (let stream = 1; stream <= 10_001; stream += 2) ledger.record(entry(stream));
      await ledger.close();
      await ledger.close();
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      expect(lines).toHaveLength(5_001);
      expect(JSON.parse(lines[5_000])).toEqual(entry(10_001));
      expect(ledger.count).toBe(5_001);
    }));

  it('goes on where an earlier one ended, as a gateway that restarts does', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'ledger.ndjson');
      for (const stream of [1, 3]) {
        const ledger = openLedger({ kind: 'file', path });
        ledger.record(entry(stream));
        await ledger.close();
      }
      expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(2);
    }));

  it('is full when the disk is behind, and has room again', () =>
    inDirectory(async (directory) => {
      const ledger = openLedger({ kind: 'file', path: join(directory, 'ledger.ndjson') });
      for (let stream = 1; !ledger.isFull; stream += 2) ledger.record(entry(stream));
      expect(ledger.count).toBeGreaterThan(10_000);
      await new Promise<void>((resolve) => ledger.onceRoom(resolve));
      expect(ledger.isFull).toBe(false);
      await ledger.close();
    }));

  it('says at the end that it could not be written', async () => {
    const ledger = openLedger({ kind: 'file', path: join(tmpdir(), 'carillon-no-such-directory', 'ledger.ndjson') });
    ledger.record(entry(1));
    await expect(ledger.close()).rejects.toThrow(/the ledger was not written: ENOENT/);
  });
});

describe('a memory ledger', () => {
  it('keeps entries up to its maximum and counts the rest', async () => {
    const ledger = openLedger({ kind: 'memory', entriesMax: 2 });
    for (const stream of [1, 3, 5]) ledger.record(entry(stream));
    expect(ledger.entries).toEqual([entry(1), entry(3)]);
    expect([ledger.count, ledger.overflow]).toEqual([3, 1]);
    await ledger.close();
  });
});
