// Blocks that break decoders: each is refused as the vectors say, in bounded time and memory.
import { HpackDecoder } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { hasVectors, readVectors } from './conformance.ts';
import { decodeBlock } from './recording-fields.ts';
import type { Field } from './recording-fields.ts';

interface NegativeCase {
  readonly id: string;
  readonly blocks: readonly string[];
  readonly tableSizeLimit?: number;
  readonly maxHeaderListSize?: number;
  readonly expect: string | readonly (readonly Field[])[];
  readonly followUp?: { readonly block: string; readonly headers: readonly Field[] };
}

function decoderFor(vector: NegativeCase): HpackDecoder {
  const limit = vector.maxHeaderListSize;
  const decoder = new HpackDecoder(limit === undefined ? {} : { headerListBytesMax: limit });
  if (vector.tableSizeLimit !== undefined) decoder.setTableBytesMax(vector.tableSizeLimit);
  return decoder;
}

function check(vector: NegativeCase): void {
  const decoder = decoderFor(vector);
  const results = vector.blocks.map((block) => decodeBlock(decoder, Buffer.from(block, 'hex')));
  const last = results.at(-1);
  if (typeof vector.expect !== 'string') {
    expect(results, vector.id).toStrictEqual(vector.expect.map((fields) => ({ fault: null, fields })));
    return;
  }
  // An empty name is a COMPRESSION_ERROR here: no encoder writes one.
  const kind = vector.expect.startsWith('HEADER_LIST_TOO_LARGE') ? 'list-too-large' : 'compression';
  expect(last?.fault?.kind, vector.id).toBe(kind);
  if (vector.followUp !== undefined) {
    const after = decodeBlock(decoder, Buffer.from(vector.followUp.block, 'hex'));
    expect(after, vector.id).toStrictEqual({ fault: null, fields: vector.followUp.headers });
    expect(decoder.entries()).toHaveLength(4);
  }
}

describe('HpackDecoder', () => {
  it('refuses what the negative vectors break, and takes what only looks broken', () => {
    if (!hasVectors('hpack-negative')) return;
    const vectors = readVectors<NegativeCase[]>('hpack-negative/cases.json');
    for (const vector of vectors) check(vector);
    console.log(`frames: checked ${vectors.length} negative HPACK vectors`);
    expect(vectors.length).toBe(25);
  });
});
