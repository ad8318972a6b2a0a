import { RecordField, recordStride } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { arenaOf } from '../test/pushes.ts';
import type { Arena } from './arena.ts';
import { Source } from './source.ts';

const token = '5ca1ab1e'.repeat(8);

describe('Arena', () => {
  it('gives a record an arena of its own, with every field it has and no other bytes', () => {
    const given = { token, expiration: 1_790_000_000, collapseId: 'score', payload: { aps: { alert: 'Goal' } } };
    const arena = arenaOf([
      { id: 'first', token, payload: { aps: {} } },
      { id: 'second', ...given },
      { token, payload: { aps: {} } },
    ]);
    for (const at of [0, recordStride, 2 * recordStride]) {
      const source = new Source('app', 'news');
      const own = arena.copyOf(at, source);
      expect(own.source).toBe(source);
      expect(fieldsOf(own.bytes, own.index, 0)).toEqual(fieldsOf(arena.bytes, arena.index, at));
      expect([own.id(0), own.token(0), own.apnsId(0), own.line(0)]).toEqual([
        arena.id(at),
        arena.token(at),
        arena.apnsId(at),
        arena.line(at),
      ]);
    }
    expect(arena.copyOf(0, new Source('app', 'news')).bytes.length).toBeLessThan(arena.bytes.length / 2);
  });

  it('takes the warnings of a record along, counts them as bytes held, and takes no others', () => {
    const aps = [{ alert: 'a', mine: 1 }, { alert: 'a' }, { alert: 'a', yours: 1, theirs: 1 }];
    const arena = arenaOf(aps.map((one) => ({ token, payload: { aps: one } })));
    expect(arena.heldBytes).toBe(arena.bytes.length + 3 * 400);
    const copies = aps.map((_, record) => arena.copyOf(record * recordStride, new Source('app', 'news')));
    const pathsOf = (one: Arena, at: number): unknown => one.warnings(at)?.map(({ path }) => path) ?? null;
    expect(copies.map((copy) => pathsOf(copy, 0))).toEqual([['aps.mine'], null, ['aps.yours', 'aps.theirs']]);
    expect(copies.map((copy) => copy.heldBytes - copy.bytes.length)).toEqual([400, 0, 800]);
  });
});

/** Each span as text, null where it is absent, and the numbers. */
function fieldsOf(bytes: Buffer, index: Int32Array, at: number): unknown[] {
  const spans = [0, 2, 4, 6, 8, 10].map((field) => {
    const start = index[at + field];
    return start < 0 ? null : bytes.toString('latin1', start, index[at + field + 1]);
  });
  return [...spans, ...index.subarray(at + RecordField.line, at + recordStride)];
}
