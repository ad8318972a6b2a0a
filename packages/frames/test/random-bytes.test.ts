// Octets nobody meant: the parser and the decoder never throw, and hold no more than they say.
import { HpackDecoder, HpackEncoder, frameBytesDefault, frameHeaderBytes } from '@carillon/frames';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordingFields, decodeBlock } from './recording-fields.ts';
import { parseWhole } from './parse.ts';

/** Random, and random behind a frame header that is likely to be taken. */
const streams = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.nat(9), fc.nat(255), fc.nat(3), fc.uint8Array({ maxLength: 100 }))
    .map(([type, flags, id, body]) => Uint8Array.of(0, 0, body.length, type, flags, 0, 0, 0, id, ...body)),
);

describe('FrameParser on random octets', () => {
  it('does not throw, and holds at most a frame', () => {
    fc.assert(
      fc.property(fc.array(streams, { maxLength: 5 }), (chunks) => {
        const { parser, sink } = parseWhole(Buffer.concat(chunks));
        expect(parser.bufferedBytes).toBeLessThanOrEqual(frameBytesDefault + frameHeaderBytes);
        expect(sink.faults.filter(({ scope }) => scope === 'connection').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('HpackDecoder on random octets', () => {
  it('does not throw, and keeps its table and its lists within their limits', () => {
    const decoder = new HpackDecoder({ tableBytesMax: 300, headerListBytesMax: 500, fieldsMax: 10 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const { fields } = decodeBlock(decoder, Buffer.from(octets));
        expect(fields.length).toBeLessThanOrEqual(10);
        const listBytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
        expect(listBytes).toBeLessThanOrEqual(500);
        expect(decoder.tableBytes).toBeLessThanOrEqual(300);
        const entryBytes = decoder.entries().reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
        expect(entryBytes).toBe(decoder.tableBytes);
      }),
      { numRuns: 5000 },
    );
  });

  it('reads damaged blocks of an encoder, to their end or to the damage', () => {
    const list = fc.array(
      fc.tuple(fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' }), fc.base64String()),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(list, fc.nat(), fc.nat(255), (fields, at, octet) => {
        const target = Buffer.alloc(5000);
        const end = new HpackEncoder().encode(
          fields.map(([name, value]) => ({ name, value })),
          target,
          0,
        );
        target[at % (end + 1)] = octet;
        const { fault } = decodeBlock(new HpackDecoder(), target.subarray(0, end));
        expect(['compression', 'list-too-large', undefined]).toContain(fault?.kind);
      }),
      { numRuns: 2000 },
    );
  });

  it('stays within its memory when Huffman strings promise more than any list may have', () => {
    const decoder = new HpackDecoder();
    const sink = new RecordingFields();
    // Names and values of 20,000 octets of zeros: 32,000 characters each, ten times over in one block.
    const string = Buffer.concat([Buffer.from('ffa19b01', 'hex'), Buffer.alloc(20_000)]);
    const block = Buffer.concat(Array.from({ length: 10 }, () => [Buffer.of(0x40), string, string]).flat());
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 20; round++) {
      expect(decoder.decode(block, 0, block.length, sink)?.kind).toBe('list-too-large');
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
    expect(sink.fields).toStrictEqual([]);
  });
});
