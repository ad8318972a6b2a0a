import { describe, expect, it } from 'vitest';
import type { Row } from '../bench.ts';
import { objections } from './reckoning.ts';

const outcomes = { accepted: 970_000, unregistered: 20_000, rejected: 10_000 };
const faults: Row = {
  name: 'faults',
  n: 1_000_000,
  pushesPerSecond: 40_000,
  receipts: 1_000_000,
  lost: 0,
  violations: {},
  mismatches: {},
  outcomes,
  expected: { ...outcomes },
  attemptsPerJob: 1.05,
  fired: { goaway: 20, 'limit-drop': 9, restart: 1 },
};
const faultFree: Row = { ...faults, name: 'fault-free', pushesPerSecond: 50_000, fired: {}, attemptsPerJob: 1 };
const theirs: Row = { name: 'parse-node-apn', n: 20_000, violations: { 'one-team': 1 }, fired: { goaway: 20 } };

describe('What must hold of the conduct bench', () => {
  it('holds for a run as it should be', () => {
    expect(objections([faultFree, faults, theirs])).toEqual([]);
  });

  it.each<[string, Partial<Row>]>([
    ['a receipt is missing', { receipts: 999_999 }],
    ['a push is lost', { lost: 1 }],
    ['a rule was broken', { violations: { 'goaway-obeyed': 1 } }],
    ['receipts and ledger differ', { mismatches: { 'jobs with two receipts': 1 } }],
    ['a job came to another outcome', { outcomes: { ...outcomes, accepted: 969_999, abandoned: 1 } }],
    ['too much was sent', { attemptsPerJob: 1.11 }],
    ['a figure is missing', { attemptsPerJob: Number.NaN }],
    ['a fault never fired', { fired: { goaway: 20, 'limit-drop': 0, restart: 1 } }],
    ['it was too slow', { pushesPerSecond: 34_999 }],
  ])('does not hold when %s', (_, changes) => {
    expect(objections([faultFree, { ...faults, ...changes }, theirs])).toHaveLength(1);
  });

  it('holds no rate against a short run', () => {
    const short = { ...faults, n: 200_000, receipts: 200_000, pushesPerSecond: 1 };
    expect(objections([{ ...faultFree, n: 200_000, receipts: 200_000 }, short])).toEqual([]);
  });

  it('does not hold when the referee finds nothing against a client known to misbehave', () => {
    expect(objections([{ ...theirs, violations: {} }])).toHaveLength(1);
    expect(objections([{ ...theirs, fired: { goaway: 0 } }])).toHaveLength(1);
  });
});
