import { describe, expect, it } from 'vitest';
import { BatchBuilder, InlinePreparer, refusalCodes } from '../src/index.ts';
import { accept, channelLine, jobLine, payloadLine, prepare, readRecords, refuse, token } from './batches.ts';

/** Codes of PayloadCode. */
const payloadCodes = [
  'local.payload-wrong-type',
  'local.payload-bad-value',
  'local.payload-key-missing',
  'local.background-visible',
  'local.broadcast-start',
];
const uuid = '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f';
/** Codes that some test of this file has seen: the table must not hold one that nothing gives. */
const seen = new Set<string>();

function check(line: string | Buffer, code: string, field: string | null, message: RegExp): void {
  const rejection = refuse(line);
  expect(rejection).toMatchObject({ line: 1, code, field });
  expect(rejection.message).toMatch(message);
  expect(rejection.message).not.toContain(token);
  expect(rejection.message).toMatch(/^[\x20-\x7e…{}]*$/);
  seen.add(code);
}

describe('a line whose text is wrong', () => {
  it.each([
    ['no JSON', 'hello', /object in \{ \}|one JSON object/],
    ['a line cut off in a string', '{"token":"c9d4', /text ends within a string/],
    ['a line cut off between fields', `{"token":"${token}",`, /key in double quotes/],
    ['a line cut off after a key', '{"token"', /colon/],
    ['a trailing comma', `{"token":"${token}",}`, /key in double quotes/],
    ['single quotes', `{'token':'${token}'}`, /double quotes/],
    ['a key without quotes', `{token:"${token}"}`, /double quotes/],
    ['a missing comma', `{"token":"${token}" "payload":{}}`, /comma or \}/],
    ['something after the job', `${jobLine({})} x`, /ends before this/],
    ['two jobs in a line', jobLine({}) + jobLine({}), /ends before this/],
    ['a raw control character in a string', payloadLine('{"a":"\u0001"}'), /control character/],
    ['a raw tab in a string', payloadLine('{"a":"\t"}'), /control character/],
    ['an escape that does not exist', payloadLine('{"a":"\\x41"}'), /escape does not exist/],
    ['too few hex digits', payloadLine('{"a":"\\u00g0"}'), /four hex digits/],
    ['a leading zero', payloadLine('{"a":01}'), /comma or \}/],
    ['a plus', payloadLine('{"a":+1}'), /value is wanted/],
    ['a point without digits', payloadLine('{"a":1.}'), /digit/],
    ['an exponent without digits', payloadLine('{"a":1e}'), /digit/],
    ['a lone minus', payloadLine('{"a":-}'), /digit/],
    ['NaN', payloadLine('{"a":NaN}'), /value is wanted/],
    ['undefined', payloadLine('{"a":undefined}'), /value is wanted/],
    ['a word in capitals', payloadLine('{"a":True}'), /value is wanted/],
    ['half a word', payloadLine('{"a":tru}'), /value is wanted/],
    ['a comment', payloadLine('{/* x */}'), /double quotes/],
    ['white space that is none of JSON', payloadLine('{\u00a0}'), /double quotes/],
    ['a vertical tab', payloadLine('{\v}'), /double quotes/],
    ['a byte order mark before a later line', '\n\ufeff' + jobLine({}), /byte order mark/],
  ])('is refused: %s', (_, line, message) => {
    const batch = prepare(line);
    expect(batch.count).toBe(0);
    expect(batch.rejections).toHaveLength(1);
    expect(batch.rejections[0]).toMatchObject({ code: 'local.not-json', id: null, token: null, app: null });
    expect(batch.rejections[0].message).toMatch(message);
    seen.add('local.not-json');
  });

  it.each(['[1]', '"x"', '17', 'null', 'true'])('is refused when it is %s and no object', (line) => {
    check(line, 'local.not-a-job', null, /object/);
  });

  it('is refused when it is not UTF-8, and the other lines of the chunk are not', () => {
    const bad = Buffer.from(payloadLine('{"aps":{"alert":"caf\u00e9"}}'), 'latin1');
    check(bad, 'local.bad-utf8', null, /UTF-8/);
    const good = payloadLine('{"aps":{"alert":"café"}}');
    const batch = prepare(Buffer.concat([Buffer.from(`${good}\n`), bad, Buffer.from(`\n${good}\n`)]));
    expect(readRecords(batch).map((record) => record.line)).toEqual([1, 3]);
    expect(batch.rejections.map((rejection) => rejection.line)).toEqual([2]);
  });

  it.each([
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a continuation byte alone', [0x80]],
    ['a sequence cut off', [0xe2, 0x82]],
  ])('is refused with %s in UTF-8', (_, bytes) => {
    const line = Buffer.concat([
      Buffer.from(`{"token":"${token}","payload":{"a":"`),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ]);
    check(line, 'local.bad-utf8', null, /UTF-8/);
  });

  it.each(['\\ud83d', '\\ude80', '\\ud83dx', '\\ud83d\\ud83d', '\\ude80\\ud83d', '\\uD83D\\n', '\\ud83d\\u0041'])(
    'is refused with a lone surrogate: %s',
    (text) => check(payloadLine(`{"a":"${text}"}`), 'local.lone-surrogate', 'payload', /surrogate/),
  );

  it('is refused with a lone surrogate in a key', () => {
    check(payloadLine('{"\\ud83d":1}'), 'local.lone-surrogate', 'payload', /surrogate/);
  });

  it.each([
    ['in the payload', payloadLine('{"a":1,"b":2,"a":3}'), 'payload'],
    ['in aps', payloadLine('{"aps":{"badge":1,"badge":2}}'), 'payload'],
    ['deep inside', payloadLine('{"a":[[{"b":{"c":1,"c":1}}]]}'), 'payload'],
    ['once escaped', payloadLine('{"abc":1,"a\\u0062c":2}'), 'payload'],
    ['escaped first', payloadLine('{"a\\u0062c":2,"abc":1}'), 'payload'],
    ['escaped both times, differently', payloadLine('{"\\u0061bc":2,"ab\\u0063":1}'), 'payload'],
    ['empty', payloadLine('{"":2,"":1}'), 'payload'],
    ['outside ASCII', payloadLine('{"é":2,"\\u00e9":1}'), 'payload'],
    ['outside the BMP', payloadLine('{"🚀":2,"\\ud83d\\ude80":1}'), 'payload'],
    ['among fields', `{"token":"${token}","token":"${token}","payload":{}}`, 'token'],
    ['among fields, escaped', `{"token":"${token}","tok\\u0065n":"x","payload":{}}`, 'token'],
  ])('is refused with a key twice, %s', (_, line, field) => {
    check(line, 'local.duplicate-key', field, /keep one of them/);
  });

  it('is not refused for the same key in different objects', () => {
    const payload = '{"a":{"a":{"a":1},"b":1},"b":[{"a":1},{"a":1}],"c":{"a":1}}';
    expect(accept(payloadLine(payload)).payload).toBe(payload);
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])('is refused with the key %s', (key) => {
    check(payloadLine(`{"${key}":1}`), 'local.forbidden-key', 'payload', /__proto__/);
    check(payloadLine(`{"aps":{"x":[{"${key}":1}]}}`), 'local.forbidden-key', 'payload', /__proto__/);
    check(`{"${key}":1,"token":"${token}","payload":{}}`, 'local.forbidden-key', null, /__proto__/);
  });

  it('is accepted with 64 objects and arrays in one another, and refused with 65', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    const objects = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
    accept(payloadLine(nested(64)));
    accept(payloadLine(objects(64)));
    check(payloadLine(nested(65)), 'local.too-deep', 'payload', /64/);
    check(payloadLine(objects(65)), 'local.too-deep', 'payload', /64/);
    check(payloadLine(nested(30_000)), 'local.too-deep', 'payload', /64/);
  });

  it.each([
    ['device_token', /token is meant/],
    ['push_type', /pushType is meant/],
    ['apns-collapse-id', /collapseId is meant/],
    ['aps', /inside payload/],
    ['colour', /fields are id, app, token/],
    ['to\u0007ken\u001b[31m', /\\x07/],
  ])('is refused with the unknown field %s', (name, message) => {
    check(jobLine({ [name]: 1 }), 'local.unknown-field', null, message);
  });

  it.each([
    ['token', null],
    ['token', 17],
    ['token', { a: 1 }],
    ['id', 4711],
    ['app', false],
    ['pushType', 1],
    ['topic', ['x']],
    ['priority', '10'],
    ['priority', null],
    ['expiration', true],
    ['collapseId', 1],
    ['apnsId', 1],
    ['deadline', 1764000000],
    ['onAmbiguous', true],
    ['truncate', 'false'],
    ['payload', 17],
    ['payload', [1]],
    ['payload', null],
  ])('is refused with %s of the wrong type: %j', (name, value) => {
    check(jobLine({ [name]: value }), 'local.wrong-type', name, /is wanted/);
  });
});

describe('a job whose text is fine', () => {
  it.each([
    [
      'neither token nor channel',
      '{"payload":{}}',
      'local.missing-token',
      'token',
      /device token in hex, or a channel/,
    ],
    ['no payload', `{"token":"${token}"}`, 'local.missing-payload', 'payload', /aps/],
    ['nothing at all', '{}', 'local.missing-token', 'token', /device token/],
    ['a short token', jobLine({ token: 'c9d4' }), 'local.bad-device-token', 'token', /4 hex digits/],
    ['a path for a token', jobLine({ token: '../../1/apps/x' }), 'local.bad-device-token', 'token', /not a hex digit/],
    ['an Expo token', jobLine({ token: 'ExponentPushToken[x]' }), 'local.bad-device-token', 'token', /Expo/],
    ['an id with a space', jobLine({ id: 'a b' }), 'local.bad-id', 'id', /"a b"/],
    ['an empty id', jobLine({ id: '' }), 'local.bad-id', 'id', /1 to 128/],
    ['a long id', jobLine({ id: 'x'.repeat(129) }), 'local.bad-id', 'id', /1 to 128/],
    ['an empty app', jobLine({ app: '' }), 'local.bad-app', 'app', /1 to 128/],
    ['an app with a line feed', jobLine({ app: 'a\nb' }), 'local.bad-app', 'app', /control/],
    ['a line feed in the topic', jobLine({ topic: 'com.a\r\nx: y' }), 'local.bad-topic', 'topic', /\\u000d/],
    ['an empty topic', jobLine({ topic: '' }), 'local.bad-topic', 'topic', /empty/],
    ['a push type in capitals', jobLine({ pushType: 'Alert' }), 'local.bad-push-type', 'pushType', /alert/],
    ['priority 7', jobLine({ priority: 7 }), 'local.bad-priority', 'priority', /10, 5 or 1/],
    ['background at 10', jobLine({ pushType: 'background', priority: 10 }), 'local.bad-priority', 'priority', /5/],
    ['an expiration in ms', jobLine({ expiration: 1764000000000 }), 'local.bad-expiration', 'expiration', /millis/],
    ['a negative expiration', jobLine({ expiration: -1 }), 'local.bad-expiration', 'expiration', /1970/],
    ['half a second', jobLine({ expiration: 1.5 }), 'local.bad-expiration', 'expiration', /whole/],
    ['a time in words', jobLine({ expiration: 'soon' }), 'local.bad-expiration', 'expiration', /"soon"/],
    ['a long collapse id', jobLine({ collapseId: 'x'.repeat(65) }), 'local.bad-collapse-id', 'collapseId', /long/],
    ['a collapse id with CR', jobLine({ collapseId: 'a\r' }), 'local.bad-collapse-id', 'collapseId', /\\u000d/],
    ['a collapse id in Greek', jobLine({ collapseId: 'αβ' }), 'local.bad-collapse-id', 'collapseId', /ASCII/],
    ['an apnsId that is none', jobLine({ apnsId: 'x' }), 'local.bad-apns-id', 'apnsId', /UUID/],
    [
      'a deadline without offset',
      jobLine({ deadline: '2026-11-23T12:00:00' }),
      'local.bad-deadline',
      'deadline',
      /ISO/,
    ],
    ['onAmbiguous: maybe', jobLine({ onAmbiguous: 'maybe' }), 'local.bad-on-ambiguous', 'onAmbiguous', /report/],
    ['a token and a channel', jobLine({ channel: 'dHN0LXNyY2g=' }), 'local.token-and-channel', 'channel', /one of/],
    ['a channel that is none', channelLine({ channel: 'a b' }), 'local.bad-channel', 'channel', /base64/],
    ['an empty channel', channelLine({ channel: '' }), 'local.bad-channel', 'channel', /empty/],
    ['a line feed in a channel', channelLine({ channel: 'a\nb: c' }), 'local.bad-channel', 'channel', /\\u000a/],
    ['a channel for alerts', channelLine({ pushType: 'alert' }), 'local.bad-push-type', 'pushType', /liveactivity/],
    ['a channel for widgets', channelLine({ pushType: 'widgets' }), 'local.bad-push-type', 'pushType', /broadcast/],
    [
      'a channel with the topic of a push type',
      channelLine({ topic: 'com.example.app.push-type.liveactivity' }),
      'local.bad-topic',
      'topic',
      /"com\.example\.app" is right/,
    ],
    ['a channel with a collapse id', channelLine({ collapseId: 'x' }), 'local.bad-collapse-id', 'collapseId', /none/],
    ['sendAt', jobLine({ sendAt: '2026-11-23T11:00:00Z' }), 'local.send-at-not-supported', 'sendAt', /daemon/],
    ['a topic of another type', jobLine({ pushType: 'voip', topic: 'com.a' }), 'local.bad-topic', 'topic', /\.voip/],
    ['a payload text of no JSON', jobLine({ payload: '{"a":' }), 'local.payload-not-json', 'payload', /byte 6/],
    ['an empty payload text', jobLine({ payload: '' }), 'local.payload-not-json', 'payload', /value is wanted/],
    ['a payload text of an array', jobLine({ payload: '[]' }), 'local.payload-not-an-object', 'payload', /object/],
    ['two payloads in a text', jobLine({ payload: '{}{}' }), 'local.payload-not-json', 'payload', /ends before/],
    ['a payload text with NUL', jobLine({ payload: '{}\0' }), 'local.payload-not-json', 'payload', /ends before/],
    ['a payload text with a mark', jobLine({ payload: '\ufeff{}' }), 'local.payload-not-json', 'payload', /value/],
    ['a key twice in a text', jobLine({ payload: '{"a":1,"a":1}' }), 'local.duplicate-key', 'payload', /keep one/],
    ['__proto__ in a text', jobLine({ payload: '{"__proto__":1}' }), 'local.forbidden-key', 'payload', /refused/],
  ])('is refused: %s', (_, line, code, field, message) => {
    check(line, code, field, message);
  });

  it('is accepted at the byte limit of its push type and refused one byte above, in UTF-8 bytes as sent', () => {
    const alert = (bytes: number): string => `{"aps":{"alert":"é${'x'.repeat(bytes - 22)}"}}`;
    expect(Buffer.byteLength(alert(4096))).toBe(4096);
    expect(accept(payloadLine(alert(4096))).payload).toBe(alert(4096));
    check(payloadLine(alert(4097)), 'local.payload-too-large', 'payload', /4097 bytes.*4096/);
    const voip = (bytes: number): string => `{"token":"${token}","payload":${alert(bytes)},"pushType":"voip"}`;
    accept(voip(5120));
    check(voip(5121), 'local.payload-too-large', 'payload', /5121 bytes.*5120/);
    const broadcast = (bytes: number): string => `{"channel":"dHN0LXNyY2g=","payload":${alert(bytes)}}`;
    accept(broadcast(5120));
    check(broadcast(5121), 'local.payload-too-large', 'payload', /5121 bytes.*5120 in a broadcast/);
  });

  it('is refused when keys go on beyond the largest payload, without reading on', () => {
    check(payloadLine(`{${alikeKeys(2000).join()}}`), 'local.payload-too-large', 'payload', /5120/);
  });

  it('is known by its id, app and token even when it is refused', () => {
    const rejection = refuse(jobLine({ id: 'order-1', app: 'news', topic: 'a b' }));
    expect(rejection).toMatchObject({ id: 'order-1', app: 'news', token, code: 'local.bad-topic' });
  });

  it('is known by its channel when it is refused', () => {
    const rejection = refuse(channelLine({ pushType: 'alert' }));
    expect(rejection).toMatchObject({ token: null, channel: 'dHN0LXNyY2g=', code: 'local.bad-push-type' });
  });

  it('is not known by an id that is given twice or is itself wrong', () => {
    expect(refuse(`{"id":"a","id":"b","token":"${token}","payload":{}}`)).toMatchObject({ id: null, token });
    expect(refuse(jobLine({ id: 'a b' })).id).toBeNull();
    expect(refuse(`{"id":"a","__proto__":{"id":"b"}}`).id).toBe('a');
    expect(refuse(`{"__proto__":{"id":"b"}}`).id).toBeNull();
  });
});

describe('a chunk of lines', () => {
  it('gives every bad line one rejection with its number, and the rest is prepared', () => {
    const lines = [jobLine({ id: 'a' }), 'x', '', '  \t', jobLine({ id: 'b' }), '{}', jobLine({ id: 'c' })];
    const batch = prepare(lines.join('\n'), 10);
    expect(readRecords(batch).map((record) => [record.line, record.id])).toEqual([
      [10, 'a'],
      [14, 'b'],
      [16, 'c'],
    ]);
    expect(batch.rejections.map((rejection) => [rejection.line, rejection.code])).toEqual([
      [11, 'local.not-json'],
      [15, 'local.missing-token'],
    ]);
    expect(batch.lines).toBe(7);
  });

  it('does not let one line run into the next', () => {
    const line = jobLine({});
    for (let cut = 1; cut < line.length; cut++) {
      const batch = prepare(`${line.slice(0, cut)}\n${line.slice(cut)}\n${line}\n`);
      expect(batch.rejections.map((rejection) => rejection.line)).toEqual([1, 2]);
      expect(readRecords(batch).map((record) => record.line)).toEqual([3]);
    }
  });

  it('refuses a line over the limit and nothing else', () => {
    const preparer = new InlinePreparer();
    const line = jobLine({});
    const batch = preparer.prepare(Buffer.from(`${line}\n${line} \n${line}\n`), 1, { lineBytesMax: line.length });
    expect(batch.count).toBe(2);
    expect(batch.rejections).toMatchObject([{ line: 2, code: 'local.line-too-long', id: null }]);
    seen.add('local.line-too-long');
  });

  it('accepts a byte order mark before the first line only', () => {
    const line = jobLine({});
    expect(prepare(`\ufeff${line}`, 1).count).toBe(1);
    expect(prepare(`\ufeff${line}`, 2).rejections).toMatchObject([{ line: 2, code: 'local.not-json' }]);
    expect(prepare('\ufeff', 1)).toMatchObject({ count: 0, lines: 1, rejections: [] });
  });

  it.each([
    ['keys made to look alike', `{${alikeKeys(420).join()}}`],
    ['as many keys as fit', `{${Array.from({ length: 12_000 }, (_, k) => `"${k.toString(36)}":1`).join()}}`],
    ['brackets only', '['.repeat(65_000)],
    ['objects only', '{"":'.repeat(16_000)],
    ['escapes only', `{"${'\\u0061'.repeat(10_000)}":1}`],
    ['quotes in quotes', JSON.stringify(JSON.stringify('"'.repeat(16_000)))],
    ['a number without end', `{"a":${'1'.repeat(65_000)}}`],
    ['white space', `{${' '.repeat(65_000)}}`],
  ])('is done with the worst lines of 64 KiB in bounded time: %s', (_, payload) => {
    const line = Buffer.from(payloadLine(payload));
    const startMs = performance.now();
    for (let i = 0; i < 10; i++) prepare(line);
    // Measured: below 2 ms each. The margin is for machines that are busy with other tests.
    expect((performance.now() - startMs) / 10).toBeLessThan(50);
  });

  it('may be empty', () => {
    expect(prepare('')).toMatchObject({ count: 0, lines: 0, rejections: [] });
    expect(prepare('\n\r\n')).toMatchObject({ count: 0, lines: 2, rejections: [] });
  });
});

/** Keys of the same length with the same first, middle and last byte: the scan's signatures of all of them are equal. */
function alikeKeys(count: number): string[] {
  return Array.from({ length: count }, (_, k) => {
    const digits = String(k).padStart(4, '0');
    return `"x${digits.slice(0, 2)}M${digits.slice(2)}z":1`;
  });
}

describe('the table of codes', () => {
  it('holds no code that nothing gives, and lacks none', () => {
    const builder = new BatchBuilder();
    builder.addObject({ token, payload: { a: 1n } }, 1);
    seen.add(builder.take().rejections[0].code);
    // What the payload says: payload-rules.test.ts has an example of each, held to the table there.
    for (const code of payloadCodes) seen.add(code);
    seen.add('local.poison'); // given when a worker thread dies: worker-preparer.test.ts
    // Of campaigns: campaign.test.ts has a case for each.
    for (const code of ['missing-variable', 'duplicate-recipient', 'not-a-recipient']) seen.add(`local.${code}`);
    expect([...seen].sort()).toEqual(Object.keys(refusalCodes).sort());
  });

  it('explains every code in a sentence', () => {
    for (const sentence of Object.values(refusalCodes)) expect(sentence).toMatch(/^[A-Za-z].*\.$/);
  });
});

it('reads an apnsId in either case', () => {
  expect(accept(jobLine({ apnsId: uuid.toUpperCase() }))).toMatchObject({ apnsId: uuid, isApnsIdGiven: true });
});
