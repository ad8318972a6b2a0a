// Frames that are nearly right, as a gateway's side would send them: the right shape with wrong numbers, or the wrong
// shape with right ones. Seeds for the parser and for the session.
import { FrameFlag, FrameType, SettingId } from '../../packages/frames/src/index.ts';
import type { FuzzInput } from './fuzz-input.ts';
import type { Random } from './random.ts';

const { ack, endStream, endHeaders, padded, priority } = FrameFlag;
const lengths = [0, 1, 4, 5, 8, 9, 100, 255, 16_384, 16_385, 0xffffff];
const settingValues = [
  0, 1, 2, 10, 100, 1_000, 4_096, 16_384, 65_535, 65_536, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000,
];
const goodSettingValues = [0, 1, 2, 10, 50, 100, 1_000, 4_096, 65_535, 1_000_000];
const increments = [0, 1, 100, 1_000, 65_535, 0x7fff0000, 0x7fffffff];
const statuses = ['200', '400', '403', '410', '429', '500', '503', '100', '101', '103', '099', '20', '2000', 'abc', ''];
const names = [
  'apns-id',
  'content-length',
  'retry-after',
  'te',
  'connection',
  'date',
  'x',
  'Upper',
  ':path',
  ':x',
  'a b',
];
const values = [
  '',
  '0',
  '10',
  '25',
  '8f14e45f-ceea-467a-9575-000000000001',
  ' x',
  'x\n',
  '\0',
  '99999999999999999999',
  'é',
];
const goAwayTexts = [
  '',
  '{"reason":"BadCertificate","timestamp":1}',
  '{"reason":5}',
  '{',
  '{"reason":"\\u0000\\ud800"}',
  '\xff\xfe',
];

/** Streams that are likely to be open: `count` of them, the first with id 2·`first`+1. */
export interface LikelyStreams {
  first: number;
  count: number;
}

/**
 * What ends a connection comes once in `wrongOnce` frames and fields, or a little more often: a session lives long on
 * the kind of gateway that is rarely wrong.
 */
export function putFrame(random: Random, input: FuzzInput, streams: LikelyStreams, wrongOnce: number): void {
  const headerAt = input.length;
  input.put24(0);
  const type = random.once(wrongOnce)
    ? random.pick(strangeKinds)
    : random.pick(streams.count === 0 ? kindsWithoutStream : kinds);
  input.put8(type);
  input.put8(0);
  input.put32(streamIdFor(random, type, streams, wrongOnce));
  const flags = putPayload(random, input, type, wrongOnce);
  const length = random.once(wrongOnce) ? random.pick(lengths) : input.length - headerAt - 9;
  input.bytes[headerAt] = length >>> 16;
  input.bytes[headerAt + 1] = length >>> 8;
  input.bytes[headerAt + 2] = length;
  input.bytes[headerAt + 4] = random.once(wrongOnce) ? random.below(256) : flags;
}

/** What a connection is made of, by how often it comes. */
const kinds: readonly number[] = [
  ...Array.from({ length: 8 }, () => FrameType.headers),
  ...Array.from({ length: 6 }, () => FrameType.data),
  ...Array.from({ length: 5 }, () => FrameType.windowUpdate),
  ...Array.from({ length: 3 }, () => FrameType.settings),
  ...[FrameType.rstStream, FrameType.rstStream, FrameType.ping, FrameType.ping, FrameType.priority],
  ...[10, 0xfa],
];
/** What comes rarely, or must never come. */
const strangeKinds: readonly number[] = [
  FrameType.goAway,
  FrameType.goAway,
  FrameType.continuation,
  FrameType.pushPromise,
  0x80,
];

/** What needs no stream. */
const kindsWithoutStream: readonly number[] = [FrameType.settings, FrameType.ping, FrameType.windowUpdate, 10];

function streamIdFor(random: Random, type: number, { first, count }: LikelyStreams, wrongOnce: number): number {
  if (random.once(wrongOnce)) return random.pick([0, 1, 2, 0x7fffffff, 0x80000001, 0xffffffff, random.next()]);
  const isOfConnection = type === FrameType.settings || type === FrameType.ping || type === FrameType.goAway;
  if (isOfConnection || count === 0 || (type === FrameType.windowUpdate && random.once(2))) return 0;
  return 2 * (first + random.below(count)) + 1;
}

/** Returns the flags that fit. */
function putPayload(random: Random, input: FuzzInput, type: number, wrongOnce: number): number {
  switch (type) {
    case FrameType.data:
      return putPadded(random, input, wrongOnce, () => {
        input.putRandom(random, random.once(8) ? random.below(300) : random.below(30));
        return random.once(2) ? endStream : 0;
      });
    case FrameType.headers:
      return putPadded(random, input, wrongOnce, () => {
        const isPrioritised = random.once(20);
        if (isPrioritised) input.putRandom(random, 5);
        putBlock(random, input, wrongOnce);
        return (
          (random.once(2 * wrongOnce) ? 0 : endHeaders) |
          (random.once(3) ? 0 : endStream) |
          (isPrioritised ? priority : 0)
        );
      });
    case FrameType.continuation:
      putBlock(random, input, wrongOnce);
      return random.once(3) ? 0 : endHeaders;
    case FrameType.pushPromise:
      input.put32(2 * random.below(5));
      putBlock(random, input, wrongOnce);
      return endHeaders;
    case FrameType.priority:
      input.putRandom(random, 5);
      return 0;
    case FrameType.rstStream:
      input.put32(random.below(16));
      return 0;
    case FrameType.settings:
      if (random.once(3)) return ack;
      putSettings(random, input, wrongOnce);
      return 0;
    case FrameType.ping:
      input.putRandom(random, 4);
      input.put32(random.below(3));
      return random.once(2) ? ack : 0;
    case FrameType.goAway:
      input.put32(random.once(2) ? 0x7fffffff : random.below(12));
      input.put32(random.below(16));
      input.putText(random.pick(goAwayTexts));
      return 0;
    case FrameType.windowUpdate:
      // Stream windows overflow soon enough; the connection's ends with it.
      input.put32(random.once(wrongOnce) ? random.pick(increments) : 1 + random.below(5_000));
      return 0;
    default:
      input.putRandom(random, random.below(20));
      return random.below(256);
  }
}

function putPadded(random: Random, input: FuzzInput, wrongOnce: number, putBody: () => number): number {
  if (!random.once(12)) return putBody();
  const padding = random.once(3) ? random.below(256) : random.below(8);
  input.put8(padding);
  const flags = putBody();
  for (let put = random.once(wrongOnce) ? random.below(4) : padding; put > 0; put--) input.put8(0);
  return flags | padded;
}

function putSettings(random: Random, input: FuzzInput, wrongOnce: number): void {
  for (let count = random.below(4); count > 0; count--) {
    const id = random.once(10) ? random.below(0x10000) : 1 + random.below(SettingId.maxHeaderListSize);
    input.put16(id);
    if (random.once(wrongOnce)) input.put32(random.pick(settingValues));
    else if (id === SettingId.enablePush) input.put32(0);
    else if (id === SettingId.maxFrameSize) input.put32(16_384 + random.below(0xff0000));
    else input.put32(random.pick(goodSettingValues));
  }
}

/** A field block as a reply has it, or nearly. Literals, so that a block means the same wherever it stands. */
export function putBlock(random: Random, input: FuzzInput, wrongOnce: number): void {
  if (random.once(wrongOnce)) return input.putRandom(random, random.below(20));
  // Static entries 8 … 14 are the statuses; 8 is 200, 12 is 400.
  if (random.once(6)) putLiteral(random, input, 8, '', random.pick(statuses), wrongOnce);
  else input.put8(random.once(4) ? 0x8c : 0x88);
  while (random.once(2)) {
    const index = random.once(wrongOnce) ? random.below(80) : 15 + random.below(47);
    if (random.once(4)) input.put8(0x80 | index);
    else if (random.once(3)) putLiteral(random, input, index, '', random.pick(values), wrongOnce);
    else putLiteral(random, input, 0, random.pick(names), random.pick(values), wrongOnce);
  }
}

function putLiteral(
  random: Random,
  input: FuzzInput,
  index: number,
  name: string,
  value: string,
  wrongOnce: number,
): void {
  const kind = random.pick([0x40, 0x00, 0x10]);
  const indexMax = kind === 0x40 ? 0x3f : 0x0f;
  if (index < indexMax) {
    input.put8(kind | index);
  } else {
    input.put8(kind | indexMax);
    input.put8(index - indexMax);
  }
  if (index === 0) putString(random, input, name, wrongOnce);
  putString(random, input, value, wrongOnce);
}

function putString(random: Random, input: FuzzInput, text: string, wrongOnce: number): void {
  const length = random.once(2 * wrongOnce) ? random.below(256) : text.length;
  input.put8(length);
  input.putText(text);
}
