import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeviceToken } from './device-token.ts';
import { isFault } from './fault.ts';

const hex = 'c9d4c07cfbbc26d6ef87a44d64e169831096a5d5ed82547537661f56ddda4ab1';
const grouped = hex.match(/.{8}/g) ?? [];
const pairs = hex.match(/../g) ?? [];

function messageOf(text: string): string {
  const parsed = parseDeviceToken(text);
  if (!isFault(parsed)) throw new Error(`accepted ${text}`);
  expect(parsed.code).toBe('local.bad-device-token');
  expect(parsed.field).toBe('token');
  return parsed.message;
}

describe('parseDeviceToken', () => {
  it.each([
    ['plain hex', hex],
    ['upper case', hex.toUpperCase()],
    ['an NSData description', `<${grouped.join(' ')}>`],
    ['spaces', pairs.join(' ')],
    ['hyphens', grouped.join('-')],
    ['colons', pairs.join(':')],
    ['line breaks', `${hex.slice(0, 32)}\r\n${hex.slice(32)}\n`],
    ['one 0x in front', `0x${hex}`],
    ['0X before every byte', pairs.map((pair) => `0X${pair}`).join(' ')],
    ['blanks around', `  ${hex}\t`],
  ])('reads %s', (_, text) => {
    expect(parseDeviceToken(text)).toBe(hex);
  });

  it.each([64, 66, 108, 160, 200])('accepts %i digits', (length) => {
    expect(parseDeviceToken('a'.repeat(length))).toBe('a'.repeat(length));
  });

  it.each([
    ['{length = 32, bytes = 0xc9d4c07c fbbc26d6 ef87a44d 64e16983 ... ddda4ab1 }', /leaves bytes out/],
    ['(null)', /missing value/],
    ['<null>', /missing value/],
    ['undefined', /missing value/],
    ['[object Object]', /text of an object/],
    ['', /is empty/],
    ['  \n', /is empty/],
    ['<>', /is empty/],
    ['ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]', /Expo push token/],
    ['bk3RNwTe3H0:CI2k_APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx', /Firebase registration id/],
    ['ydTAfPu8JtbvhKRNZOFpgxCWpdXtglR1N2YfVt3aSrE=', /base64/],
    ['ydTAfPu8JtbvhKRNZOFpgxCWpdXtglR1N2YfVt3aSrE', /base64/],
    ['8f14e45f-ceea-467a-9575-6f0c1b2d3e4f', /32 hex digits.*UUID/],
    [hex.slice(0, 63), /63 hex digits/],
    [`${hex}a`, /odd number/],
    ['a'.repeat(202), /202 hex digits/],
    ['a'.repeat(5000), /too many/],
    [`${hex.slice(0, 63)}g`, /character 64, "g"/],
    [`${hex.slice(0, 32)}0x${hex.slice(32)}`, /character 34, "x"/],
    [`/3/device/../../${hex}`, /not a hex digit/],
    [`${hex}\u0000`, /\\u0000/],
    ['\uff11'.repeat(64), /not a hex digit/],
  ])('refuses %j', (text, message) => {
    expect(messageOf(text)).toMatch(message);
  });

  it('shows at most four characters of what it refuses', () => {
    expect(messageOf(`${hex}z`)).toContain('"c9d4…"');
    expect(messageOf(`${hex}z`)).not.toContain(hex.slice(0, 5));
  });

  it('returns only lower-case hex of an allowed length, whatever comes in', () => {
    const pieces = fc.constantFrom(
      '0x',
      '<',
      '>',
      ' ',
      '-',
      ':',
      '\n',
      '\u0000',
      '/',
      '.',
      'x',
      ...'0123456789abcdefABCDEF',
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: pieces, maxLength: 300 })),
        (text) => {
          const parsed = parseDeviceToken(text);
          if (isFault(parsed)) return;
          expect(parsed).toMatch(/^(?:[0-9a-f]{2}){32,100}$/);
          expect(parseDeviceToken(parsed)).toBe(parsed);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('reads back any token printed with any of the known separators', () => {
    const token = fc.uint8Array({ minLength: 32, maxLength: 100 });
    fc.assert(
      fc.property(
        token,
        fc.constantFrom('', ' ', '-', ':', '\n', '\r\n'),
        fc.boolean(),
        (bytes, separator, isUpper) => {
          const printed = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(separator);
          expect(parseDeviceToken(isUpper ? printed.toUpperCase() : printed)).toBe(Buffer.from(bytes).toString('hex'));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
