// Session: whatever the gateway sends and the owner does, it keeps its promises; session-run.ts lists them.
//
// An execution is one step: a chunk received, or an act of the owner. A case is the life of one session.
import { FrameType, clientPreface } from '../../packages/frames/src/index.ts';
import { putFrame } from './almost-frames.ts';
import type { LikelyStreams } from './almost-frames.ts';
import { Choices } from './choices.ts';
import { frameStreams } from './corpora.ts';
import { controlBytes } from './fuzz-input.ts';
import type { FuzzInput } from './fuzz-input.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import type { Random } from './random.ts';
import { Act, AuditedOutbox, SessionControl, SessionRun, streamsMaxOf } from './session-run.ts';
import type { SessionTally } from './session-run.ts';

const goodSettings = Buffer.from('000012040000000000000300000064000400010000000100001000', 'hex');
const settingsAck = Buffer.from('000000040100000000', 'hex');
/** HEADERS of stream 1 with `:status: 200`; and 400 with the JSON body that follows. */
const goodReply = Buffer.from('00000101050000000188', 'hex');
const badReply = Buffer.from(
  `0000010104000000018c000019000100000001${Buffer.from('{"reason":"BadMessageId"}').toString('hex')}`,
  'hex',
);
const seedBytesMax = 600;

export class SessionTarget implements FuzzTarget {
  /** What clients sent is frames all the same, without its preface. */
  readonly #seeds: readonly Buffer[] = frameStreams().map((stream) =>
    stream.subarray(0, clientPreface.length).equals(clientPreface) ? stream.subarray(clientPreface.length) : stream,
  );
  /** Of the case being written, if all went well. */
  #likely: LikelyStreams = { first: 0, count: 0 };
  #streamsMax = 1;
  readonly #choices = new Choices();
  readonly #outbox = new AuditedOutbox();
  readonly #tally: SessionTally = { opened: 0, replies: 0, failures: 0, frames: 0, closures: {} };

  generate(random: Random, input: FuzzInput): void {
    const control = controlFor(random);
    input.begin(control);
    this.#likely = { first: 0, count: 0 };
    this.#streamsMax = streamsMaxOf(control);
    const isGreeted = !random.once(20);
    if (isGreeted) {
      putChunk(input, () => {
        if (random.once(2)) input.putBytes(goodSettings, 0, goodSettings.length);
        else input.putBytes(settingsWithNothing, 0, settingsWithNothing.length);
        input.putBytes(settingsAck, 0, settingsAck.length);
      });
    }
    for (let count = 4 + random.below(random.once(8) ? 120 : 30); count > 0; count--) this.#putStep(random, input);
    if (random.once(8)) input.mutate(random, controlBytes, goodSettings);
  }

  run(bytes: Buffer, end: number): number {
    if (end < controlBytes) return 1;
    this.#choices.begin(bytes, controlBytes, end);
    return new SessionRun(this.#choices, bytes.readUInt32BE(0), this.#outbox, this.#tally).run(bytes.subarray(0, end));
  }

  close(): void {
    // Nothing was started.
  }

  reached(): string {
    const { opened, replies, failures, frames, closures } = this.#tally;
    const ends = Object.entries(closures).map(([kind, count]) => `${kind} ${count}`);
    return `${opened} streams, ${replies} replies, ${failures} failures, ${frames} frames audited; closed: ${ends.join(', ')}`;
  }

  #putStep(random: Random, input: FuzzInput): void {
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const more = random.below(random.once(20) ? 16 : 4);
        this.#likely.count = Math.min(this.#streamsMax, this.#likely.count + 1 + (more & 7));
        input.put8(Act.open | (more << 4));
        return input.put16(random.once(3) ? random.below(2_000) : random.below(60));
      }
      case 4:
        input.put8(Act.tick | (random.below(16) << 4));
        return input.put16(random.next() >>> (16 + random.below(14)));
      case 5:
        return input.put8(Act.wake);
      case 6:
        return input.put8(Act.cancel | (random.below(16) << 4));
      case 7:
        return input.put8(Act.take);
      case 8: {
        const act = random.pick([Act.ping, Act.ask, Act.take, Act.end]);
        // Ends are rare among them, for nothing follows.
        const more = act === Act.end && !random.once(10) ? 3 : random.below(4);
        return input.put8(act | (more << 4));
      }
      default:
        putChunk(input, () => this.#putServerBytes(random, input));
    }
  }

  #putServerBytes(random: Random, input: FuzzInput): void {
    if (this.#likely.count > 0 && random.once(3)) return putReply(random, input, this.#likely);
    if (this.#seeds.length > 0 && random.once(100)) {
      const seed = random.pick(this.#seeds);
      const start = random.once(4) ? random.below(seed.length) : 0;
      return input.putBytes(seed, start, Math.min(seed.length, start + seedBytesMax));
    }
    for (let count = 1 + random.below(3); count > 0; count--) putFrame(random, input, this.#likely, 250);
    // Torn: the rest comes with the next chunk, or never.
    if (random.once(100)) input.length -= random.below(Math.min(12, input.length - controlBytes));
  }
}

const settingsWithNothing = Buffer.from([0, 0, 0, FrameType.settings, 0, 0, 0, 0, 0]);

function controlFor(random: Random): number {
  let control = random.next() & ~0x3f;
  if (random.once(5)) control |= SessionControl.probing;
  if (random.once(3)) control |= SessionControl.reentrant;
  if (random.once(4)) control |= SessionControl.tight;
  if (random.once(16)) control |= SessionControl.oldIds;
  if (random.once(8)) control |= SessionControl.smallTable;
  if (random.once(2)) control |= SessionControl.untilTheEnd;
  return control;
}

/** A step `receive` with what `putBytes` writes. */
function putChunk(input: FuzzInput, putBytes: () => void): void {
  const headAt = input.length;
  input.put8(Act.receive);
  input.put16(0);
  putBytes();
  if (input.length >= headAt + 3) input.bytes.writeUInt16BE(input.length - headAt - 3, headAt + 1);
}

/** A good answer to the oldest request, or now and then to a younger one. */
function putReply(random: Random, input: FuzzInput, likely: LikelyStreams): void {
  const reply = random.once(3) ? badReply : goodReply;
  const start = input.length;
  input.putBytes(reply, 0, reply.length);
  if (input.length - start < reply.length) return;
  const index = random.once(30) ? random.below(likely.count) : 0;
  const id = 2 * (likely.first + index) + 1;
  input.bytes.writeUInt32BE(id, start + 5);
  if (reply === badReply) input.bytes.writeUInt32BE(id, start + 15);
  if (index > 0) return;
  likely.first += 1;
  likely.count -= 1;
}
