import { describe, expect, it } from 'vitest';
import { HpackEncoder, fieldsBytesMax } from './encoder.ts';
import type { HeaderField, Indexing } from './header-field.ts';

function encode(encoder: HpackEncoder, fields: readonly HeaderField[]): string {
  const target = Buffer.alloc(fieldsBytesMax(fields));
  return target.toString('hex', 0, encoder.encode(fields, target, 0));
}

function field(name: string, value: string, indexing?: Indexing): HeaderField {
  return indexing === undefined ? { name, value } : { name, value, indexing };
}

const long = field('x-long', 'v'.repeat(5000));

describe('HpackEncoder', () => {
  it('writes the worked requests of an APNs sender', () => {
    const encoder = new HpackEncoder();
    const request = (id: string): HeaderField[] => [
      field(':method', 'POST'),
      field(':scheme', 'https'),
      field(':authority', 'api.push.apple.com'),
      field(':path', '/3/device/c9d4c07cfbbc26d6ef87a44d53e169831096a5d5fd82547556659dd9c4e0f1a2', 'without'),
      field('authorization', `bearer ${'e'.repeat(184)}`),
      field('apns-topic', 'com.example.app'),
      field('apns-push-type', 'alert'),
      field('apns-priority', '10'),
      field('apns-id', id, 'without'),
    ];
    encode(encoder, request('8f14e45f-ceea-467a-9575-6f0c1b2d3e4f'));
    expect(encoder.tableBytes).toBe(47 + 51 + 57 + (32 + 13 + 7 + 184) + 60);
    const second = encode(encoder, request('8f14e45f-ceea-467a-9575-6f0c1b2d3e50'));
    expect(second.startsWith('8387c204b56196242f73')).toBe(true);
    expect(second).toContain('c1c0bfbe00851d752163');
    expect(second.length / 2).toBe(96);
  });

  it('writes what the static table holds as its index, whatever the indexing', () => {
    for (const indexing of ['incremental', 'without', 'never'] as const) {
      expect(encode(new HpackEncoder(), [field(':method', 'POST', indexing)])).toBe('83');
    }
  });

  it('inserts nothing that is to stay out of the table', () => {
    const encoder = new HpackEncoder({ huffman: 'never' });
    expect(encode(encoder, [field('a', 'b', 'without')])).toBe('0001610162');
    expect(encode(encoder, [field('a', 'b', 'never')])).toBe('1001610162');
    expect(encoder.tableBytes).toBe(0);
    expect(encoder.generation).toBe(new HpackEncoder().generation);
  });

  it('keeps a secret a literal even when the table holds the same field', () => {
    const encoder = new HpackEncoder({ huffman: 'never' });
    encode(encoder, [field('a', 'b')]);
    expect(encode(encoder, [field('a', 'b', 'without')])).toBe('be');
    expect(encode(encoder, [field('a', 'b', 'never')])).toBe('1f2f0162');
  });

  it('does not empty the table for a field that is larger', () => {
    const encoder = new HpackEncoder();
    encode(encoder, [field('a', 'b')]);
    const before = encoder.generation;
    // A literal without indexing: the peer's table stays as it is, too.
    expect(encode(encoder, [long]).startsWith('00')).toBe(true);
    expect(encoder.generation).toBe(before);
    expect(encoder.tableBytes).toBe(34);
  });

  describe('after a new size of the peer’s table', () => {
    it('announces it once, at the start of the next block', () => {
      const encoder = new HpackEncoder();
      encoder.setPeerTableBytes(100);
      expect(encode(encoder, [field(':method', 'GET')])).toBe('3f4582');
      expect(encode(encoder, [field(':method', 'GET')])).toBe('82');
    });

    it('announces the smallest size in between, and then the last', () => {
      const encoder = new HpackEncoder();
      encode(encoder, [field('a', 'b')]);
      for (const size of [200, 0, 300, 4096]) encoder.setPeerTableBytes(size);
      expect(encoder.tableBytes).toBe(0);
      expect(encode(encoder, [])).toBe('203fe11f');
    });

    it('announces nothing when all stays as it was', () => {
      const encoder = new HpackEncoder();
      const before = encoder.generation;
      for (const size of [65_536, 4096, 1_000_000]) encoder.setPeerTableBytes(size);
      expect(encode(encoder, [])).toBe('');
      expect(encoder.generation).toBe(before);
    });

    it('evicts what no longer fits', () => {
      const encoder = new HpackEncoder();
      encode(encoder, [field('a', '1'), field('a', '2'), field('a', '3')]);
      encoder.setPeerTableBytes(70);
      expect(encoder.tableBytes).toBe(68);
      expect(encode(encoder, [field('a', '3'), field('a', '2')])).toBe('3f27bebf');
    });
  });

  it('announces a table smaller than the default from the start', () => {
    expect(encode(new HpackEncoder({ tableBytesMax: 0 }), [])).toBe('20');
  });

  it('uses a larger table only when both sides are willing', () => {
    const encoder = new HpackEncoder({ tableBytesMax: 16_384 });
    expect(encode(encoder, [])).toBe('');
    encoder.setPeerTableBytes(8192);
    expect(encode(encoder, [])).toBe('3fe13f');
    encode(encoder, [long]);
    expect(encoder.tableBytes).toBe(32 + 6 + 5000);
  });

  it('refuses characters that an octet cannot hold, and a target that is too small', () => {
    expect(() => encode(new HpackEncoder(), [field('a', '€')])).toThrow(RangeError);
    expect(() => new HpackEncoder().encode([long], Buffer.alloc(100), 0)).toThrow(RangeError);
  });
});
