// JSON.parse is the judge: what we accept it accepts with the same value, and what it accepts we accept unless one of
// our refusals, found by another reading of the text, applies.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlinePreparer, RecordField, type Rejection } from '../src/index.ts';
import { payloadLine, refusalsOf, token } from './batches.ts';
import { agree, depthMax, payloadPieces, payloadSeeds, prepareLine, untypedPush } from './json-agreement.ts';

const preparer = new InlinePreparer();

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
        const prepared = prepareLine(payloadLine(JSON.stringify(text), untypedPush));
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
    const counts = { accepted: 0, 'refused by both': 0, 'refused by us': 0 };
    const executions = 200_000;
    for (let i = 0; i < executions; i++) {
      let text = payloadSeeds[random(payloadSeeds.length)];
      for (let edits = 1 + random(3); edits > 0; edits--) {
        const at = random(text.length + 1);
        const cut = random(3) === 0 ? random(12) : random(2);
        text =
          text.slice(0, at) +
          (random(4) === 0 ? '' : payloadPieces[random(payloadPieces.length)]) +
          text.slice(at + cut);
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
