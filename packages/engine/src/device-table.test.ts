import fc from 'fast-check';
import { recordStride } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { arenaOf } from '../test/pushes.ts';
import { DeviceTable } from './device-table.ts';

/** Tokens that share their first eight digits in pairs, so that prefixes collide. */
const tokens = Array.from(
  { length: 8 },
  (_, number) => `${(number >> 1).toString(16).padStart(8, 'a')}${String(number).padStart(56, '0')}`,
);
const arena = arenaOf(tokens.map((token) => ({ token, payload: { aps: {} } })));

describe('DeviceTable', () => {
  it('keeps scopes apart', () => {
    const table = new DeviceTable(10);
    table.set('production com.example.app', tokens[0], 5);
    expect(table.find('production com.example.app', arena, 0)).toBe(5);
    expect(table.find('sandbox com.example.app', arena, 0)).toBeNull();
    expect(table.find('production com.example.app', arena, recordStride)).toBeNull();
  });

  it('forgets only what is older', () => {
    const table = new DeviceTable(10);
    table.set('scope', tokens[0], 100);
    table.deleteBefore('scope', tokens[0], 100);
    expect(table.find('scope', arena, 0)).toBe(100);
    table.deleteBefore('scope', tokens[0], 101);
    expect(table.find('scope', arena, 0)).toBeNull();
    table.deleteBefore('scope', tokens[0], 101);
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
              expect(table.find(one, arena, number * recordStride)).toBe(map.get(`${one} ${number}`) ?? null);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
