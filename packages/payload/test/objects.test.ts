import { describe, expect, it } from 'vitest';
import { BatchBuilder, type JobObject } from '../src/index.ts';
import { acceptObject, readRecords, refuseObject, token } from './batches.ts';

const payload = { aps: { alert: 'Hi' } };

describe('a job as a JavaScript object', () => {
  it('gives the record its line would give', () => {
    const job = {
      id: 'order-4711',
      app: 'caf\u00e9 "x"',
      token: `<${token}>`,
      pushType: 'alert',
      topic: 'com.example.news',
      priority: 5,
      expiration: 1764000000,
      collapseId: 'a"b\\c',
      apnsId: '8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F',
      deadline: '2026-11-23T12:00:00Z',
      onAmbiguous: 'report',
      truncate: false,
      payload,
    } as const;
    const builder = new BatchBuilder();
    builder.addLines(Buffer.from(JSON.stringify(job)), 7);
    builder.addObject(job, 7);
    const batch = builder.take();
    expect(batch.rejections).toEqual([]);
    expect(batch.lines).toBe(2);
    expect(batch.heads).toHaveLength(1);
    const [line, object] = readRecords(batch);
    expect({ ...object, lineBytes: 0 }).toEqual({ ...line, lineBytes: 0 });
    expect(line.collapseId).toBe('a"b\\c');
  });

  it('takes the payload as an object, as a string of JSON or as bytes', () => {
    const text = '{ "aps" : {"alert":"é 🚀"}}\n';
    expect(acceptObject({ token, payload: { aps: { alert: 'é 🚀' } } }).payload).toBe('{"aps":{"alert":"é 🚀"}}');
    expect(acceptObject({ token, payload: text }).payload).toBe(text);
    expect(acceptObject({ token, payload: Buffer.from(text) }).payload).toBe(text);
    expect(acceptObject({ token, payload: new Uint8Array(Buffer.from(text)) }).payload).toBe(text);
  });

  it('takes a Date where a time is wanted', () => {
    const at = new Date('2026-11-23T12:00:00Z');
    expect(acceptObject({ token, payload, deadline: at, expiration: at })).toMatchObject({
      deadline: at.getTime(),
      expiration: '1795435200',
    });
  });

  it('leaves out what is undefined, in the job and in the payload', () => {
    expect(acceptObject({ token, id: undefined, payload: { a: undefined, b: 1 } }).payload).toBe('{"b":1}');
  });

  it('lets the payload decide the push type', () => {
    const record = acceptObject({ token, payload: { aps: { 'content-available': 1 } } });
    expect(record).toMatchObject({ pushType: 'background', priority: 5 });
  });

  it('writes what has a toJSON as that says', () => {
    expect(acceptObject({ token, payload: { at: new Date(0) } }).payload).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  });

  const cycle: Record<string, unknown> = { aps: {} };
  cycle['self'] = cycle;
  cycle['again'] = [cycle, cycle];
  const getter = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      throw new Error('boom');
    },
  });
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = { deep };

  it.each<[string, object, string, RegExp]>([
    ['a cycle', cycle, 'local.not-serialisable', /cycle/],
    ['a function', { a: { f: () => 1 } }, 'local.not-serialisable', /function in it.*in a/],
    ['a symbol', { a: Symbol('x') }, 'local.not-serialisable', /symbol/],
    ['a BigInt', { a: [1n] }, 'local.not-serialisable', /bigint/],
    ['NaN', { a: NaN }, 'local.not-serialisable', /NaN/],
    ['Infinity', { a: [-Infinity] }, 'local.not-serialisable', /-Infinity/],
    ['undefined in an array', { a: [undefined] }, 'local.not-serialisable', /undefined/],
    ['a Map', { a: new Map() }, 'local.not-serialisable', /Map/],
    ['a getter that throws', getter, 'local.not-serialisable', /boom/],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('boom');
        },
      },
      'local.not-serialisable',
      /boom/,
    ],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, 'local.wrong-type', /none of them/],
    ['a toJSON that gives a string', { toJSON: () => 'x' }, 'local.payload-not-an-object', /object/],
    ['an own __proto__', JSON.parse('{"__proto__":{"x":1}}') as object, 'local.forbidden-key', /__proto__/],
    ['depth without end', deep as object, 'local.not-serialisable', /64/],
    ['an array', [1], 'local.payload-not-an-object', /object/],
    ['a lone surrogate', { a: '\ud83d' }, 'local.lone-surrogate', /surrogate/],
    ['a lone surrogate in a key', { '\ude80': 1 }, 'local.lone-surrogate', /surrogate/],
    ['5 kB', { a: 'x'.repeat(5000) }, 'local.payload-too-large', /5008 bytes/],
    ['a megabyte', { a: 'x'.repeat(1_000_000) }, 'local.payload-too-large', /1000008 characters/],
    ['a million values', { a: Array.from({ length: 1_000_000 }, () => 1) }, 'local.not-serialisable', /5120 values/],
  ])('is refused, not thrown at, when the payload has %s', (_, bad, code, message) => {
    const rejection = refuseObject({ id: 'a', token, payload: bad });
    expect(rejection).toMatchObject({ line: 1, id: 'a', token, code });
    expect(rejection.message).toMatch(message);
  });

  it.each<[string, string | Uint8Array, string, RegExp]>([
    ['text that is no JSON', '{"a":', 'local.payload-not-json', /byte 6/],
    ['text that breaks out of its place', '{},"token":"x"', 'local.payload-not-json', /ends before/],
    ['text with half a surrogate pair', '{"a":"\ud83d"}', 'local.lone-surrogate', /surrogate/],
    ['bytes that are not UTF-8', Buffer.from('{"a":"\xe9"}', 'latin1'), 'local.bad-utf8', /UTF-8/],
    ['bytes with NUL', Buffer.from('{}\0'), 'local.payload-not-json', /ends before/],
    ['no bytes', Buffer.alloc(0), 'local.payload-not-json', /value is wanted/],
    ['bytes of an array', Buffer.from(' [1]'), 'local.payload-not-an-object', /object/],
  ])('is refused when the payload is %s', (_, bad, code, message) => {
    const rejection = refuseObject({ token, payload: bad });
    expect(rejection).toMatchObject({ code, field: 'payload' });
    expect(rejection.message).toMatch(message);
  });

  it.each<[string, unknown, string, string | null]>([
    ['no object', 17, 'local.not-a-job', null],
    ['null', null, 'local.not-a-job', null],
    ['an array', [], 'local.not-a-job', null],
    ['an unknown field', { token, payload, colour: 1 }, 'local.unknown-field', null],
    ['an own __proto__', JSON.parse(`{"__proto__":1,"token":"${token}"}`), 'local.forbidden-key', null],
    ['a function for an id', { token, payload, id: () => 1 }, 'local.not-serialisable', 'id'],
    ['a BigInt for a priority', { token, payload, priority: 5n }, 'local.not-serialisable', 'priority'],
    ['NaN for an expiration', { token, payload, expiration: NaN }, 'local.not-serialisable', 'expiration'],
    ['an invalid Date', { token, payload, deadline: new Date(NaN) }, 'local.not-serialisable', 'deadline'],
    ['null for an id', { token, payload, id: null }, 'local.wrong-type', 'id'],
    ['an object for a token', { token: { a: 1 }, payload }, 'local.wrong-type', 'token'],
    ['a number for a payload', { token, payload: 17 }, 'local.wrong-type', 'payload'],
    ['a function for a payload', { token, payload: () => 1 }, 'local.wrong-type', 'payload'],
    ['no payload', { token }, 'local.missing-payload', 'payload'],
    ['a lone surrogate in the app', { token, payload, app: '\ud83d' }, 'local.lone-surrogate', 'app'],
    ['a token without end', { token: 'a'.repeat(100_000), payload }, 'local.line-too-long', null],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('boom');
          },
        },
      ),
      'local.not-serialisable',
      null,
    ],
  ])('is refused, not thrown at, when it has or is %s', (_, job, code, field) => {
    expect(refuseObject(job)).toMatchObject({ code, field });
  });

  it('is told apart by the number its caller gives', () => {
    const builder = new BatchBuilder();
    const jobs: JobObject[] = [
      { token, payload },
      { token: 'x', payload },
      { token, payload: '{' },
      { token, payload },
    ];
    expect(jobs.map((job, k) => builder.addObject(job, 100 + k))).toEqual([true, false, false, true]);
    const batch = builder.take();
    expect(readRecords(batch).map((record) => record.line)).toEqual([100, 103]);
    expect(batch.rejections.map((rejection) => rejection.line)).toEqual([101, 102]);
    expect(builder.take()).toMatchObject({ count: 0, lines: 0, rejections: [], heads: [] });
  });

  it('packs many jobs of all sizes into one arena', () => {
    const builder = new BatchBuilder();
    const texts = Array.from({ length: 300 }, (_, k) => JSON.stringify({ k, pad: 'é'.repeat((k * 37) % 1900) }));
    for (const [k, text] of texts.entries()) expect(builder.addObject({ token, payload: text }, k)).toBe(true);
    expect(builder.count).toBe(300);
    const batch = builder.take();
    expect(readRecords(batch).map((record) => record.payload)).toEqual(texts);
  });
});
