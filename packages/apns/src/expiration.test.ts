import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault } from './fault.ts';
import { parseExpiration } from './expiration.ts';
import { parseInstant } from './time.ts';

describe('parseExpiration', () => {
  it.each([
    [0, 0],
    [1764000000, 1764000000],
    ['1764000000', 1764000000],
    [0xffffffff, 0xffffffff],
    ['2026-11-23T12:00:00Z', 1795435200],
    ['2026-11-23T12:00:00.999Z', 1795435200],
    ['2026-11-23T13:00+01:00', 1795435200],
    ['2026-11-23t06:30:00-05:30', 1795435200],
  ])('reads %j', (value, expected) => expect(parseExpiration(value)).toBe(expected));

  it.each([
    [1764000000000, /milliseconds/],
    ['1764000000000', /milliseconds/],
    [1764000000.5, /whole number/],
    [-1, /before 1970/],
    ['1969-12-31T23:59:59Z', /before 1970/],
    [Number.NaN, /whole number/],
    [Infinity, /whole number/],
    ['tomorrow', /not a time/],
    ['2026-11-23', /not a time/],
    ['2026-11-23T12:00:00', /not a time/],
    ['', /not a time/],
    [null, /not a time/],
    [{}, /not a time/],
    [true, /not a time/],
  ])('refuses %j', (value, message) => {
    const parsed = parseExpiration(value);
    expect(parsed).toMatchObject({ code: 'local.bad-expiration', field: 'expiration' });
    expect(isFault(parsed) && parsed.message).toMatch(message);
  });
});

describe('parseInstant', () => {
  it('agrees with Date on every instant Date prints', () => {
    const date = fc.date({
      min: new Date('0100-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (at) => {
        expect(parseInstant(at.toISOString())).toBe(at.getTime());
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1234567890Z',
    '+002026-01-01T00:00:00Z',
    '0026-01-01T00:00:00Z',
    '',
  ])('refuses "%s"', (text) => expect(parseInstant(text)).toBeNull());

  it('does not look at a text that is too long to be one', () => {
    expect(parseInstant('9'.repeat(1_000_000))).toBeNull();
  });

  it('knows leap years', () => {
    expect(parseInstant('2028-02-29T00:00:00Z')).toBe(Date.UTC(2028, 1, 29));
    expect(parseInstant('2000-02-29T00:00:00Z')).toBe(Date.UTC(2000, 1, 29));
    expect(parseInstant('1900-02-29T00:00:00Z')).toBeNull();
  });
});
