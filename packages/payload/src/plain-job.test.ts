import { ApnsIdGenerator } from '@carillon/apns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchBuilder } from './batch-builder.ts';
import type { JobObject } from './job-object.ts';
import { JobSpans } from './scan-job.ts';
import { PlainPayload, plainFieldsBytesMax, writePlainFields } from './plain-job.ts';

const token = 'c9d4c07cfbbc26d6ef87a44d53e169831096a5d5fd82547556659dd9c4e0f1a2';

/** What a job becomes, with apns-ids that do not depend on chance. */
function outcomeOf(job: JobObject): unknown {
  const builder = new BatchBuilder({ apnsIds: new ApnsIdGenerator({ fill: (bytes) => bytes.fill(7) }) });
  const isAccepted = builder.addObject(job, 1);
  const { bytes, index, count, heads, rejections, deadlines } = builder.take();
  // lineBytes differs between the two ways: nobody is told that an object has a line.
  return {
    isAccepted,
    bytes: bytes.toString('latin1'),
    index: [...index.subarray(0, 15)],
    count,
    heads,
    rejections,
    deadlines: [...deadlines],
  };
}

const aps = fc.record(
  {
    alert: fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.string())),
    badge: fc.integer(),
    sound: fc.string({ unit: 'binary' }),
    'content-available': fc.constantFrom(0, 1, 1.5, true, '1'),
    'thread-id': fc.constantFrom(undefined, 'a'),
  },
  { requiredKeys: [] },
);
const payload = fc
  .tuple(
    aps,
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('constructor', 'prototype', 'toJSON', 'aps')),
      fc.jsonValue({ maxDepth: 3 }),
    ),
  )
  .map(([given, more]) => ({ aps: given, ...more }));
const fields = fc.record(
  {
    channel: fc.constantFrom('dHN0LXNyY2g=', 'a b'),
    id: fc.constantFrom('order-1', 'bad id', '', 'é'),
    app: fc.constantFrom('news', 'ünews'),
    pushType: fc.constantFrom('alert', 'background', 'voip', 'nonsense!', 'future'),
    topic: fc.constantFrom('com.example.news', 'a\r\nb'),
    priority: fc.constantFrom(10, 5, 1, 7, 5.5),
    expiration: fc.constantFrom(0, 1_764_000_000, '2026-11-23T12:00:00Z', -1),
    collapseId: fc.constantFrom('x', 'ü', 'y'.repeat(65)),
    deadline: fc.constantFrom('2026-11-23T12:00:00Z', 'tomorrow'),
    onAmbiguous: fc.constantFrom('resend' as const, 'report' as const),
    truncate: fc.constantFrom(true, false),
  },
  { requiredKeys: [] },
);

describe('a plain job', () => {
  it('becomes the same by the short way and by the long one', () => {
    const property = fc.property(fields, payload, (given, body) => {
      const job = { token, ...given };
      // A payload that is text already always goes the long way.
      expect(outcomeOf({ ...job, payload: body })).toEqual(outcomeOf({ ...job, payload: JSON.stringify(body) }));
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

describe('the short way', () => {
  const spans = new JobSpans();
  const target = Buffer.alloc(plainFieldsBytesMax);

  it('takes what it is for, so that the comparison above compares two ways', () => {
    expect(writePlainFields({ id: 'a', token, priority: 5, payload: {} }, spans, target)).toBe(true);
    expect(new PlainPayload().write({ aps: { alert: 'Hi' }, more: [1, null, { deep: true }] })).toBe(
      '{"aps":{"alert":"Hi"},"more":[1,null,{"deep":true}]}',
    );
  });

  it.each([
    ['an inherited field', Object.create({ token }) as object],
    ['an unknown field', { tokn: token }],
    ['a __proto__ of its own', JSON.parse('{"__proto__":{"token":"x"}}') as object],
    ['a wrong type', { token: 5 }],
    ['a Date', { deadline: new Date() }],
    ['letters outside ASCII', { id: 'é' }],
    ['more than it has room for', { id: 'x'.repeat(plainFieldsBytesMax + 1) }],
  ])('is not sure about fields with %s', (_what, job) => {
    expect(writePlainFields(job, spans, target)).toBe(false);
  });

  const cycle: Record<string, unknown> = {};
  cycle['again'] = cycle;
  it.each([
    ['an array', []],
    ['a cycle', cycle],
    ['a function', { f: () => 1 }],
    ['a BigInt', { n: 1n }],
    ['NaN', { n: NaN }],
    ['undefined in an array', { a: [undefined] }],
    ['a hole in an array', { a: [1, , 2] }], // oxlint-disable-line no-sparse-arrays -- the hole is the point
    ['a Map', { m: new Map() }],
    ['a toJSON', { toJSON: 1 }],
    ['a key called constructor', { constructor: 1 }],
    ['a __proto__ of its own', JSON.parse('{"a":{"__proto__":1}}') as object],
    ['half a surrogate pair', { s: '\ud800' }],
    ['an instance of a class', { d: new Date() }],
  ])('is not sure about a payload with %s', (_what, body) => {
    expect(new PlainPayload().write(body)).toBeNull();
  });
});
