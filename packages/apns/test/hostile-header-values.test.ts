// Nothing below these parsers checks header values once more for meaning: what they let through goes on the wire. A peer
// of ours put `apns-topic: "a\r\nx: y"` and `/3/device/../../1/apps/x` there unchanged.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isFault,
  parseApnsId,
  parseChannelId,
  parseCollapseId,
  parseDeviceToken,
  parseEndpoint,
  parseExpiration,
  parsePriority,
  parsePushType,
  parseTopic,
} from '../src/index.ts';

const strings = 100_000;
// Mostly characters that are allowed somewhere, so that many strings are nearly right.
const character = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...'abcdef0123456789ABCDEFxyz.-+=') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\r',
      '\n',
      '\u0000',
      '\t',
      ' ',
      '/',
      '..',
      ':',
      '"',
      '%',
      '_',
      '\u007f',
      '\u0085',
      '\u2028',
      '\ud800',
      'é',
      '１',
      '🔔',
    ),
  },
);
const hostile = fc.oneof(
  fc.string({ unit: character, maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .tuple(fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 63, maxLength: 66 }), character)
    .map(([token, tail]) => token + tail),
  fc.tuple(fc.uuid(), character).map(([id, tail]) => id.slice(0, -1) + tail),
);

const allowed: readonly (readonly [name: string, parse: (text: string) => unknown, pattern: RegExp])[] = [
  ['topic', parseTopic, /^[A-Za-z0-9.-]{1,255}$/],
  ['collapse id', parseCollapseId, /^[\x21-\x7e]{1,64}$/],
  ['apns-id', parseApnsId, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['device token', parseDeviceToken, /^(?:[0-9a-f]{2}){32,100}$/],
  ['channel', (text) => parseChannelId(text), /^[A-Za-z0-9+/]{1,128}={0,2}$/],
  ['push type', (text) => nameOf(parsePushType(text)), /^[a-z][a-z0-9-]{0,31}$/],
  ['expiration', (text) => textOf(parseExpiration(text)), /^\d{1,10}$/],
  ['priority', (text) => textOf(parsePriority(text)), /^(?:10|5|1)$/],
  ['authority', (text) => authorityOf(parseEndpoint(`https://${text}`)), /^[a-z0-9.:[\]_-]+$/],
];

function nameOf(value: ReturnType<typeof parsePushType>): unknown {
  return isFault(value) ? value : value.name;
}
function textOf(value: unknown): unknown {
  return isFault(value) ? value : String(value);
}
function authorityOf(value: ReturnType<typeof parseEndpoint>): unknown {
  return isFault(value) ? value : value.authority;
}

/** Null when the parser did right by this string: a clean value or a clean message. */
function findLeak(parsed: unknown, pattern: RegExp): string | null {
  // A message quotes the value, and must not carry hostile bytes into a log.
  if (isFault(parsed))
    return /^[\x20-\x7e…]+$/.test(parsed.message) ? null : `message ${JSON.stringify(parsed.message)}`;
  return typeof parsed === 'string' && pattern.test(parsed) ? null : `value ${JSON.stringify(parsed)}`;
}

describe('a hostile string', () => {
  it(`never becomes a header value outside the allow-list (${strings} strings, ${allowed.length} parsers)`, () => {
    const accepted = new Map<string, number>(allowed.map(([name]) => [name, 0]));
    fc.assert(
      fc.property(hostile, (text) => {
        const leaks: string[] = [];
        for (const [name, parse, pattern] of allowed) {
          const parsed = parse(text);
          const leak = findLeak(parsed, pattern);
          if (leak !== null) leaks.push(`${name}: ${leak}`);
          if (!isFault(parsed)) accepted.set(name, (accepted.get(name) ?? 0) + 1);
        }
        expect(leaks).toEqual([]);
      }),
      { numRuns: strings },
    );
    console.log(`hostile header values: ${strings} strings, accepted ${JSON.stringify(Object.fromEntries(accepted))}`);
    // A parser that refuses everything would prove nothing.
    expect([...accepted.values()].every((count) => count > 100)).toBe(true);
  });

  it('costs little time, however long', () => {
    const startedMs = performance.now();
    for (const unit of ['a', ' ', '0x', '-', '9', '<', 'é', '\u0000']) {
      const text = unit.repeat(1_000_000);
      for (const [, parse] of allowed) expect(isFault(parse(text))).toBe(true);
    }
    // 64 parses of a megabyte. A backtracking pattern would need minutes for one.
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
