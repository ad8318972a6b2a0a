// HpackDecoder: no block makes it throw, hold more than its table or report more than its limits; where a block lies
// makes no difference; python3-hpack reads the same fields and holds the same table. HpackEncoder and HeaderTemplate:
// both decoders read what was to be written.
//
// An execution is one block. A case is the life of one decoder: some dozen blocks and changes of its setting.
import { HpackDecoder } from '../../packages/frames/src/index.ts';
import type { DecodedField, FieldSink, HpackFault } from '../../packages/frames/src/index.ts';
import { putBlock } from './almost-frames.ts';
import { Choices } from './choices.ts';
import { fieldBlocks } from './corpora.ts';
import { controlBytes } from './fuzz-input.ts';
import type { FuzzInput } from './fuzz-input.ts';
import { require } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { EncodingLife } from './hpack-encoding.ts';
import { IndependentHpack } from './independent-hpack.ts';
import { decodePairs } from './opinion.ts';
import type { Opinion } from './opinion.ts';
import type { Random } from './random.ts';

const Control = { small: 0x01, encoded: 0x02, compared: 0x04, looksInside: 0x08 } as const;
/** First octet of a step of the body: below, the length of a block. */
const Step = { longBlock: 0xfe, setting: 0xff } as const;
const tableSizes = [0, 1, 31, 32, 33, 64, 100, 300, 4_095, 4_096, 4_097, 8_192, 65_536];
const smallLimits = { tableBytesMax: 300, headerListBytesMax: 500, fieldsMax: 10 };
const fullLimits = { tableBytesMax: 4_096, headerListBytesMax: 16_384, fieldsMax: 64 };
/** So that nothing but the block itself is refused. */
const openLimits = { tableBytesMax: 4_096, headerListBytesMax: 1 << 30, fieldsMax: 1 << 20 };
const blocksPerCase = 40;
const nothing: Buffer = Buffer.alloc(0);

export class HpackTarget implements FuzzTarget {
  readonly #seeds: readonly Buffer[] = fieldBlocks();
  readonly #independent = new IndependentHpack();
  readonly #choices = new Choices();
  readonly #sink = new MeasuringSink();
  readonly #twinSink = new MeasuringSink();
  readonly #copy: Buffer = Buffer.alloc(1 << 17);
  #fields = 0;
  #faults = 0;
  #encodedBlocks = 0;

  generate(random: Random, input: FuzzInput): void {
    let control = random.next() & ~0x0f;
    if (random.once(3)) control |= Control.small;
    if (random.once(4)) control |= Control.encoded;
    if (random.once(8)) control |= Control.looksInside;
    if (random.once(16)) control |= Control.compared;
    input.begin(control);
    if ((control & Control.encoded) !== 0) return input.putRandom(random, 40 + random.below(400));
    for (let count = 8 + random.below(blocksPerCase - 8); count > 0; count--) this.#putStep(random, input);
    if (random.once(4)) input.mutate(random, controlBytes, this.#anySeed(random));
  }

  /** Where the conformance vectors are absent there are none. */
  #anySeed(random: Random): Buffer {
    return this.#seeds.length === 0 ? nothing : random.pick(this.#seeds);
  }

  run(bytes: Buffer, end: number): number {
    if (end < controlBytes) return 1;
    const control = bytes.readUInt32BE(0);
    this.#choices.begin(bytes, controlBytes, end);
    // Where python3-hpack is asked, each case it has room for is compared; which ones depends on the speed of both.
    const isCompared = (control & Control.compared) !== 0 && this.#independent.hasRoom;
    if ((control & Control.encoded) !== 0) return this.#runEncoded(bytes, end, isCompared);
    if (isCompared) return this.#runCompared(bytes, end);
    return this.#runAlone(bytes, control);
  }

  settle(isLast: boolean): Promise<void> {
    return this.#independent.settle(isLast);
  }

  close(): void {
    this.#independent.close();
  }

  reached(): string {
    const { blocks, stricter } = this.#independent;
    return (
      `${this.#fields} fields, ${this.#faults} blocks refused, ${this.#encodedBlocks} encoded, ` +
      `${blocks} compared with python3-hpack (${stricter} that we may refuse), ${this.#seeds.length} seeds`
    );
  }

  #putStep(random: Random, input: FuzzInput): void {
    if (random.once(24)) {
      input.put8(Step.setting);
      return input.put8(random.below(tableSizes.length));
    }
    const headAt = input.length;
    input.put8(Step.longBlock);
    input.put16(0);
    const blockAt = input.length;
    switch (random.below(8)) {
      case 0:
        input.putRandom(random, random.below(40));
        break;
      case 1:
      case 2:
      case 3: {
        if (this.#seeds.length === 0) break;
        const seed = random.pick(this.#seeds);
        input.putBytes(seed, 0, Math.min(seed.length, random.once(64) ? 20_000 : 300));
        break;
      }
      default:
        // RFC 7541 §4.2: size updates, at the start of a block as a rule.
        for (; random.once(8);) input.put8(0x20 | random.below(32));
        putBlock(random, input, 30);
        if (random.once(40)) input.put8(0x20 | random.below(32));
    }
    if (random.once(3)) input.mutate(random, blockAt, this.#seeds[0] ?? nothing);
    input.bytes.writeUInt16BE(Math.max(0, input.length - blockAt), headAt + 1);
  }

  #runAlone(bytes: Buffer, control: number): number {
    const limits = (control & Control.small) === 0 ? fullLimits : smallLimits;
    const looksInside = (control & Control.looksInside) !== 0;
    const decoder = new HpackDecoder(limits);
    const twin = looksInside ? new HpackDecoder(limits) : null;
    const choices = this.#choices;
    let allowed = limits.tableBytesMax;
    let executions = 0;
    while (!choices.isSpent) {
      const step = choices.next8();
      if (step === Step.setting) {
        allowed = tableSizes[choices.next8() % tableSizes.length];
        decoder.setTableBytesMax(allowed);
        twin?.setTableBytesMax(allowed);
        continue;
      }
      const length = choices.take(step === Step.longBlock ? choices.next16() : step);
      const start = choices.at - length;
      executions += 1;
      this.#sink.begin();
      const fault = decoder.decode(bytes, start, start + length, this.#sink);
      this.#check(decoder, fault, limits, allowed);
      if (twin !== null) this.#checkTwin(decoder, twin, fault, bytes, start, length);
      // After 'compression' the connection is lost, but nothing may break even if somebody goes on.
    }
    return executions;
  }

  #check(decoder: HpackDecoder, fault: HpackFault | null, limits: typeof fullLimits, allowed: number): void {
    const sink = this.#sink;
    require(sink.fields <= limits.fieldsMax, 'more fields than are allowed');
    require(sink.listBytes <= limits.headerListBytesMax, 'a longer list than is allowed');
    // RFC 7541 §4.2: above a smaller setting only until the size update that must open the next block.
    require(decoder.tableBytes <=
      Math.max(allowed, 4_096, limits.tableBytesMax, 65_536), 'a larger table than allowed');
    this.#fields += sink.fields;
    if (fault === null) require(decoder.tableBytes <= allowed, 'a larger table than the setting');
    else this.#faults += 1;
  }

  /** The same block in another place, overwritten afterwards: a view that was kept shows. */
  #checkTwin(
    decoder: HpackDecoder,
    twin: HpackDecoder,
    fault: HpackFault | null,
    bytes: Buffer,
    start: number,
    length: number,
  ): void {
    const at = (start * 7) % 64;
    bytes.copy(this.#copy, at, start, start + length);
    this.#twinSink.begin();
    const twinFault = twin.decode(this.#copy, at, at + length, this.#twinSink);
    this.#copy.fill(0xee, 0, at + length + 64);
    require(twinFault?.message === fault?.message, 'another fault in another place');
    require(this.#twinSink.hash === this.#sink.hash, 'other fields in another place');
    const entries = decoder.entries();
    const sum = entries.reduce((total, { name, value }) => total + name.length + value.length + 32, 0);
    require(sum === decoder.tableBytes, 'the table counts other octets than its entries have');
    const twins = twin.entries();
    require(twins.length === entries.length, 'another table in another place');
    for (const [row, { name, value }] of entries.entries()) {
      require(twins[row].name === name && twins[row].value === value, 'other entries in another place');
    }
  }

  #runCompared(bytes: Buffer, end: number): number {
    const decoder = new HpackDecoder(openLimits);
    const steps: (number | string)[] = [];
    const opinions: Opinion[] = [];
    const choices = this.#choices;
    let isLost = false;
    while (!choices.isSpent && !isLost) {
      const step = choices.next8();
      if (step === Step.setting) {
        const size = tableSizes[choices.next8() % tableSizes.length];
        decoder.setTableBytesMax(size);
        steps.push(size);
        continue;
      }
      const length = choices.take(step === Step.longBlock ? choices.next16() : step);
      const start = choices.at - length;
      steps.push(bytes.toString('hex', start, start + length));
      const opinion = decodePairs(decoder, bytes, start, start + length);
      opinions.push(opinion);
      isLost = typeof opinion === 'string';
    }
    this.#independent.ask({ bytes: Buffer.from(bytes.subarray(0, end)), steps, opinions, isEncoded: false });
    return opinions.length;
  }

  #runEncoded(bytes: Buffer, end: number, isCompared: boolean): number {
    const life = new EncodingLife(this.#choices, openLimits);
    const opinions = life.run();
    this.#encodedBlocks += opinions.length;
    if (isCompared) {
      this.#independent.ask({
        bytes: Buffer.from(bytes.subarray(0, end)),
        steps: life.steps.map((step) => (typeof step === 'number' ? step : step.toString('hex'))),
        opinions,
        isEncoded: true,
      });
    }
    return opinions.length;
  }
}

/** Reads every octet of every field, as a number. */
class MeasuringSink implements FieldSink {
  fields = 0;
  listBytes = 0;
  hash = 0;

  begin(): void {
    this.fields = 0;
    this.listBytes = 0;
    this.hash = 0;
  }

  onField(field: DecodedField): void {
    this.fields += 1;
    this.listBytes += 32;
    this.#view(field.nameBytes, field.nameStart, field.nameEnd);
    this.#view(field.valueBytes, field.valueStart, field.valueEnd);
    const { nameId, staticIndex, isNeverIndexed } = field;
    require(nameId >= 0 && nameId <= 61 && staticIndex >= 0 && staticIndex <= 61, 'an index that does not exist');
    this.hash = Math.imul(this.hash ^ (nameId << 8) ^ (staticIndex << 16) ^ (isNeverIndexed ? 1 : 0), 0x9e3779bb);
  }

  #view(bytes: Buffer, start: number, end: number): void {
    require(start >= 0 && end >= start && end <= bytes.length, 'a view outside of its buffer');
    let hash = this.hash ^ (end - start);
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    this.hash = hash;
    this.listBytes += end - start;
  }
}
