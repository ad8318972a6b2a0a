// The life of one encoder, out of choices: lists of fields, templates with slots, changes of the peer's table size.
// Our own decoder reads every block at once and must find what was to be written.
import { HeaderTemplate, HpackDecoder, HpackEncoder, fieldsBytesMax } from '../../packages/frames/src/index.ts';
import type { HeaderField, HeaderSlot, HpackDecoderOptions } from '../../packages/frames/src/index.ts';
import type { Choices } from './choices.ts';
import { FuzzFault, require } from './fuzz-target.ts';
import { decodePairs } from './opinion.ts';
import type { FieldPair, Opinion } from './opinion.ts';

const names = [':status', ':path', ':method', 'apns-id', 'apns-topic', 'authorization', 'x', 'date', 'content-length'];
const indexings = ['incremental', 'without', 'never', undefined] as const;
const slotIndexings = ['without', 'never', 'name', undefined] as const;
const tableSizes = [0, 33, 64, 100, 200, 4_096, 65_536, 4_095];
const guardBytes = 16;
const slotCount = 3;

/** Values of slots are cut out of it; every octet is in it. */
const source: Buffer = Buffer.from(Array.from({ length: 700 }, (_, at) => (at * 3) & 0xff));

export class EncodingLife {
  /** What the peer's decoder is told, in order: settings and blocks. */
  readonly steps: (number | Buffer)[] = [];
  readonly #choices: Choices;
  readonly #encoder: HpackEncoder;
  readonly #decoder: HpackDecoder;
  readonly #templates: { template: HeaderTemplate; fields: (HeaderField | HeaderSlot)[] }[] = [];
  readonly #spans = new Int32Array(2 * slotCount + 2);

  constructor(choices: Choices, limits: HpackDecoderOptions) {
    this.#choices = choices;
    const options = choices.next8();
    this.#encoder = new HpackEncoder({
      tableBytesMax: (options & 1) === 0 ? 4_096 : tableSizes[(options >>> 1) % tableSizes.length],
      huffman: (options & 0x80) === 0 ? 'shorter' : 'never',
    });
    this.#decoder = new HpackDecoder(limits);
  }

  /** Returns what our decoder made of each block. */
  run(): Opinion[] {
    const opinions: Opinion[] = [];
    while (!this.#choices.isSpent) {
      const act = this.#choices.next8();
      if (act % 8 === 0) this.#resize();
      else if (act % 8 < 4) opinions.push(this.#encodeList());
      else opinions.push(this.#writeTemplate(act >>> 3));
    }
    return opinions;
  }

  #resize(): void {
    const size = tableSizes[this.#choices.next8() % tableSizes.length];
    this.#encoder.setPeerTableBytes(size);
    this.#decoder.setTableBytesMax(size);
    this.steps.push(size);
  }

  #encodeList(): Opinion {
    const fields: HeaderField[] = [];
    for (let count = this.#choices.next8() % 6; count > 0; count--) fields.push(this.#field());
    const bytesMax = fieldsBytesMax(fields);
    const target = Buffer.alloc(bytesMax + guardBytes, 0xee);
    const end = this.#encoder.encode(fields, target, 0);
    require(end <= bytesMax, 'a block longer than fieldsBytesMax');
    return this.#read(
      target.subarray(0, end),
      fields.map(({ name, value }): FieldPair => [name, value]),
    );
  }

  #writeTemplate(which: number): Opinion {
    const { template, fields } = this.#templateFor(which % 4);
    let valueBytes = 0;
    const expected: FieldPair[] = [];
    const spanOf = (slot: number): [number, number] => [this.#spans[2 + 2 * slot], this.#spans[3 + 2 * slot]];
    for (let slot = 0; slot < slotCount; slot++) {
      const length = this.#choices.next8();
      const start = length % 5 === 0 ? -1 : this.#choices.next8();
      this.#spans[2 + 2 * slot] = start;
      this.#spans[3 + 2 * slot] = start + length;
    }
    for (const field of fields) {
      if (!('slot' in field)) {
        expected.push([field.name, field.value]);
        continue;
      }
      const [start, end] = spanOf(field.slot);
      if (start < 0) continue;
      valueBytes += end - start;
      expected.push([field.name, (field.prefix ?? '') + source.toString('latin1', start, end)]);
    }
    const bytesMax = template.blockBytesMax + valueBytes;
    const target = Buffer.alloc(bytesMax + guardBytes, 0xee);
    const end = template.write(target, 0, source, this.#spans, 2);
    require(end <= bytesMax, 'a block longer than blockBytesMax and the values');
    return this.#read(target.subarray(0, end), expected);
  }

  #read(block: Buffer, expected: readonly FieldPair[]): Opinion {
    this.steps.push(Buffer.from(block));
    const opinion = decodePairs(this.#decoder, block, 0, block.length);
    if (typeof opinion === 'string') throw new FuzzFault(`our decoder refuses what we encoded: ${opinion}`);
    if (!areSame(opinion[0], expected)) {
      throw new FuzzFault(`encoded ${JSON.stringify(expected)}, decoded ${JSON.stringify(opinion[0])}`);
    }
    require(this.#decoder.tableBytes === this.#encoder.tableBytes, 'the tables of both sides differ in size');
    return opinion;
  }

  #templateFor(which: number): { template: HeaderTemplate; fields: (HeaderField | HeaderSlot)[] } {
    const known = this.#templates[which];
    if (known !== undefined) return known;
    const fields: (HeaderField | HeaderSlot)[] = [];
    for (let slot = 0; slot < slotCount; slot++) {
      for (let count = this.#choices.next8() % 3; count > 0; count--) fields.push(this.#field());
      const shape = this.#choices.next8();
      const indexing = slotIndexings[shape % 4];
      const prefix = (shape & 0x10) === 0 ? {} : { prefix: '/3/device/' };
      const name = names[(shape >>> 5) % names.length];
      fields.push({ name, slot, ...prefix, ...(indexing === undefined ? {} : { indexing }) });
    }
    const made = { template: new HeaderTemplate(this.#encoder, fields), fields };
    this.#templates.push(made);
    return made;
  }

  #field(): HeaderField {
    const shape = this.#choices.next8();
    const start = this.#choices.next8();
    const length = this.#choices.next8() >>> (shape & 3);
    const name = (shape & 0x80) === 0 ? names[(shape >>> 3) % names.length] : `x-${start % 32}`;
    const value = (shape & 0x40) === 0 ? String(200 + (start % 8)) : source.toString('latin1', start, start + length);
    const indexing = indexings[(shape >>> 2) % 4];
    return indexing === undefined ? { name, value } : { name, value, indexing };
  }
}

function areSame(fields: readonly FieldPair[], expected: readonly FieldPair[]): boolean {
  if (fields.length !== expected.length) return false;
  return fields.every(([name, value], at) => name === expected[at][0] && value === expected[at][1]);
}
