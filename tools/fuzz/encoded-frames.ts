// Random frames written by every encoder, and told to a sink as the parser must tell them.
import {
  FrameFlag,
  encodeContinuation,
  encodeData,
  encodeFrameHeader,
  encodeGoAway,
  encodeHeaders,
  encodePaddedData,
  encodePaddedHeaders,
  encodePing,
  encodePriority,
  encodePushPromise,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  SettingId,
} from '../../packages/frames/src/index.ts';
import type { FrameSink } from '../../packages/frames/src/index.ts';
import type { Choices } from './choices.ts';

const { endHeaders, endStream } = FrameFlag;
/** Where payloads come from: every octet, and again, so that a view of 255 begins anywhere. */
const source: Buffer = Buffer.from(Array.from({ length: 1_024 }, (_, at) => (at * 7) & 0xff));
const framesMax = 12;

/** Returns the position after the last frame. */
export function encodeFrames(choices: Choices, target: Buffer, expected: FrameSink): number {
  let at = 0;
  for (let count = 0; count < framesMax && !choices.isSpent; count++) at = encodeOne(choices, target, at, expected);
  return at;
}

function encodeOne(choices: Choices, target: Buffer, at: number, expected: FrameSink): number {
  const kind = choices.next8() % 13;
  const id = 1 + (choices.next32() % 0x7ffffffe);
  const flags = choices.next8();
  const start = choices.next8();
  const end = start + choices.next8();
  const isEnd = (flags & endStream) !== 0;
  const isWhole = (flags & endHeaders) !== 0;
  switch (kind) {
    case 0:
      expected.onData(id, source, start, end, end - start, isEnd);
      return encodeData(target, at, id, source, start, end, isEnd);
    case 1:
      expected.onData(id, source, start, end, end - start + 1 + flags, isEnd);
      return encodePaddedData(target, at, id, source, start, end, isEnd, flags);
    case 2:
      expected.onHeaders(id, source, start, end, isWhole, isEnd);
      at = encodeHeaders(target, at, id, source, start, end, flags & (endHeaders | endStream));
      return isWhole ? at : encodeRest(choices, target, at, expected, id);
    case 3: {
      expected.onHeaders(id, source, start, end, isWhole, isEnd);
      const padding = (flags & 0x10) === 0 ? null : flags;
      const priority = (flags & 0x20) === 0 ? null : source.subarray(0, 5);
      const bits = flags & (endHeaders | endStream);
      at = encodePaddedHeaders(target, at, id, source, start, end, bits, padding, priority);
      return isWhole ? at : encodeRest(choices, target, at, expected, id);
    }
    case 4: {
      const promisedId = id & 0x7ffffffe || 2;
      expected.onPushPromise(id, promisedId, source, start, end, isWhole);
      const padding = (flags & 0x10) === 0 ? null : flags;
      at = encodePushPromise(target, at, id, promisedId, source, start, end, flags & endHeaders, padding);
      return isWhole ? at : encodeRest(choices, target, at, expected, id);
    }
    case 5:
      expected.onPriority(id);
      return encodePriority(target, at, id, end, isEnd, start);
    case 6:
      expected.onRstStream(id, start);
      return encodeRstStream(target, at, id, start);
    case 7:
      return encodeSomeSettings(choices, target, at, expected, flags % 5);
    case 8:
      expected.onSettingsAck();
      return encodeSettingsAck(target, at);
    case 9:
      expected.onPing(isEnd, source, start);
      return encodePing(target, at, isEnd, source, start);
    case 10: {
      const debug = isEnd ? source.subarray(start, end) : undefined;
      expected.onGoAway(id, end * 0x10001, source, start, isEnd ? end : start);
      return encodeGoAway(target, at, id, end * 0x10001, debug);
    }
    case 11: {
      const increment = 1 + (choices.next32() % 0x7fffffff);
      const streamId = isEnd ? 0 : id;
      expected.onWindowUpdate(streamId, increment);
      return encodeWindowUpdate(target, at, streamId, increment);
    }
    default: {
      const type = 10 + (start % 246);
      expected.onUnknown(type, flags, id, end - start);
      const payloadAt = encodeFrameHeader(target, at, end - start, type, flags, id);
      source.copy(target, payloadAt, start, end);
      return payloadAt + end - start;
    }
  }
}

/** CONTINUATIONs until the field block ends. */
function encodeRest(choices: Choices, target: Buffer, at: number, expected: FrameSink, id: number): number {
  for (;;) {
    const start = choices.next8();
    const end = start + choices.next8();
    const isLast = choices.isSpent || (start & 1) === 0;
    expected.onContinuation(id, source, start, end, isLast);
    at = encodeContinuation(target, at, id, source, start, end, isLast ? endHeaders : 0);
    if (isLast) return at;
  }
}

function encodeSomeSettings(choices: Choices, target: Buffer, at: number, expected: FrameSink, count: number): number {
  const settings: [number, number][] = [];
  for (let each = 0; each < count; each++) settings.push(validSetting(choices.next16(), choices.next32()));
  expected.onSettingsStart(count);
  for (const [id, value] of settings) expected.onSetting(id, value);
  expected.onSettingsEnd();
  return encodeSettings(target, at, settings);
}

/** RFC 9113 §6.5.2: three of them have bounds. */
function validSetting(id: number, value: number): [number, number] {
  const short = (id & 1) === 0 ? (id >>> 1) % 8 : id;
  if (short === SettingId.enablePush) return [short, value & 1];
  if (short === SettingId.initialWindowSize) return [short, value & 0x7fffffff];
  if (short === SettingId.maxFrameSize) return [short, 16_384 + (value % (0xffffff - 16_383))];
  return [short, value];
}
