import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateHuffmanCode } from '../../tools/generate-huffman.ts';
import { huffmanCodes, huffmanLengths } from './huffman-table.ts';
import { huffmanBytes, huffmanDecode, huffmanEncode } from './huffman.ts';

function encode(text: string): Buffer {
  const target = Buffer.alloc(huffmanBytes(text));
  expect(huffmanEncode(text, target, 0)).toBe(target.length);
  return target;
}

const latin1 = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets).toString('latin1'));

describe('the Huffman code', () => {
  it('is the one that its generator makes', () => {
    const { codes, lengths } = generateHuffmanCode();
    expect([...huffmanCodes]).toStrictEqual(codes);
    expect([...huffmanLengths]).toStrictEqual(lengths);
  });

  it('gives every text back', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        const wire = encode(text);
        const target = Buffer.alloc(text.length);
        const end = huffmanDecode(wire, 0, wire.length, target, 0, target.length);
        expect(target.toString('latin1', 0, end)).toBe(text);
      }),
    );
  });

  it('gives back every symbol alone and between others', () => {
    for (let symbol = 0; symbol < 256; symbol++) {
      const text = `a${String.fromCharCode(symbol)}0${String.fromCharCode(symbol)}`;
      const wire = encode(text);
      const target = Buffer.alloc(4);
      expect(huffmanDecode(wire, 0, wire.length, target, 0, 4)).toBe(4);
      expect(target.toString('latin1')).toBe(text);
    }
  });

  it('has one text for a wire: what decodes encodes to the same octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
        const wire = Buffer.from(octets);
        const target = Buffer.alloc(100);
        const end = huffmanDecode(wire, 0, wire.length, target, 0, target.length);
        if (end >= 0) expect(encode(target.toString('latin1', 0, end)).equals(wire)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses padding of eight bits, padding of zeros, and EOS', () => {
    for (const hex of ['ff', '1fff', '18', '00', 'ffffffff', 'fffffffc', '1ffffffffc']) {
      const wire = Buffer.from(hex, 'hex');
      expect(huffmanDecode(wire, 0, wire.length, Buffer.alloc(50), 0, 50), hex).toBe(-1);
    }
  });

  it('writes nothing past the end it is given, and tells how much there was', () => {
    const wire = encode('www.example.com');
    const target = Buffer.alloc(20, 0xee);
    expect(huffmanDecode(wire, 0, wire.length, target, 2, 6)).toBe(2 + 15);
    expect(target.toString('latin1', 2, 6)).toBe('www.');
    expect(target.subarray(6).every((octet) => octet === 0xee)).toBe(true);
  });
});
