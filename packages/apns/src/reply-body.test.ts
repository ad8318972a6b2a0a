import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReplyBody } from './reply-body.ts';

function parse(text: string): ReturnType<typeof parseReplyBody> {
  return parseReplyBody(Buffer.from(text));
}

describe('parseReplyBody', () => {
  it('reads reason and timestamp out of the middle of a buffer', () => {
    const bytes = Buffer.from('xx{"reason":"Unregistered","timestamp":1508249865488}yy');
    expect(parseReplyBody(bytes, 2, bytes.length - 2)).toEqual({
      reason: 'Unregistered',
      timestampMs: 1508249865488,
      isMalformed: false,
    });
  });

  it.each([
    '',
    '{}',
    '{"reason":17,"timestamp":false}',
    '{"reason":null}',
    '{"reason":""}',
    '{"__proto__":{"reason":"x"}}',
  ])('finds nothing in %j and is not disturbed', (text) =>
    expect(parse(text)).toEqual({ reason: null, timestampMs: null, isMalformed: false }),
  );

  it.each([
    '{{MalformedJSON}}',
    '[]',
    '"reason"',
    'null',
    '17',
    '<html>',
    '{"reason":"x"',
    '\ufeff',
    '\u0000',
    '['.repeat(40),
  ])('calls %j malformed', (text) =>
    expect(parse(text)).toEqual({ reason: null, timestampMs: null, isMalformed: true }),
  );

  it('does not read more than 4096 bytes', () => {
    const body = (length: number): string => `{"reason":"x"${' '.repeat(length - 14)}}`;
    expect(parse(body(4096)).reason).toBe('x');
    expect(parse(body(4097))).toEqual({ reason: null, timestampMs: null, isMalformed: true });
  });

  it('is not led into deep recursion', () => {
    expect(parse('['.repeat(4096)).isMalformed).toBe(true);
    expect(parse(`{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`)).toMatchObject({ reason: null, isMalformed: false });
  });

  it('cuts a long reason and takes control characters out of it', () => {
    expect(parse(JSON.stringify({ reason: 'x'.repeat(500) })).reason).toHaveLength(100);
    expect(parse(JSON.stringify({ reason: ' Bad\r\n\u001b[31m\u202eé ' })).reason).toBe('Bad???[31m??');
  });

  it.each(['-1', '1e300', '"1508249865488"', '{}', '8640000000000001'])(
    'does not believe the timestamp %s',
    (timestamp) => {
      expect(parse(`{"reason":"Unregistered","timestamp":${timestamp}}`)).toMatchObject({
        reason: 'Unregistered',
        timestampMs: null,
      });
    },
  );

  it('never throws and never lets through more than visible ASCII', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ reason: fc.jsonValue(), timestamp: fc.oneof(fc.double(), fc.jsonValue()) })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const { reason, timestampMs } = parseReplyBody(bytes);
        expect(reason ?? 'none').toMatch(/^[\x20-\x7e]{1,100}$/);
        expect(new Date(timestampMs ?? 0).getTime()).not.toBeNaN();
      }),
      { numRuns: 5_000 },
    );
  });
});
