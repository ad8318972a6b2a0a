import { existsSync, readFileSync } from 'node:fs';
import { ApnsIdGenerator } from '@carillon/apns';
import { describe, expect, it } from 'vitest';
import { InlinePreparer, RecordField, recordStride } from '../src/index.ts';
import { accept, jobLine, payloadLine, prepare, readRecords, token } from './batches.ts';

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('a record', () => {
  it('holds every field of the job', () => {
    const line =
      `{"id":"order-4711","app":"news","token":"${token}","pushType":"voip","topic":"com.example.news.voip",` +
      '"priority":5,"expiration":1764000000,"collapseId":"score-1","apnsId":"8f14e45f-ceea-467a-9575-6f0c1b2d3e4f",' +
      '"deadline":"2026-11-23T12:00:00Z","onAmbiguous":"report","truncate":false,"payload":{"a":1}}';
    expect(accept(line)).toEqual({
      token,
      apnsId: '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f',
      expiration: '1764000000',
      collapseId: 'score-1',
      payload: '{"a":1}',
      id: 'order-4711',
      line: 1,
      lineBytes: line.length,
      isReported: true,
      isIdGiven: true,
      isApnsIdGiven: true,
      isTruncated: false,
      warned: [],
      deadline: Date.UTC(2026, 10, 23, 12),
      app: 'news',
      topic: 'com.example.news.voip',
      pushType: 'voip',
      priority: 5,
      isBroadcast: false,
    });
  });

  it('leaves out what the job leaves out, and gets an apns-id that is its id too', () => {
    const record = accept(payloadLine('{}'));
    expect(record.apnsId).toMatch(uuidV4);
    expect(record).toMatchObject({ expiration: null, collapseId: null, deadline: NaN, app: null, topic: null });
    expect(record).toMatchObject({ id: record.apnsId, isIdGiven: false, isApnsIdGiven: false, isReported: false });
  });

  it('gets the same generated apns-ids from the same random bytes', () => {
    const batches = [0, 1].map(() => {
      let next = 1;
      const fill = (target: Uint8Array): void => {
        for (let i = 0; i < target.length; i++) target[i] = next = (next * 48271) % 0x7fffffff;
      };
      const preparer = new InlinePreparer({ apnsIds: new ApnsIdGenerator({ fill }) });
      return preparer.prepare(Buffer.from(`${jobLine({})}\n`.repeat(50)), 1, {});
    });
    expect(readRecords(batches[0])).toEqual(readRecords(batches[1]));
    expect(new Set(readRecords(batches[0]).map((record) => record.apnsId)).size).toBe(50);
  });

  it.each([
    ['upper case', token.toUpperCase()],
    ['an NSData description', `<${token.match(/.{8}/g)?.join(' ')}>`],
    ['escapes', `\\u0063${token.slice(1)}`],
  ])('has the token in lower-case hex when it came in %s', (_, text) => {
    expect(accept(`{"token":"${text}","payload":{}}`).token).toBe(token);
  });

  it.each([64, 66, 160, 200])('takes a token of %i digits', (digits) => {
    expect(accept(jobLine({ token: 'a'.repeat(digits) })).token).toBe('a'.repeat(digits));
  });

  it('understands escaped names and values of fields', () => {
    const record = accept(
      `{"tok\\u0065n":"${token}","i\\u0064":"order\\u002d1","app":"caf\\u00e9 \\ud83d\\ude80","collapse\\u0049d":"a\\/b",` +
        '"p\\u0061yload":{"aps":{}},"topic":"com\\u002ea"}',
    );
    expect(record).toMatchObject({
      token,
      id: 'order-1',
      app: 'café 🚀',
      collapseId: 'a/b',
      payload: '{"aps":{}}',
      topic: 'com.a',
    });
  });

  it('takes an expiration as seconds or as an ISO time', () => {
    expect(accept(jobLine({ expiration: 0 })).expiration).toBe('0');
    expect(accept(jobLine({ expiration: 4294967295 })).expiration).toBe('4294967295');
    expect(accept(jobLine({ expiration: '2026-11-23T12:00:00Z' })).expiration).toBe('1795435200');
    expect(accept(`{"token":"${token}","payload":{},"expiration":1.764e9}`).expiration).toBe('1764000000');
  });

  it('has its own deadline, whatever the deadline of the record before', () => {
    const times = ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00Z', '2026-11-23T13:00:00+01:00', '1970-01-01T00:00:00Z'];
    const lines = [...times, undefined, times[0]].map((deadline) => jobLine({ deadline }));
    const noon = Date.UTC(2026, 10, 23, 12);
    expect([...prepare(lines.join('\n')).deadlines]).toEqual([noon, noon, noon, 0, NaN, noon]);
  });

  it.each([
    ['{"aps":{"content-available":1}}', 'background', 5],
    ['{"aps":{"content-available":1.0},"x":1}', 'background', 5],
    ['{"a\\u0070s":{"content\\u002davailable":1}}', 'background', 5],
    ['{"aps":{"content-available":1,"alert":"x"}}', 'alert', 10],
    ['{"aps":{"badge":0,"content-available":1}}', 'alert', 10],
    ['{"aps":{"content-available":1,"sound":""}}', 'alert', 10],
    ['{"aps":{"content-available":0}}', 'alert', 10],
    ['{"aps":{"content-available":"1"}}', 'alert', 10],
    ['{"aps":{"x":{"content-available":1}}}', 'alert', 10],
    ['{"x":{"aps":{"content-available":1}}}', 'alert', 10],
    ['{"aps":[],"content-available":1}', 'alert', 10],
    ['{}', 'alert', 10],
  ])('of payload %s without a push type is of type %s', (payload, pushType, priority) => {
    expect(accept(payloadLine(payload))).toMatchObject({ pushType, priority });
    expect(accept(payloadLine(JSON.stringify(payload)))).toMatchObject({ pushType, priority, payload });
  });

  it('follows the push type that is given, whatever the payload', () => {
    const payload = { aps: { 'content-available': 1 } };
    expect(accept(jobLine({ payload, pushType: 'alert' }))).toMatchObject({ pushType: 'alert', priority: 10 });
    expect(accept(jobLine({ pushType: 'future-type', priority: 1 }))).toMatchObject({
      pushType: 'future-type',
      priority: 1,
    });
  });

  it.each([
    ['white space and key order', '{ "b" : 1 ,\t"a" : [ ] }'],
    ['digits of numbers', '{"a":1.50,"b":1E+2,"c":123456789012345678901234567890,"d":-0,"e":1e999}'],
    ['escapes', '{"a":"\\u0041\\/\\u00e9\\ud83d\\ude80"}'],
    ['UTF-8', '{"é":"🚀\u2028"}'],
  ])('keeps the payload as it came: %s', (_, payload) => {
    expect(accept(payloadLine(payload)).payload).toBe(payload);
  });

  it('keeps the text of a payload given as a string, line feeds and white space around it too', () => {
    const payload = '\n{\n  "a": "é \\u00e9 🚀"\n}\r\n';
    expect(accept(payloadLine(JSON.stringify(payload))).payload).toBe(payload);
  });
});

describe('the heads of a batch', () => {
  it('are the distinct ones, in order of appearance', () => {
    const jobs = [{}, { app: 'a' }, {}, { priority: 5 }, { app: 'a' }, { topic: 'x' }, { topic: 'y' }, { priority: 5 }];
    const batch = prepare(jobs.map(jobLine).join('\n'));
    expect(batch.heads.map(({ app, topic, pushType, priority }) => [app, topic, pushType.name, priority])).toEqual([
      [null, null, 'alert', 10],
      ['a', null, 'alert', 10],
      [null, null, 'alert', 5],
      [null, 'x', 'alert', 10],
      [null, 'y', 'alert', 10],
    ]);
    expect(readRecords(batch).map(({ app, topic, priority }) => ({ app, topic, priority }))).toEqual(
      jobs.map((job) => ({ app: null, topic: null, priority: 10, ...job })),
    );
  });

  it('stay distinct when there are many', () => {
    const topics = Array.from({ length: 900 }, (_, k) => `com.example.app${k % 300}`);
    const batch = prepare(topics.map((topic) => jobLine({ topic, pushType: `t${topic.length}` })).join('\n'));
    expect(batch.heads).toHaveLength(300);
    expect(readRecords(batch).map((record) => record.topic)).toEqual(topics);
  });

  it('hold nothing of a refused job', () => {
    const batch = prepare(`${jobLine({ app: 'a', token: 'x' })}\n${jobLine({ app: 'b' })}`);
    expect(batch.heads.map((head) => head.app)).toEqual(['b']);
  });

  it('begin anew with every batch', () => {
    prepare(jobLine({ app: 'a', pushType: 'future-a' }));
    const batch = prepare(jobLine({ app: 'b', pushType: 'future-b' }));
    expect(batch.heads.map((head) => [head.app, head.pushType.name])).toEqual([['b', 'future-b']]);
  });
});

describe('a batch', () => {
  it('owns its bytes', () => {
    const chunk = Buffer.from(jobLine({ id: 'a' }));
    const batch = prepare(chunk);
    const before = readRecords(batch);
    chunk.fill(0);
    prepare(jobLine({ id: 'b' }));
    expect(readRecords(batch)).toEqual(before);
  });

  it('takes little more room than its lines', () => {
    const chunk = Buffer.from(`${jobLine({ id: 'order-4711' })}\n`.repeat(700));
    const batch = prepare(chunk);
    expect(batch.count).toBe(700);
    expect(batch.bytes.buffer.byteLength).toBeLessThan(1.3 * chunk.length + 1024);
    expect(batch.index.length).toBe(700 * 16);
  });

  it('has the parts of a record next to one another', () => {
    const batch = prepare(`${jobLine({ id: 'a', expiration: 0, collapseId: 'c' })}\n`.repeat(3));
    let at = 0;
    for (let k = 0; k < 3; k++) {
      const { tokenStart, apnsIdStart, idStart, expirationStart, collapseIdStart, bodyStart } = RecordField;
      for (const part of [tokenStart, apnsIdStart, idStart, expirationStart, collapseIdStart, bodyStart]) {
        expect(batch.index[k * recordStride + part]).toBe(at);
        at = batch.index[k * recordStride + part + 1];
      }
    }
    expect(batch.bytes.length).toBe(at);
  });
});

describe('payloads other senders produce', () => {
  const path = new URL('../../../../shared/conformance/apns-payload/payloads.json', import.meta.url);

  it('are accepted with their bytes unchanged', () => {
    if (!existsSync(path)) {
      console.log('no conformance vectors here: ../shared/conformance is absent');
      return;
    }
    const vectors = JSON.parse(readFileSync(path, 'utf8')) as { id: string; expected: object }[];
    for (const { id, expected } of vectors) {
      const payload = JSON.stringify(expected);
      expect(accept(payloadLine(payload)).payload, id).toBe(payload);
      expect(accept(payloadLine(JSON.stringify(payload))).payload, id).toBe(payload);
    }
    console.log(`payload vectors checked: ${vectors.length}`);
    expect(vectors.length).toBe(138);
  });
});
