// JSON.parse is the judge: what we accept it accepts with the same value, and what it accepts we accept unless one of
// our refusals, found by another reading of the text, applies.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlinePreparer, RecordField, type Rejection } from '../src/index.ts';
import { payloadLine, refusalsOf, token } from './batches.ts';

const depthMax = 64;
const preparer = new InlinePreparer();

/** The payload as it will be sent, or why not. */
function prepareLine(line: string): string | Rejection {
  // A second line shows that a fault never swallows what follows.
  const batch = preparer.prepare(Buffer.from(`${line}\n${sentinel}\n`), 2, { lineBytesMax: 1 << 20 });
  const last = batch.count - 1;
  // Plain comparisons: expect() costs more than the scan, and this runs hundreds of thousands of times.
  const isSound = batch.index[last * 16 + RecordField.line] === 3 && batch.count + batch.rejections.length === 2;
  if (!isSound)
    throw new Error(`${batch.count} records and ${batch.rejections.length} rejections of two lines: ${line}`);
  if (batch.count === 1) return batch.rejections[0];
  return batch.bytes.toString('utf8', batch.index[RecordField.bodyStart], batch.index[RecordField.bodyEnd]);
}

const sentinel = payloadLine('{}');

/** Throws unless we and JSON.parse agree on a payload's text. */
function agree(payload: string): 'accepted' | 'refused by both' | 'refused by us' {
  const prepared = prepareLine(payloadLine(payload));
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    if (typeof prepared === 'string' && !breaksOut(payload))
      throw new Error(`accepted what JSON.parse refuses: ${JSON.stringify(payload)}`);
    return 'refused by both';
  }
  if (typeof prepared === 'string') {
    if (prepared !== payload.trim()) throw new Error(`changed ${JSON.stringify(payload)}`);
    // The same text is the same value to JSON.parse.
    const refusals = refusalsOf(payload, depthMax);
    if (refusals.size > 0) throw new Error(`accepted despite ${[...refusals].join()}: ${JSON.stringify(payload)}`);
    return 'accepted';
  }
  const isText = typeof value === 'string';
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const refusals = refusalsOf(payload, depthMax);
  if (!isObject) refusals.add('local.wrong-type').add('local.payload-not-json').add('local.payload-not-an-object');
  if (isText) for (const code of textRefusals) refusals.add(code);
  if (Buffer.byteLength(payload) > 4096) refusals.add('local.payload-too-large');
  if (!refusals.has(prepared.code)) {
    throw new Error(`refused with ${prepared.code} what JSON.parse accepts: ${JSON.stringify(payload)}`);
  }
  return 'refused by us';
}

/** A payload that is a string is a text of its own, with refusals of its own. */
const textRefusals = ['local.duplicate-key', 'local.forbidden-key', 'local.too-deep', 'local.lone-surrogate'] as const;

/** mulberry32: small, seeded, good enough to choose bytes with. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe('payloads', () => {
  it('that fast-check writes are judged as JSON.parse judges them', () => {
    const key = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('aps', 'alert', '__proto__', 'a'));
    const { object } = fc.letrec<{ object: unknown; value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 5 }),
        tie('object'),
      ),
      object: fc.dictionary(key, tie('value'), { maxKeys: 8, noNullPrototype: true }),
    }));
    const space = fc.constantFrom(undefined, 0, 1, '\t', ' \t ');
    fc.assert(
      fc.property(object, space, (value, indent) => {
        // Line feeds would end the line; they come in a payload given as text, below.
        agree(JSON.stringify(value, null, indent).replaceAll('\n', ''));
      }),
      { numRuns: 3000, seed: 4711 },
    );
  });

  it('given as a string of JSON are judged in the same way, and line feeds are white space there', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { noNullPrototype: true }), (value) => {
        const text = JSON.stringify(value, null, 2);
        const prepared = prepareLine(payloadLine(JSON.stringify(text)));
        const refusals = refusalsOf(text, depthMax);
        if (refusals.size > 0) expect(refusals).toContain((prepared as Rejection).code);
        else if (Buffer.byteLength(text) <= 4096) expect(prepared).toBe(text);
      }),
      { numRuns: 1000, seed: 4712 },
    );
  });

  it('made by 200,000 mutations of good ones are judged as JSON.parse judges them', () => {
    const seed = 20261123;
    const random = randomFrom(seed);
    const seeds = [
      '{"aps":{"alert":{"title":"On its way","body":"Gr\\u00fc\\u00dfe \\ud83d\\ude80 \\"x\\" \\\\"},"badge":3,"sound":"default"}}',
      '{ "a" : [ 1 , -0 , 0.5e-3 , 1E+9 , true , false , null , [ ] , { } ] , "b" : "é🚀" }',
      '{"a":{"b":{"c":[{"d":1},{"d":2}]}},"k":"","":0,"\\u0061b":1,"ab2":2}',
      '{"__proto_":1,"constructo":{"prototyp":[]},"x":"\\/\\b\\f\\n\\r\\t"}',
    ];
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '1',
      '-',
      '+',
      '.',
      'e',
      'E',
      ' ',
      '\t',
      '\r',
      'true',
      'false',
      'null',
      '\\u',
      '\\ud83d',
      '\\ude80',
      '\\u0061',
      '"a":1,',
      '"__proto__":',
      '\u0000',
      '\u001f',
      '\u007f',
      '\u2028',
      '\ufeff',
      '🚀',
      'é',
      'n',
      'u',
      'x',
      '/',
      '\v',
      '[[[[[[[[[[[[[[[[',
      '""',
      '{}',
      '01',
      '1.',
      '.5',
      'NaN',
    ];
    const counts = { accepted: 0, 'refused by both': 0, 'refused by us': 0 };
    const executions = 200_000;
    for (let i = 0; i < executions; i++) {
      let text = seeds[random(seeds.length)];
      for (let edits = 1 + random(3); edits > 0; edits--) {
        const at = random(text.length + 1);
        const cut = random(3) === 0 ? random(12) : random(2);
        text = text.slice(0, at) + (random(4) === 0 ? '' : pieces[random(pieces.length)]) + text.slice(at + cut);
      }
      // Half of a surrogate pair cut apart cannot be written as UTF-8.
      if (/\p{Surrogate}/u.test(text)) continue;
      counts[agree(text)]++;
    }
    console.log(`scan against JSON.parse, seed ${seed}: ${JSON.stringify(counts)}`);
    expect(counts.accepted).toBeGreaterThan(10_000);
    expect(counts['refused by us']).toBeGreaterThan(1_000);
    expect(counts['refused by both']).toBeGreaterThan(50_000);
  });
});

/** True when the text around the payload would no longer be around it: `{},"id":"x"` is two fields. */
function breaksOut(payload: string): boolean {
  try {
    return Object.keys(JSON.parse(`{"p":${payload}}`) as object).length !== 1;
  } catch {
    return false;
  }
}

describe('whole lines', () => {
  it('made by 60,000 mutations are accepted only when JSON.parse accepts them, with the same values', () => {
    const seed = 17;
    const random = randomFrom(seed);
    const good = Buffer.from(
      `{"id":"order-4711","app":"news","token":"${token}","pushType":"alert","topic":"com.example.news","priority":10,` +
        '"expiration":1764000000,"collapseId":"score","deadline":"2026-11-23T12:00:00Z","onAmbiguous":"resend",' +
        '"payload":{"aps":{"alert":"Hi"}}}',
    );
    let accepted = 0;
    for (let i = 0; i < 60_000; i++) {
      const line = Buffer.from(good);
      for (let edits = 1 + random(2); edits > 0; edits--) line[random(line.length)] = random(256);
      if (line.includes(0x0a)) continue;
      const batch = preparer.prepare(line, 2, {});
      if (batch.count + batch.rejections.length !== 1)
        throw new Error(`neither record nor rejection: ${line.toString()}`);
      if (batch.count === 0) continue;
      accepted++;
      const job = JSON.parse(line.toString()) as Record<string, unknown>;
      const part = (start: number): string => batch.bytes.toString('utf8', batch.index[start], batch.index[start + 1]);
      expect(part(RecordField.tokenStart)).toBe(String(job['token']).toLowerCase());
      expect(part(RecordField.idStart)).toBe(job['id']);
      expect(part(RecordField.collapseIdStart)).toBe(job['collapseId']);
      expect(JSON.parse(part(RecordField.bodyStart))).toStrictEqual(job['payload']);
      expect(batch.heads[0].topic).toBe(job['topic']);
    }
    console.log(`mutated lines, seed ${seed}: ${accepted} accepted`);
    expect(accepted).toBeGreaterThan(1000);
  });
});
