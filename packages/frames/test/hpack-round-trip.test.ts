// Any life of an encoder and its templates is read by a decoder that follows the same settings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOurselves } from './independent-decoder.ts';
import { TemplateConversation } from './template-conversation.ts';
import type { TemplateFields } from './template-conversation.ts';

const name = fc.constantFrom(':method', ':path', ':status', 'apns-id', 'apns-topic', 'a', 'content-type', 'x-y-z');
const value = fc.oneof(
  fc.constantFrom('', 'POST', '/', '200', 'application/json'),
  fc.uint8Array({ maxLength: 80 }).map((octets) => Buffer.from(octets).toString('latin1')),
  fc.integer({ min: 100, max: 5000 }).map((length) => 'v'.repeat(length)),
);
const field = fc.record(
  { name, value, indexing: fc.constantFrom('incremental', 'without', 'never') },
  { requiredKeys: ['name', 'value'] },
);
const slot = fc.record(
  {
    name,
    slot: fc.nat(3),
    prefix: fc.constantFrom('', '/3/device/'),
    indexing: fc.constantFrom('without', 'never', 'name'),
  },
  { requiredKeys: ['name', 'slot'] },
);
const templates: fc.Arbitrary<TemplateFields[]> = fc.array(fc.array(fc.oneof(field, slot), { maxLength: 10 }), {
  minLength: 1,
  maxLength: 4,
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      template: fc.nat(),
      values: fc.tuple(fc.option(value), fc.option(value), fc.option(value), fc.option(value)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('encode' as const), fields: fc.array(field, { maxLength: 6 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('resize' as const),
      bytes: fc.oneof(fc.constantFrom(0, 64, 256, 4096, 65_536), fc.nat(5000)),
    }),
  },
);

describe('HPACK', () => {
  it('gives back every field list, through templates, resizes and evictions', () => {
    fc.assert(
      fc.property(
        templates,
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom('never', 'shorter'),
        fc.constantFrom(0, 200, 4096, 16_384),
        (all, steps, huffman, tableBytesMax) => {
          const conversation = new TemplateConversation({ huffman, tableBytesMax });
          for (const next of steps) {
            if (next.kind === 'write') conversation.write(all[next.template % all.length], next.values);
            else if (next.kind === 'encode') conversation.encode(next.fields);
            else conversation.setTableBytes(next.bytes);
          }
          expect(decodeOurselves(conversation.steps)).toStrictEqual(conversation.expected);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
