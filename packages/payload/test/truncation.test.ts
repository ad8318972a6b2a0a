// `truncate: true`: what is too large is shortened between two graphemes of the alert's text, and nothing else changes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchBuilder, type JobObject, type PreparedBatch, RecordField, RecordFlag } from '../src/index.ts';
import { token } from './batches.ts';

const builder = new BatchBuilder();
const bytesMax = 4096;

interface Sent {
  readonly payload: string;
  readonly isTruncated: boolean;
}

function sentBy({ bytes, index, count, rejections, truncated }: PreparedBatch): Sent | string {
  if (count === 0) return `${rejections[0].code}: ${rejections[0].message}`;
  const isTruncated = (index[RecordField.flags] & RecordFlag.truncated) !== 0;
  expect(truncated).toBe(isTruncated ? 1 : 0);
  return { payload: bytes.toString('utf8', index[RecordField.bodyStart], index[RecordField.bodyEnd]), isTruncated };
}

function sendLine(line: string): Sent | string {
  builder.addLines(Buffer.from(line), 1);
  return sentBy(builder.take());
}

function sendObject(job: JobObject): Sent | string {
  builder.addObject(job, 1);
  return sentBy(builder.take());
}

/** By a text of JSON, in every way in: as a line, in a line, as a string, as bytes; and the value as an object. */
function shorten(text: string, fields: JobObject = {}): Sent | string {
  const job = { token, truncate: true, ...fields };
  const head = JSON.stringify(job).slice(0, -1);
  const first = sendLine(`${head},"payload":${text}}`);
  expect(sendLine(`{"payload":${text},${head.slice(1)}}`)).toEqual(first);
  expect(sendLine(`${head},"payload":${JSON.stringify(text)}}`)).toEqual(first);
  expect(sendObject({ ...job, payload: text })).toEqual(first);
  expect(sendObject({ ...job, payload: Buffer.from(text) })).toEqual(first);
  const value = JSON.parse(text) as object;
  if (JSON.stringify(value) === text) expect(sendObject({ ...job, payload: value })).toEqual(first);
  return first;
}

function shortened(text: string, fields: JobObject = {}): string {
  const sent = shorten(text, fields);
  if (typeof sent === 'string') throw new Error(sent);
  expect(sent.isTruncated).toBe(true);
  return sent.payload;
}

const piece = fc.constantFrom(
  ...[
    'a',
    'é',
    '€',
    '漢',
    '🚀',
    '👩‍👩‍👧‍👦',
    '🇩🇪',
    '🏳️‍🌈',
    'e\u0301\u0323',
    '\r\n',
    ' ',
    '"',
    '\\',
    '\n',
    '\u0001',
    'ก็็็',
    '한',
    '각',
  ],
);
const texts = fc
  .tuple(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 4000 }))
  .map(([pieces, length]) => {
    const unit = pieces.join('');
    return unit.repeat(1 + Math.ceil(length / unit.length));
  });
const others = fc.record(
  { subtitle: fc.string({ maxLength: 30 }), title: fc.string({ unit: 'grapheme', maxLength: 30 }) },
  { requiredKeys: [] },
);
/** Keys that no payload may have are other tests' concern, also those of values: fast-check likes to try them. */
const otherwiseRefused = /"(?:aps|prototype|__proto__|constructor|toJSON)":/u;
const beside = fc
  .dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 4, noNullPrototype: true })
  .filter((data) => !otherwiseRefused.test(JSON.stringify(data)));

/** As other programs write it: everything outside ASCII as an escape, or the slash, too. */
function escaped(text: string, how: 'not' | 'ascii' | 'slash'): string {
  if (how === 'not') return text;
  if (how === 'slash') return text.replaceAll('/', '\\/');
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

describe('a payload that may be shortened', () => {
  it('is valid, fits, says as many whole graphemes of its text as fit, and is otherwise the same', () => {
    let cut = 0;
    const escapes = fc.constantFrom('not' as const, 'ascii' as const, 'slash' as const);
    fc.assert(
      fc.property(texts, fc.boolean(), others, beside, escapes, (body, isPlain, alert, data, how) => {
        const payload = (text: string): object => ({
          aps: { alert: isPlain ? text : { ...alert, body: text } },
          ...data,
        });
        const written = (text: string): string => escaped(JSON.stringify(payload(text)), how);
        const text = written(body);
        const sent = shorten(text);
        if (typeof sent === 'string') {
          expect(sent).toMatch(/would still be too large/);
          expect(Buffer.byteLength(written(''))).toBeGreaterThan(bytesMax);
          return;
        }
        if (Buffer.byteLength(text) <= bytesMax) {
          expect(sent).toEqual({ payload: text, isTruncated: false });
          return;
        }
        cut++;
        expect(sent.isTruncated).toBe(true);
        expect(Buffer.byteLength(sent.payload)).toBeLessThanOrEqual(bytesMax);
        const value = JSON.parse(sent.payload) as { aps: { alert: string | { body: string } } };
        const kept = typeof value.aps.alert === 'string' ? value.aps.alert : value.aps.alert.body;
        expect(sent.payload).toBe(written(kept));
        expect(body.startsWith(kept)).toBe(true);
        const ends = [0, ...Array.from(graphemes.segment(body), ({ index, segment }) => index + segment.length)];
        expect(ends).toContain(kept.length);
        // The next grapheme would not have fitted.
        const next = body.slice(0, ends[ends.indexOf(kept.length) + 1]);
        expect(Buffer.byteLength(written(next))).toBeGreaterThan(bytesMax);
      }),
      { numRuns: 400 },
    );
    console.log(`shortened ${cut} payloads of chance`);
    expect(cut).toBeGreaterThan(100);
  }, 60_000);

  it('keeps its bytes when it is not too large, and needs nobody to ask', () => {
    const text = `{ "aps" : {"alert":"${'x'.repeat(bytesMax - 23)}"}}`;
    expect(Buffer.byteLength(text)).toBe(bytesMax);
    expect(shorten(text)).toEqual({ payload: text, isTruncated: false });
    expect(shorten(text, { truncate: false })).toEqual({ payload: text, isTruncated: false });
  });

  it('is shortened to the limit of its push type', () => {
    const text = `{"aps":{"alert":"${'x'.repeat(6000)}"}}`;
    expect(shortened(text)).toBe(`{"aps":{"alert":"${'x'.repeat(4096 - 20)}"}}`);
    expect(shortened(text, { pushType: 'voip', expiration: 0 })).toBe(`{"aps":{"alert":"${'x'.repeat(5120 - 20)}"}}`);
    expect(shortened(text, { pushType: 'hologram' })).toHaveLength(4096);
  });

  it('of a broadcast is shortened to what a broadcast may have', () => {
    const aps = { event: 'update', timestamp: 1, 'content-state': {}, alert: { title: 'T', body: 'x'.repeat(6000) } };
    const sent = sendObject({ channel: 'dHN0LXNyY2gtY2hhbm5lbA==', truncate: true, payload: { aps } });
    expect(sent).toMatchObject({ isTruncated: true });
    expect(typeof sent === 'string' ? sent : sent.payload.length).toBe(5120);
  });

  it('is shortened when its keys lie far behind the text', () => {
    const text = `{"aps":{"alert":{"body":"${'é'.repeat(20_000)}","title":"T"},"sound":"default"},"more":[1,2]}`;
    const sent = JSON.parse(shortened(text)) as { aps: { alert: { title: string } }; more: unknown };
    expect(sent).toMatchObject({ aps: { alert: { title: 'T' }, sound: 'default' }, more: [1, 2] });
  });

  it('is shortened when the names of its keys are written as escapes', () => {
    const text = `{"a\\u0070s":{"\\u0061lert":{"b\\u006fdy":"${'x'.repeat(5000)}"}}}`;
    expect(Buffer.byteLength(shortened(text))).toBe(4096);
  });

  it('loses all of its text rather than half a grapheme', () => {
    const one = `e${'\u0301'.repeat(3000)}`;
    expect(shortened(JSON.stringify({ aps: { alert: { title: 'T', body: one } } }))).toBe(
      '{"aps":{"alert":{"title":"T","body":""}}}',
    );
  });

  const large = 'x'.repeat(5000);
  it.each<[string, object, RegExp]>([
    [
      'has a text that is named by its key',
      { aps: { alert: { 'loc-key': 'K', 'loc-args': [large] } } },
      /no text in aps\.alert/,
    ],
    ['has no alert', { aps: {}, data: large }, /no text in aps\.alert/],
    ['has no aps', { alert: large }, /no text in aps\.alert/],
    ['has a long title', { aps: { alert: { title: large, body: 'Hi' } } }, /without the 2 bytes of the alert's text/],
    ['is too large without its text', { aps: { alert: 'Hi' }, data: large }, /would still be too large/],
  ])('is refused as too large when it %s', (_, payload, message) => {
    const sent = shorten(JSON.stringify(payload));
    expect(sent).toMatch(/^local\.payload-too-large: the payload is 50\d\d bytes; Apple takes at most 4096/);
    expect(sent).toMatch(message);
  });

  it('is refused when nobody allows it to be shortened', () => {
    const text = JSON.stringify({ aps: { alert: large } });
    expect(shorten(text, { truncate: false })).toMatch(/^local\.payload-too-large.* of push type alert$/);
    expect(sendObject({ token, payload: { aps: { alert: large } } })).toMatch(/^local\.payload-too-large/);
  });

  it('is checked like every other', () => {
    expect(shorten(JSON.stringify({ aps: { alert: large, badge: 'x' } }))).toMatch(/^local\.payload-wrong-type/);
  });

  it('costs no line next to it anything', () => {
    const good = `{"token":"${token}","payload":{"aps":{"alert":"Hi"}}}`;
    const long = `{"token":"${token}","truncate":true,"payload":{"aps":{"alert":"${large}"}}}`;
    builder.addLines(Buffer.from([good, long, good].join('\n')), 1);
    const { index, count, truncated } = builder.take();
    const lengths = [0, 1, 2].map((record) => index[record * 16 + 9] - index[record * 16 + 8]);
    expect([count, truncated, lengths]).toEqual([3, 1, [22, 4096, 22]]);
  });
});
