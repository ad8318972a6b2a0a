// The one pass over the bytes, its twin over objects, and the second look: three readings of the same schema.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApsFact, factsOfAps } from '../src/checks/aps-facts.ts';
import { alertSchema, apsSchema } from '../src/checks/aps-schema.ts';
import { agreeOnRules, type Payload, ways } from './judgements.ts';

/** Values of every kind, near Apple's and far from them. */
const value = fc.oneof(
  fc.constantFrom<unknown>(0, 1, -1, 1.5, 0.5, 1e3, 1e11, 1e12, true, false, null, '', '1', 'start', 'end', 'active'),
  fc.constantFrom<unknown>([], ['a'], ['a', 1], ['"', '\\', 'é'], {}, { 'loc-key': 'K' }, { critical: 1 }),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 2 }),
);
const keysOf = (schema: object): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.keys(schema)) }, { weight: 1, arbitrary: fc.string() });
const alerts = fc.oneof(fc.string(), fc.dictionary(keysOf(alertSchema), value, { noNullPrototype: true }), value);
const apsOf = fc
  .tuple(
    fc.dictionary(keysOf(apsSchema), value, { noNullPrototype: true, maxKeys: 6 }),
    fc.option(alerts, { nil: undefined }),
  )
  .map(([aps, alert]) => (alert === undefined ? aps : { ...aps, alert }));
const payloads = fc
  .tuple(fc.oneof({ weight: 9, arbitrary: apsOf }, { weight: 1, arbitrary: value }), fc.dictionary(fc.string(), value))
  .map(([aps, more]) => ({ ...more, aps }));
const types = ['alert', 'background', 'liveactivity', 'widgets', 'voip', 'mdm', 'fileprovider', 'hologram'];

const vectors = JSON.parse(
  readFileSync(new URL('../../../../shared/conformance/apns-payload/payloads.json', import.meta.url), 'utf8'),
) as { readonly id: string; readonly expected: Payload }[];

describe('a payload of other senders', () => {
  it('is sent as it is, in every way in, and none but for keys of Live Activities in an alert is warned about', () => {
    const warned = new Map<string, number>();
    for (const { id, expected } of vectors) {
      const judgements = ways(expected, {});
      for (const judgement of judgements) expect([id, judgement]).toEqual([id, judgements[0]]);
      expect([id, judgements[0].isSent]).toEqual([id, true]);
      for (const { code } of judgements[0].said) warned.set(code, (warned.get(code) ?? 0) + 1);
    }
    // Keys of Live Activities in what is sent as an alert, for all that a vector says.
    console.log(
      `apns-payload: ${vectors.length} payloads sent, warnings ${JSON.stringify(Object.fromEntries(warned))}`,
    );
    expect(vectors).toHaveLength(138);
    expect([...warned.keys()]).toEqual(['local.misplaced-key']);
  });
});

describe('the one pass and the second look', () => {
  it('agree: what the pass lets through, the second look has nothing to say about, in every way in', () => {
    const counts: Record<string, number> = {};
    fc.assert(
      fc.property(payloads, fc.constantFrom(...types), (payload, pushType) => {
        const outcome = agreeOnRules(payload, pushType);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }),
      { numRuns: 4000 },
    );
    console.log(`payloads of chance: ${JSON.stringify(counts)}`);
    for (const outcome of ['no word', 'warned', 'refused']) expect(counts[outcome]).toBeGreaterThan(100);
  });

  it('are not both needed for what programs send all day', () => {
    for (const aps of [
      { alert: 'Hi' },
      { alert: { title: 'T', body: 'B' }, badge: 3, sound: 'default', 'thread-id': 't', category: 'c' },
      { alert: { 'loc-key': 'K', 'loc-args': ['a', 'b'] }, 'mutable-content': 1, 'interruption-level': 'active' },
      { alert: { title: 'T' }, 'relevance-score': 0.5, 'target-content-id': 'w', 'filter-criteria': 'f' },
      { event: 'update', timestamp: 1_795_435_200, 'content-state': {}, 'relevance-score': 75 },
      { 'content-available': 1 },
      { 'content-changed': true },
    ]) {
      expect([aps, factsOfAps(aps) & ApsFact.odd]).toEqual([aps, 0]);
    }
  });
});
