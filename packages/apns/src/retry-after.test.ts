import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const nowMs = Date.UTC(2026, 10, 23, 12, 0, 0);
const hourMs = 3_600_000;

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    [' 120 ', 120_000],
    ['1000000000', hourMs],
    ['9'.repeat(40), hourMs],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 12:00:30 GMT', 30_000],
    ['Mon Nov 23 12:00:30 2026', 30_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 2099 12:00:00 GMT', hourMs],
  ])('reads %j', (text, expected) => expect(parseRetryAfter(text, nowMs, hourMs)).toBe(expected));

  it.each([
    null,
    '',
    'soon',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '+5',
    'Mon, 99 Foo 2026 12:00:00 GMT',
    '2026-11-23T12:00:00Z',
    '1'.repeat(65),
  ])('takes %j for absent', (text) => expect(parseRetryAfter(text, nowMs, hourMs)).toBeNull());

  it('stays between nothing and the cap, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.date().map(String)), (text) => {
        const waitMs = parseRetryAfter(text, nowMs, hourMs);
        expect(waitMs === null || (waitMs >= 0 && waitMs <= hourMs)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
