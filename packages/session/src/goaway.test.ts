import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGoAway } from './goaway.ts';

function read(debug: string | Buffer): { reason: string | null; text: string } {
  const bytes = Buffer.from(debug);
  const { reason, text } = readGoAway(
    7,
    11,
    Buffer.concat([Buffer.from('####'), bytes, Buffer.from('####')]),
    4,
    4 + bytes.length,
  );
  return { reason, text };
}

describe('readGoAway', () => {
  it.each([
    ['{"reason":"BadCertificate"}', 'BadCertificate'],
    ['{"reason":"Shutdown","timestamp":1508249865488}', 'Shutdown'],
    ['{"reason":"Never seen before"}', 'Never seen before'],
    ['{"reason":7}', null],
    ['{"reason":null}', null],
    ['{}', null],
    ['{', null],
    ['[]', null],
    ['null', null],
    ['"reason"', null],
    ['', null],
    ['Maximum active streams violated for this endpoint.', null],
    ['{"__proto__":{"reason":"x"}}', null],
    [`{"a":${'['.repeat(4_000)}`, null],
    [`{"reason":"${'x'.repeat(5_000)}"}`, null],
  ])('finds the reason of %.60s', (debug, reason) => {
    expect(read(debug).reason).toBe(reason);
  });

  it('cuts the text off at 256 characters', () => {
    expect(read('x'.repeat(16_000)).text).toBe('x'.repeat(256));
    expect(read('{"reason":"' + 'r'.repeat(300) + '"}').reason).toBe('r'.repeat(256));
  });

  it('escapes what could break a log line, and never throws', () => {
    expect(read('a\r\n\u001b[31m\u2028b').text).toBe('a\\u000d\\u000a\\u001b[31m\\u2028b');
    expect(read('{"reason":"\\ud800\\n"}').reason).toBe('\\ud800\\u000a');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const { text } = read(Buffer.from(bytes));
        expect(/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)).toBe(false);
      }),
    );
  });
});
