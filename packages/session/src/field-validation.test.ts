import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFieldName, isFieldValue, parseDigits, parseStatus } from './field-validation.ts';

const within = <T>(text: string, check: (bytes: Buffer, start: number, end: number) => T): T => {
  const bytes = Buffer.from(text, 'latin1');
  return check(Buffer.concat([Buffer.from('\r'), bytes, Buffer.from('\r')]), 1, 1 + bytes.length);
};
const latin1 = fc.string({ unit: fc.nat({ max: 255 }).map((code) => String.fromCodePoint(code)) });

describe('field names and values', () => {
  it('takes names that the standard takes (RFC 9113 §8.2.1)', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        expect(within(text, isFieldName)).toBe(/^[!-9;-@[-~]+$/.test(text));
      }),
    );
  });

  it('takes values that the standard takes', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        expect(within(text, isFieldValue)).toBe(!/[\0\r\n]/.test(text) && !/^[ \t]|[ \t]$/.test(text));
      }),
    );
  });
});

describe('numbers in fields', () => {
  it.each([
    ['200', 200],
    ['100', 100],
    ['999', 999],
    ['099', 0],
    ['20', 0],
    ['2000', 0],
    ['2o0', 0],
    ['', 0],
    ['-10', 0],
  ])('reads the status %s as %d', (text, status) => expect(within(text, parseStatus)).toBe(status));

  it.each([
    ['0', 0],
    ['42', 42],
    ['999999999999999', 999_999_999_999_999],
    ['1000000000000000', -1],
    ['', -1],
    ['+1', -1],
    [' 1', -1],
    ['1e3', -1],
  ])('reads the length %s as %d', (text, length) => expect(within(text, parseDigits)).toBe(length));
});
