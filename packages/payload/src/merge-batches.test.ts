import { describe, expect, it } from 'vitest';
import { jobLine, prepare, readRecords } from '../test/batches.ts';
import { mergeBatches } from './merge-batches.ts';

const lines = [
  jobLine({ id: 'a' }),
  jobLine({ id: 'b', payload: { aps: { alert: 'a', mine: 1 } } }),
  'no job',
  jobLine({ id: 'c', truncate: true, payload: { aps: { alert: 'x'.repeat(5000), badge: -1 } } }),
  jobLine({ id: 'd', pushType: 'voip', payload: { aps: { alert: 'a' } } }),
  jobLine({ id: 'e', payload: { aps: { alert: 'a', mine: 1 } } }),
];

describe('mergeBatches', () => {
  it('gives what one batch of all lines has, warnings and what was shortened included', () => {
    const whole = prepare(lines.join('\n'));
    const merged = mergeBatches(lines.map((line, at) => prepare(line, at + 1)));
    const withoutApnsIds = (batch: typeof whole): unknown =>
      readRecords(batch).map((record) => ({ ...record, apnsId: '' }));
    expect(withoutApnsIds(merged)).toEqual(withoutApnsIds(whole));
    expect(readRecords(merged).map(({ warned }) => warned)).toEqual([
      [],
      ['aps.mine'],
      ['aps.badge'],
      ['expiration'],
      ['aps.mine'],
    ]);
    expect([merged.truncated, merged.lines, merged.rejections]).toEqual([1, 6, whole.rejections]);
    expect(merged.warnings.map(({ records }) => records)).toEqual([1, 1, 1, 1]);
    expect(whole.warnings.map(({ records }) => records)).toEqual([2, 1, 1]);
  });
});
