import { describe, expect, it } from 'vitest';
import { RecordingFields, decodeBlock } from '../../test/recording-fields.ts';
import { HpackDecoder } from './decoder.ts';
import type { HpackDecoderOptions } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';

function marks(decoder: HpackDecoder, hex: string): RecordingFields['marks'] {
  const sink = new RecordingFields();
  const bytes = Buffer.from(hex, 'hex');
  expect(decoder.decode(bytes, 0, bytes.length, sink)).toBeNull();
  return sink.marks;
}

/** name `a`, value of so many octets, inserted. */
function insertion(valueBytes: number): Buffer {
  const target = Buffer.alloc(valueBytes + 100);
  const encoder = new HpackEncoder({ huffman: 'never', tableBytesMax: 1 << 20 });
  encoder.setPeerTableBytes(1 << 20);
  encoder.encode([], target, 0);
  const end = encoder.encode([{ name: 'a', value: 'v'.repeat(valueBytes) }], target, 0);
  return target.subarray(0, end);
}

describe('HpackDecoder', () => {
  it('decodes the worked answers of a gateway', () => {
    const decoder = new HpackDecoder();
    const ok = '8800851d752163499cc178377085f696bacdd12cd09a85679f85f59b85f0bd0b981cbade0f';
    expect(decodeBlock(decoder, Buffer.from(ok, 'hex')).fields).toStrictEqual([
      [':status', '200'],
      ['apns-id', 'EC1BF194-B3B2-424A-89A9-5A918A6E6B5E'],
    ]);
    const gone =
      '4882682000851d752163499a7a50b4569b956214a359a71d1acfb6eb6b39280818c523256c1f5f8b1d75d0620d263d4c7441ea';
    expect(decodeBlock(decoder, Buffer.from(gone, 'hex')).fields).toStrictEqual([
      [':status', '410'],
      ['apns-id', '8f14e45f-ceea-467a-9575-6f0c1b2d3e50'],
      ['content-type', 'application/json'],
    ]);
  });

  it('numbers names: static ones by index, known ones from 100, however they are written', () => {
    const knownNames = ['apns-id', 'retry-after', 'apns-unique-id'];
    const decoder = new HpackDecoder({ knownNames });
    const encoder = new HpackEncoder({ huffman: 'never' });
    const target = Buffer.alloc(1000);
    const names = [':status', 'apns-id', 'retry-after', 'apns-unique-id', 'apns-other', 'apns-ix', 'date'];
    const fields = names.map((name) => ({ name, value: '1' }));
    // First literals with their names in full, then indexes into the dynamic table.
    for (let round = 0; round < 2; round++) {
      const end = encoder.encode(fields, target, 0);
      const ids = marks(decoder, target.toString('hex', 0, end)).map(({ nameId }) => nameId);
      expect(ids).toStrictEqual([8, 100, 53, 102, 0, 0, 33]);
    }
    // `:status` as a string, Huffman or not, is still the static name.
    expect(marks(decoder, '00073a7374617475730131')[0]).toMatchObject({ nameId: 8, staticIndex: 0 });
  });

  it('knows every static name by its octets', () => {
    const decoder = new HpackDecoder();
    for (let index = 1; index <= 61; index++) {
      const [indexed] = marks(decoder, (0x80 | index).toString(16));
      expect(indexed.staticIndex).toBe(index);
      const sink = new RecordingFields();
      decoder.decode(Buffer.of(0x80 | index), 0, 1, sink);
      const [name] = sink.fields[0];
      const literal = Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(1, 0x78)]);
      expect(marks(decoder, literal.toString('hex'))[0].nameId, name).toBe(indexed.nameId);
    }
  });

  it('says which fields must never be indexed', () => {
    const decoder = new HpackDecoder();
    expect(marks(decoder, '1001610162')[0].isNeverIndexed).toBe(true);
    expect(marks(decoder, '0001610162')[0].isNeverIndexed).toBe(false);
    expect(marks(decoder, '4001610162')[0].isNeverIndexed).toBe(false);
    expect(marks(decoder, 'be')[0].isNeverIndexed).toBe(false);
  });

  it('takes a name from the very entry that the insertion evicts', () => {
    const decoder = new HpackDecoder({ tableBytesMax: 70 });
    // name `n`, value of 30, 63 octets; then the same name by index with another value.
    const first = Buffer.concat([Buffer.from('40016e1e', 'hex'), Buffer.alloc(30, 0x61)]);
    const second = Buffer.concat([Buffer.from('7e1f', 'hex'), Buffer.alloc(31, 0x62)]);
    expect(decodeBlock(decoder, first).fault).toBeNull();
    for (let round = 0; round < 9; round++) {
      expect(decodeBlock(decoder, second).fields).toStrictEqual([['n', 'b'.repeat(31)]]);
      expect(decoder.entries()).toStrictEqual([{ name: 'n', value: 'b'.repeat(31) }]);
    }
  });

  it('empties the table for an entry that is larger', () => {
    const decoder = new HpackDecoder();
    decodeBlock(decoder, insertion(10));
    expect(decoder.tableBytes).toBe(43);
    expect(decodeBlock(decoder, insertion(4096)).fields).toHaveLength(1);
    expect(decoder.entries()).toStrictEqual([]);
    expect(decoder.tableBytes).toBe(0);
  });

  describe('when a list is too large', () => {
    const tooLong: readonly [what: string, options: HpackDecoderOptions, block: Buffer][] = [
      ['fields', { fieldsMax: 3 }, Buffer.from('8282828240016101620001610162', 'hex')],
      ['octets', { headerListBytesMax: 100 }, Buffer.from('8282828240016101620001610162', 'hex')],
    ];

    it.each(tooLong)('by its %s, reports what came before, decodes the rest and goes on', (_what, options, block) => {
      const decoder = new HpackDecoder(options);
      const { fault, fields } = decodeBlock(decoder, block);
      expect(fault?.kind).toBe('list-too-large');
      expect(fields.length).toBeLessThanOrEqual(3);
      expect(decoder.entries()).toStrictEqual([{ name: 'a', value: 'b' }]);
      expect(decodeBlock(decoder, Buffer.of(0xbe))).toStrictEqual({ fault: null, fields: [['a', 'b']] });
    });

    it('still finds what is broken behind the limit', () => {
      const decoder = new HpackDecoder({ fieldsMax: 1 });
      expect(decodeBlock(decoder, Buffer.from('8282ff', 'hex')).fault?.kind).toBe('compression');
    });

    it('takes a Huffman string above every limit for what it is, and holds none of it', () => {
      const decoder = new HpackDecoder({ headerListBytesMax: 1000 });
      decodeBlock(decoder, insertion(10));
      // `0` has the shortest code, five bits of zeros: 5,000 octets of them are 8,000 characters.
      const zeros = Buffer.concat([Buffer.from('ff8926', 'hex'), Buffer.alloc(5000)]);
      for (const first of ['0001', '4001']) {
        const block = Buffer.concat([Buffer.from(`${first}61`, 'hex'), zeros]);
        expect(decodeBlock(decoder, block)).toMatchObject({ fault: { kind: 'list-too-large' }, fields: [] });
      }
      // The insertion emptied the table; a name of that kind is counted the same way.
      expect(decoder.entries()).toStrictEqual([]);
      const named = Buffer.concat([Buffer.from('40', 'hex'), zeros, Buffer.from('0162', 'hex')]);
      expect(decodeBlock(decoder, named)).toMatchObject({ fault: { kind: 'list-too-large' }, fields: [] });
      expect(decodeBlock(decoder, Buffer.of(0x82)).fields).toStrictEqual([[':method', 'GET']]);
    });
  });

  describe('with a table size of its own', () => {
    it('demands the size update that a smaller setting asks for', () => {
      const decoder = new HpackDecoder();
      decoder.setTableBytesMax(100);
      expect(decodeBlock(decoder, Buffer.of(0x82)).fault?.kind).toBe('compression');
    });

    it('demands the smallest of several settings', () => {
      for (const [hex, kind] of [
        ['203fe11f82', undefined],
        ['3f4582', undefined],
        ['3f46820a', 'compression'],
        ['3fe11f82', 'compression'],
      ]) {
        const decoder = new HpackDecoder();
        decoder.setTableBytesMax(100);
        decoder.setTableBytesMax(4096);
        expect(decodeBlock(decoder, Buffer.from(hex ?? '', 'hex')).fault?.kind, hex).toBe(kind);
      }
    });

    it('demands nothing when the encoder is below already, or when the setting grows', () => {
      const decoder = new HpackDecoder();
      expect(decodeBlock(decoder, Buffer.from('3f1182', 'hex')).fault).toBeNull();
      decoder.setTableBytesMax(100);
      expect(decodeBlock(decoder, Buffer.of(0x82)).fault).toBeNull();
      decoder.setTableBytesMax(8192);
      expect(decodeBlock(decoder, Buffer.of(0x82)).fault).toBeNull();
    });

    it('takes a larger table only once the encoder has announced it, and memory only once it is filled', () => {
      const decoder = new HpackDecoder({ tableBytesMax: 0xffff_ffff, headerListBytesMax: 100_000 });
      decodeBlock(decoder, insertion(4090));
      expect(decoder.entries()).toStrictEqual([]);
      // To 2^32-1, and then some: entries stay as they are while the room for them grows.
      expect(decodeBlock(decoder, Buffer.from('3fe0ffffff0f', 'hex')).fault).toBeNull();
      const before = process.memoryUsage().arrayBuffers;
      for (const bytes of [3000, 20, 4000, 9000, 50_000])
        expect(decodeBlock(decoder, insertion(bytes)).fault).toBeNull();
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
      expect(decoder.entries().map(({ value }) => value.length)).toStrictEqual([50_000, 9000, 4000, 20, 3000]);
    });
  });

  it('keeps the same entries as a plain list does, through any order of sizes', () => {
    const decoder = new HpackDecoder({ tableBytesMax: 600 });
    let model: string[] = [];
    let seed = 7;
    for (let round = 0; round < 5000; round++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const bytes = seed % 17 === 0 ? seed % 700 : seed % 120;
      const value = String.fromCharCode(97 + (round % 26)).repeat(bytes);
      const block = insertion(bytes);
      block.fill(value, block.length - bytes);
      decodeBlock(decoder, block);
      model.unshift(value);
      const sizeOf = (values: readonly string[]): number => values.reduce((sum, text) => sum + 33 + text.length, 0);
      while (sizeOf(model) > 600) model = model.slice(0, -1);
      expect(decoder.tableBytes).toBe(sizeOf(model));
      if (round % 10 === 0) expect(decoder.entries().map((entry) => entry.value)).toStrictEqual(model);
    }
  });
});
