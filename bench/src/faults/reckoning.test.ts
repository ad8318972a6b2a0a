import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '@carillon/simulator';
import type { Row } from '../bench.ts';
import { deviceTokens } from '../load/traffic.ts';
import { faultsBench } from './faults-bench.ts';
import type { End } from './fault-task.ts';
import { reckon } from './reckoning.ts';

const tokens = deviceTokens().slice(0, 4);

function entry(number: number, apnsId: string, status: number | null): LedgerEntry {
  const rest = { topic: null, pushType: null, priority: null, expiration: null, collapseId: null, reason: null };
  const at = '2026-11-23T12:00:00.000Z';
  return { at, connection: 1, stream: 1, token: tokens[number], apnsId, payloadBytes: 2, status, ...rest };
}

function reckonOf(ends: readonly End[], ledger: readonly LedgerEntry[]): ReturnType<typeof reckon> {
  return reckon({ ends, told: {}, seconds: 1 }, ledger);
}

describe('The reckoning of a fault', () => {
  it('counts what callers were told', () => {
    const ledger = [entry(0, 'a', 200)];
    const found = reckonOf(['accepted', 'failed', 'failed', 'unresolved'], ledger);
    expect(found).toEqual({ jobs: 4, failed: 2, unresolved: 1, duplicates: 0, renamed: 0, lost: 0 });
  });

  it('counts a push as sent twice when the gateway took it twice, answered or not', () => {
    const ledger = [entry(0, 'a', null), entry(0, 'a', 200), entry(1, 'b', 200), entry(1, 'c', 200)];
    expect(reckonOf(['accepted', 'accepted'], ledger)).toMatchObject({ duplicates: 2, renamed: 1 });
  });

  it('does not count what the gateway refused', () => {
    const ledger = [entry(0, 'a', 503), entry(0, 'a', 429), entry(0, 'a', 200)];
    expect(reckonOf(['accepted'], ledger)).toMatchObject({ duplicates: 0, lost: 0 });
  });

  it('finds what was called accepted and never arrived', () => {
    expect(reckonOf(['accepted', 'accepted'], [entry(1, 'b', 200), entry(0, 'a', 503)])).toMatchObject({ lost: 1 });
  });
});

describe('The faults bench', () => {
  const good: Row = {
    name: 'goaway/carillon',
    n: 200,
    jobs: 200,
    fired: 1,
    failed: 0,
    unresolved: 0,
    duplicates: 0,
    renamed: 0,
    lost: 0,
  };
  const failuresOf = (row: Row): string[] => faultsBench.failures?.([row]) ?? [];

  it('has nothing against a row where every job was accepted once', () => {
    expect(failuresOf(good)).toEqual([]);
  });

  it.each(['failed', 'unresolved', 'duplicates', 'renamed', 'lost'])('fails when one of ours is %s', (figure) => {
    expect(failuresOf({ ...good, [figure]: 1 })).toHaveLength(1);
  });

  it('expects of others only that the fault fired', () => {
    const theirs = { ...good, name: 'goaway/apns2', failed: 400, duplicates: 3, renamed: 3 };
    expect(failuresOf(theirs)).toEqual([]);
    expect(failuresOf({ ...theirs, fired: 0 })).toEqual(['goaway/apns2: the fault never fired']);
  });

  it('allows duplicates where the wire was ambiguous, under one apns-id', () => {
    expect(failuresOf({ ...good, name: 'tcp-reset/carillon', duplicates: 50 })).toEqual([]);
    expect(failuresOf({ ...good, name: 'tcp-reset/carillon', duplicates: 50, renamed: 1 })).toHaveLength(1);
  });

  it('knows that nothing fires where there is no fault', () => {
    expect(failuresOf({ ...good, name: 'none/carillon', fired: 0 })).toEqual([]);
  });
});
