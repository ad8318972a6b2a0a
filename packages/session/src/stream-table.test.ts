import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamState, StreamTable } from './stream-table.ts';

const idMax = 2 ** 31 - 2 ** 20;

describe('StreamTable', () => {
  it('has a power of two of rows, at least twice as many as streams', () => {
    for (const [streams, capacity] of [
      [1, 2],
      [2, 4],
      [3, 8],
      [1_000, 2_048],
      [1_025, 4_096],
    ] as const) {
      expect(new StreamTable(streams, idMax).capacity).toBe(capacity);
    }
  });

  it('gives out odd ids that rise, and remembers how they were closed', () => {
    const table = new StreamTable(4, idMax);
    const rows = [7, 8, 9].map((tag) => table.open(tag, 1));
    expect(rows.map((row) => table.idAt(row))).toEqual([1, 3, 5]);
    table.close(rows[1], StreamState.resetByPeer);
    expect([table.find(1), table.find(3), table.find(5), table.find(7)]).toEqual([rows[0], -1, rows[2], -1]);
    expect(table.stateOfClosed(3)).toBe(StreamState.resetByPeer);
    expect([table.isIdle(5), table.isIdle(7), table.isIdle(2)]).toEqual([false, true, true]);
  });

  it('forgets a closed stream when its row is needed, not before', () => {
    const table = new StreamTable(2, idMax);
    table.close(table.open(0, 0), StreamState.ended);
    for (let count = 1; count < table.capacity; count += 1) table.close(table.open(0, 0), StreamState.ended);
    expect(table.stateOfClosed(1)).toBe(StreamState.ended);
    table.open(0, 0);
    expect(table.stateOfClosed(1)).toBe(StreamState.unknown);
  });

  it('finds the oldest after one stream has outlived a million others', () => {
    const table = new StreamTable(4, idMax);
    const stuck = table.open(0, 0);
    for (let count = 0; count < 1_000_000; count += 1) table.close(table.open(1, 1), StreamState.ended);
    const young = table.open(2, 2);
    expect(table.oldest()).toBe(stuck);
    table.close(stuck, StreamState.dropped);
    expect(table.oldest()).toBe(young);
    table.close(young, StreamState.ended);
    expect(table.oldest()).toBe(-1);
  });

  it('agrees with a plain list, whatever is opened and closed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 300 }), (choices) => {
        const table = new StreamTable(6, idMax);
        const open: number[] = [];
        for (const choice of choices) {
          if (open.length < 6 && choice < 6) {
            open.push(table.idAt(table.open(choice, 0)));
          } else if (open.length > 0) {
            const [id] = open.splice(choice % open.length, 1);
            table.close(table.find(id), StreamState.ended);
          }
          expect(table.openCount).toBe(open.length);
          expect(table.openIdsAbove(0)).toEqual(open);
          const oldest = table.oldest();
          expect(oldest < 0 ? null : table.idAt(oldest)).toBe(open[0] ?? null);
          for (const id of open) expect(table.idAt(table.find(id))).toBe(id);
        }
      }),
    );
  });
});
