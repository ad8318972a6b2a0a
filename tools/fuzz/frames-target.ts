// FrameParser: any bytes, however split, make the same calls; nothing throws; what is held is bounded. And what the
// encoders write, the parser reads.
//
// An execution is one stream of frames, parsed whole and parsed in pieces.
import { FrameParser, clientPreface, frameBytesDefault, frameHeaderBytes } from '../../packages/frames/src/index.ts';
import { putFrame } from './almost-frames.ts';
import { Choices } from './choices.ts';
import { frameStreams } from './corpora.ts';
import { encodeFrames } from './encoded-frames.ts';
import { FoldingSink } from './folding-sink.ts';
import { controlBytes } from './fuzz-input.ts';
import type { FuzzInput } from './fuzz-input.ts';
import { require } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import type { Random } from './random.ts';

/** Bits of the control. The four above them choose how to split, the rest are dice for it. */
const Control = { preface: 0x01, smallFrames: 0x02, stops: 0x04, encoded: 0x08 } as const;
const smallFrameBytes = 64;
/** Long seeds are cut: most of what can go wrong does within a few frames. */
const seedBytesMax = 4_096;
const someStreams = { first: 0, count: 4 };

export class FramesTarget implements FuzzTarget {
  readonly #seeds: readonly Buffer[] = frameStreams();
  readonly #whole = new FoldingSink();
  readonly #split = new FoldingSink();
  readonly #expected = new FoldingSink();
  readonly #choices = new Choices();
  readonly #chunk: Buffer = Buffer.alloc(1 << 17);
  /** The start of the chunk, by length: a view a piece would cost more than parsing it. */
  readonly #views: readonly Buffer[] = Array.from({ length: 256 }, (_, length) => this.#chunk.subarray(0, length));
  readonly #encoded: Buffer = Buffer.alloc(1 << 17);
  #calls = 0;
  #faults = 0;

  generate(random: Random, input: FuzzInput): void {
    let control = random.next() & ~0x0f;
    if (random.once(8)) control |= Control.preface;
    if (random.once(16)) control |= Control.smallFrames;
    if (random.once(16)) control |= Control.stops;
    if (random.once(6)) control |= Control.encoded;
    input.begin(control);
    if ((control & Control.encoded) !== 0) return input.putRandom(random, 10 + random.below(100));
    if ((control & Control.preface) !== 0) input.putBytes(clientPreface, 0, clientPreface.length);

    const seed = this.#seeds.length === 0 ? null : random.pick(this.#seeds);
    switch (random.below(10)) {
      case 0:
        input.putRandom(random, random.below(60));
        break;
      case 1:
      case 2:
      case 3:
        if (seed !== null) putSeed(random, input, seed);
        break;
      default:
        for (let count = 1 + random.below(5); count > 0; count--) putFrame(random, input, someStreams, 30);
    }
    if (!random.once(3)) input.mutate(random, controlBytes, seed ?? clientPreface);
  }

  run(bytes: Buffer, end: number): number {
    if (end < controlBytes) return 1;
    const control = bytes.readUInt32BE(0);
    if ((control & Control.encoded) === 0) {
      this.#parseTwice(bytes, controlBytes, end, control);
      return 1;
    }
    this.#choices.begin(bytes, controlBytes, end);
    this.#expected.begin(null, 0);
    const encodedEnd = encodeFrames(this.#choices, this.#encoded, this.#expected);
    this.#parseTwice(this.#encoded, 0, encodedEnd, control & ~0x07);
    require(this.#whole.calls === this.#expected.calls, 'fewer or more calls than frames were encoded');
    require(this.#whole.hash === this.#expected.hash, 'other calls than the frames that were encoded');
    return 1;
  }

  reached(): string {
    return `${this.#calls} calls, ${this.#faults} streams ended by a fault, ${this.#seeds.length} seeds`;
  }

  close(): void {
    // Nothing was started.
  }

  #parseTwice(bytes: Buffer, start: number, end: number, control: number): void {
    const frameBytesMax = (control & Control.smallFrames) === 0 ? frameBytesDefault : smallFrameBytes;
    const options = { frameBytesMax, expectPreface: (control & Control.preface) !== 0 };
    const stopAt = (control & Control.stops) === 0 ? 0 : 1 + ((control >>> 28) & 7);
    const bufferedMax = frameBytesMax + frameHeaderBytes;

    const whole = this.#whole;
    const parser = new FrameParser(whole, options);
    whole.begin(parser, stopAt);
    parser.receive(this.#copy(bytes, start, end));
    const bufferedBytes = parser.bufferedBytes;
    require(bufferedBytes <= bufferedMax, 'more than a frame is held');
    if (whole.isDead) require(bufferedBytes === 0, 'a dead parser holds octets');

    const split = this.#split;
    const splitParser = new FrameParser(split, options);
    split.begin(splitParser, stopAt);
    let dice = control;
    const sizeMax = pieceBytesMax((control >>> 4) & 0x0f, end - start);
    for (let at = start; at < end;) {
      dice = Math.imul(dice, 1_664_525) + 1_013_904_223;
      const next = Math.min(end, at + 1 + ((dice >>> 8) % sizeMax));
      splitParser.receive(this.#copy(bytes, at, next));
      require(splitParser.bufferedBytes <= bufferedMax, 'more than a frame is held');
      at = next;
    }
    // Whoever kept a view of a chunk shows it now.
    require(split.calls === whole.calls, 'fewer or more calls when split');
    require(split.hash === whole.hash, 'other calls when split');
    require(splitParser.bufferedBytes === bufferedBytes, 'other octets held when split');
    this.#calls += whole.calls;
    if (whole.isDead) this.#faults += 1;
  }

  /** Always into the same memory: what came before is overwritten. */
  #copy(bytes: Buffer, start: number, end: number): Buffer {
    const length = end - start;
    if (length >= this.#views.length) {
      bytes.copy(this.#chunk, 0, start, end);
      return this.#chunk.subarray(0, length);
    }
    const view = this.#views[length];
    for (let at = 0; at < length; at++) view[at] = bytes[start + at];
    return view;
  }
}

/** Single octets now and then, a few octets, or a few pieces of the whole. */
function pieceBytesMax(dice: number, length: number): number {
  if (dice === 0) return length > 64 ? 16 : 1;
  return dice < 5 ? 24 : Math.max(1, length);
}

/** From the start of one of its frames on, as a rule a few of them. */
function putSeed(random: Random, input: FuzzInput, seed: Buffer): void {
  const isClient = seed.length > clientPreface.length && seed[0] === clientPreface[0] && seed[1] === clientPreface[1];
  let at = isClient ? clientPreface.length : 0;
  for (let skip = random.below(6); skip > 0 && at + frameHeaderBytes < seed.length; skip--) {
    const next = at + frameHeaderBytes + seed.readUIntBE(at, 3);
    if (next >= seed.length) break;
    at = next;
  }
  const bytesMax = random.once(32) ? seedBytesMax : 200;
  input.putBytes(seed, at, Math.min(seed.length, at + bytesMax));
}
