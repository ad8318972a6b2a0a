// The examples of RFC 7541 Appendix C, with the state of the table after each block; and its integers and strings.
import { HpackDecoder, HpackEncoder } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { huffmanBytes, huffmanDecode, huffmanEncode } from '../src/hpack/huffman.ts';
import { decodeInteger, encodeInteger } from '../src/hpack/integer.ts';
import { hasVectors, listVectors, readVectors } from './conformance.ts';
import { decodeBlock } from './recording-fields.ts';

interface Example {
  readonly max_header_table_size?: number;
  readonly sensitive_headers?: boolean;
  readonly force_huffman_on?: boolean;
  readonly force_huffman_off?: boolean;
  readonly header_blocks: readonly {
    readonly headers: readonly Readonly<Record<string, string>>[];
    readonly encoded: readonly string[];
    readonly dynamic_table: readonly Readonly<Record<string, string>>[];
    readonly table_size: number;
  }[];
}

interface IntegerVector {
  readonly id: string;
  readonly prefix: number;
  readonly wire: string;
  readonly value?: number;
  readonly consumed?: number;
  readonly error?: string;
}

const folder = 'hpack-rfc7541';

function readExamples(): { path: string; example: Example }[] {
  return listVectors(folder, '.json')
    .filter((path) => path.includes('netty-'))
    .map((path) => ({ path, example: readVectors<Example>(path) }));
}

function entriesOf(headers: readonly Readonly<Record<string, string>>[]): [string, string][] {
  return headers.flatMap((header) => Object.entries(header));
}

describe('HpackDecoder', () => {
  it('decodes the examples of RFC 7541 and keeps the same table', () => {
    if (!hasVectors(folder)) return;
    let blocks = 0;
    const examples = readExamples();
    for (const { path, example } of examples) {
      const decoder = new HpackDecoder({ tableBytesMax: example.max_header_table_size ?? 4096 });
      for (const block of example.header_blocks) {
        const wire = Buffer.from(block.encoded.join('').replaceAll(' ', ''), 'hex');
        const { fault, fields } = decodeBlock(decoder, wire);
        expect(fault, path).toBeNull();
        expect(fields, path).toStrictEqual(entriesOf(block.headers));
        const table = decoder.entries().map(({ name, value }) => [name, value]);
        expect(table, path).toStrictEqual(entriesOf(block.dynamic_table));
        expect(decoder.tableBytes, path).toBe(block.table_size);
        blocks++;
      }
    }
    console.log(`frames: decoded ${blocks} blocks of ${examples.length} examples of RFC 7541, table and all`);
    expect(examples.length).toBe(9);
    expect(blocks).toBe(17);
  });
});

describe('HpackEncoder', () => {
  it('writes the examples of RFC 7541 octet by octet', () => {
    if (!hasVectors(folder)) return;
    const target = Buffer.alloc(1000);
    for (const { path, example } of readExamples()) {
      const encoder = new HpackEncoder({ huffman: example.force_huffman_off === true ? 'never' : 'shorter' });
      if (example.max_header_table_size !== undefined) {
        // The examples agree on the size outside of the blocks: this block takes the announcement away.
        encoder.setPeerTableBytes(example.max_header_table_size);
        encoder.encode([], target, 0);
      }
      const indexing = example.sensitive_headers === true ? 'never' : 'incremental';
      for (const block of example.header_blocks) {
        const fields = entriesOf(block.headers).map(([name, value]) => ({ name, value, indexing }) as const);
        const end = encoder.encode(fields, target, 0);
        expect(target.toString('hex', 0, end), path).toBe(block.encoded.join('').replaceAll(' ', ''));
        expect(encoder.tableBytes, path).toBe(block.table_size);
      }
    }
  });
});

describe('the integers of HPACK', () => {
  it('decode as the vectors say, and are refused where they say so', () => {
    if (!hasVectors(folder)) return;
    const vectors = readVectors<IntegerVector[]>(`${folder}/integers.json`);
    const result = { value: 0, next: 0 };
    for (const { id, prefix, wire, value, consumed, error } of vectors) {
      const bytes = Buffer.from(wire, 'hex');
      const fault = decodeInteger(bytes, 0, bytes.length, prefix, result);
      if (error === 'incomplete' || error === 'overflow') {
        expect(fault, id).toBe(error);
      } else if (error !== undefined) {
        // In range for an integer, and far outside every table.
        expect(result.value, id).toBeGreaterThan(2 ** 30);
        expect(decodeBlock(new HpackDecoder(), bytes).fault?.kind, id).toBe('compression');
      } else {
        expect({ fault, ...result }, id).toStrictEqual({ fault: null, value, next: consumed ?? bytes.length });
      }
    }
    console.log(`frames: checked ${vectors.length} integers of HPACK`);
    expect(vectors.length).toBe(26);
  });

  it('are written as the vectors have them', () => {
    if (!hasVectors(folder)) return;
    const target = Buffer.alloc(10);
    for (const { id, prefix, wire, value } of readVectors<IntegerVector[]>(`${folder}/integers.json`)) {
      // Two vectors have other bits above the prefix, one has an octet behind the integer.
      if (value === undefined || id.includes('highbits') || id.includes('extra')) continue;
      expect(target.toString('hex', 0, encodeInteger(target, 0, prefix, 0, value)), id).toBe(wire);
    }
  });
});

describe('the Huffman code of HPACK', () => {
  it('encodes and decodes the pairs of the vectors', () => {
    if (!hasVectors(folder)) return;
    const { vectors } = readVectors<{ vectors: { huffman: string; plain: string }[] }>(`${folder}/huffman.json`);
    const target = Buffer.alloc(200);
    for (const { huffman, plain } of vectors) {
      expect(huffmanBytes(plain)).toBe(huffman.length / 2);
      expect(target.toString('hex', 0, huffmanEncode(plain, target, 0))).toBe(huffman);
      const wire = Buffer.from(huffman, 'hex');
      const end = huffmanDecode(wire, 0, wire.length, target, 0, target.length);
      expect(target.toString('latin1', 0, end)).toBe(plain);
    }
    console.log(`frames: checked ${vectors.length} Huffman pairs`);
    expect(vectors.length).toBe(10);
  });
});
