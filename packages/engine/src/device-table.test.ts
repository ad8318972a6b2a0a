import fc from 'fast-check';
import { RecordField, recordStride } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { arenaOf } from '../test/pushes.ts';
import { DeviceTable } from './device-table.ts';

/** Tokens that share their first eight digits in pairs, and their last eight in others, so that digests are near. */
const tokens = Array.from(
  { length: 8 },
  (_, number) => `${(number >> 1).toString(16).padStart(8, 'a')}${String(number).padStart(56, '0')}`,
);
const arena = arenaOf(tokens.map((token) => ({ token, payload: { aps: {} } })));

/** What is noted of the token with that number. */
function noted(table: DeviceTable, scope: string, number: number): number | null {
  const { bytes, index } = arena;
  const at = number * recordStride;
  return table.find(scope, bytes, index[at + RecordField.tokenStart], index[at + RecordField.tokenEnd]);
}

describe('DeviceTable', () => {
  it('keeps scopes apart', () => {
    const table = new DeviceTable(10);
    table.set('production com.example.app', tokens[0], 5);
    expect(noted(table, 'production com.example.app', 0)).toBe(5);
    expect(noted(table, 'sandbox com.example.app', 0)).toBeNull();
    expect(noted(table, 'production com.example.app', 1)).toBeNull();
  });

  it('forgets only what is older', () => {
    const table = new DeviceTable(10);
    table.set('scope', tokens[0], 100);
    table.deleteBefore('scope', tokens[0], 100);
    expect(noted(table, 'scope', 0)).toBe(100);
    table.deleteBefore('scope', tokens[0], 101);
    expect(noted(table, 'scope', 0)).toBeNull();
    table.deleteBefore('scope', tokens[0], 101);
    expect(table.size).toBe(0);
  });

  it('forgets what is over, from the oldest on', () => {
    const table = new DeviceTable(10);
    for (const [number, at] of [10, 20, 30, 15].entries()) table.set('scope', tokens[number], at);
    table.forgetUntil(20);
    expect([0, 1, 2, 3].map((number) => noted(table, 'scope', number))).toEqual([null, null, 30, 15]);
    table.forgetUntil(30);
    expect(table.size).toBe(0);
  });

  it('answers as a plain Map of bounded size does', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'delete'),
      token: fc.integer({ min: 0, max: tokens.length - 1 }),
      scope: fc.constantFrom('a', 'b'),
      at: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 6 }), (steps, most) => {
        const table = new DeviceTable(most);
        const map = new Map<string, number>();
        for (const { kind, token, scope, at } of steps) {
          const key = `${scope} ${token}`;
          if (kind === 'set') {
            table.set(scope, tokens[token], at);
            map.delete(key);
            map.set(key, at);
            if (map.size > most) map.delete(map.keys().next().value as string);
          } else {
            table.deleteBefore(scope, tokens[token], at);
            if ((map.get(key) ?? Infinity) < at) map.delete(key);
          }
          expect(table.size).toBe(map.size);
          for (const one of ['a', 'b']) {
            for (let number = 0; number < tokens.length; number++) {
              expect(noted(table, one, number)).toBe(map.get(`${one} ${number}`) ?? null);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
