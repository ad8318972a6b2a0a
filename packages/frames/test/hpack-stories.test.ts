// The field blocks that other encoders made of the same requests and answers (http2jp's hpack-test-case and others).
import { HpackDecoder } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { hasVectors, listVectors, readVectors } from './conformance.ts';
import type { Story } from './hpack-story.ts';
import { decodeBlock } from './recording-fields.ts';

describe('HpackDecoder', () => {
  it('decodes every story of the vectors', () => {
    if (!hasVectors('hpack-stories')) return;
    let blocks = 0;
    let withoutWire = 0;
    const paths = listVectors('hpack-stories', '.json');
    for (const path of paths) {
      const story = readVectors<Story>(path);
      const decoder = new HpackDecoder();
      let tableBytesMax = 4096;
      for (const { seqno, header_table_size, wire, headers } of story.cases) {
        if (wire === undefined) {
          withoutWire++;
          continue;
        }
        if (header_table_size && header_table_size !== tableBytesMax) {
          tableBytesMax = header_table_size;
          decoder.setTableBytesMax(tableBytesMax);
        }
        const { fault, fields } = decodeBlock(decoder, Buffer.from(wire, 'hex'));
        expect(fault, `${path} ${seqno}`).toBeNull();
        expect(fields, `${path} ${seqno}`).toStrictEqual(headers.flatMap((header) => Object.entries(header)));
        blocks++;
      }
    }
    console.log(
      `frames: decoded ${blocks} HPACK blocks of ${paths.length} stories, ${withoutWire} blocks have no wire`,
    );
    // The README of the vectors counts 990 blocks in 67 files, the raw ones included.
    expect(paths.length).toBe(67);
    expect(blocks + withoutWire).toBe(990);
    expect(withoutWire).toBe(463);
  });
});
