// An encoder with templates, writing down what a decoder must read: for tests of HeaderTemplate.
import { HeaderTemplate, HpackEncoder } from '@carillon/frames';
import type { HeaderField, HeaderSlot, HpackEncoderOptions } from '@carillon/frames';
import type { Step } from './independent-decoder.ts';
import type { Field } from './recording-fields.ts';

export type TemplateFields = readonly (HeaderField | HeaderSlot)[];

export class TemplateConversation {
  readonly encoder: HpackEncoder;
  readonly steps: Step[] = [];
  /** By block. */
  readonly expected: Field[][] = [];
  readonly #target: Buffer = Buffer.alloc(1 << 16);
  readonly #batch: Buffer = Buffer.alloc(1 << 15);
  readonly #templates = new Map<TemplateFields, HeaderTemplate>();

  constructor(options: HpackEncoderOptions = {}) {
    this.encoder = new HpackEncoder(options);
  }

  /** The peer's setting, acknowledged: both sides know it before the next block. */
  setTableBytes(tableBytes: number): void {
    this.encoder.setPeerTableBytes(tableBytes);
    this.steps.push({ tableBytes });
  }

  /** `values[k]`: what slot k holds; null leaves its field out. Returns the block. */
  write(fields: TemplateFields, values: readonly (string | null)[]): Buffer {
    let template = this.#templates.get(fields);
    if (template === undefined) this.#templates.set(fields, (template = new HeaderTemplate(this.encoder, fields)));
    const { bytes, spans } = this.#layOut(values);
    // At another place each time, and in front of octets that must stay.
    const at = 7 + (this.steps.length % 5);
    this.#target.fill(0xee);
    const end = template.write(this.#target, at, bytes, spans, 2);
    // The same slot may stand in several fields.
    const slots = fields.filter((field) => 'slot' in field);
    const valueBytes = slots.reduce((sum, { slot }) => sum + (values[slot]?.length ?? 0), 0);
    if (end - at > template.blockBytesMax + valueBytes) throw new Error('a block above blockBytesMax');
    if (this.#target[end] !== 0xee || this.#target[at - 1] !== 0xee) throw new Error('a write beyond the block');
    return this.#record(this.#target.subarray(at, end), expectedFields(fields, values));
  }

  encode(fields: readonly HeaderField[]): Buffer {
    const end = this.encoder.encode(fields, this.#target, 0);
    return this.#record(
      this.#target.subarray(0, end),
      fields.map(({ name, value }) => [name, value]),
    );
  }

  /** Spans from index 2 on, the first pair belongs to somebody else. Mostly in the same batch, as pushes are. */
  #layOut(values: readonly (string | null)[]): { bytes: Buffer; spans: Int32Array } {
    const spans = new Int32Array(2 + 2 * values.length);
    const bytes = this.steps.length % 7 === 0 ? Buffer.alloc(this.#batch.length) : this.#batch;
    let at = this.steps.length % 3;
    for (const [slot, value] of values.entries()) {
      spans[2 + 2 * slot] = value === null ? -1 : at;
      at += value === null ? 0 : bytes.write(value, at, 'latin1');
      spans[3 + 2 * slot] = value === null ? -1 : at;
    }
    return { bytes, spans };
  }

  #record(view: Buffer, expected: Field[]): Buffer {
    const block = Buffer.from(view);
    this.steps.push({ block });
    this.expected.push(expected);
    return block;
  }
}

function expectedFields(fields: TemplateFields, values: readonly (string | null)[]): Field[] {
  const expected: Field[] = [];
  for (const field of fields) {
    if (!('slot' in field)) {
      expected.push([field.name, field.value]);
      continue;
    }
    const value = values[field.slot];
    if (value !== null) expected.push([field.name, (field.prefix ?? '') + value]);
  }
  return expected;
}

/** The header plan of a push, as the engine makes it. */
export function pushFields(topic: string, options: { token?: string; topicIndexing?: 'without' } = {}): TemplateFields {
  const { token = 'x'.repeat(184), topicIndexing } = options;
  return [
    { name: ':method', value: 'POST' },
    { name: ':scheme', value: 'https' },
    { name: ':authority', value: 'api.push.apple.com' },
    { name: ':path', slot: 0, prefix: '/3/device/' },
    { name: 'authorization', value: `bearer ${token}` },
    topicIndexing === undefined
      ? { name: 'apns-topic', value: topic }
      : { name: 'apns-topic', value: topic, indexing: topicIndexing },
    { name: 'apns-push-type', value: 'alert' },
    { name: 'apns-priority', value: '10' },
    { name: 'apns-id', slot: 1, indexing: 'name' },
    { name: 'apns-expiration', slot: 2, indexing: 'name' },
    { name: 'apns-collapse-id', slot: 3, indexing: 'name' },
  ];
}

const deviceToken = '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0';

/** Values of the four slots of a push; the optional ones now and then. */
export function pushValues(number: number): (string | null)[] {
  return [
    deviceToken,
    `8f14e45f-ceea-467a-9575-${number.toString(16).padStart(12, '0')}`,
    number % 3 === 0 ? '1508249865' : null,
    number % 7 === 0 ? `collapse-${number}` : null,
  ];
}
