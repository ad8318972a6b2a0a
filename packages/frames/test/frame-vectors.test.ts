// The frame vectors of hyperframe and http2jp: what is good is parsed to its fields and encoded back to its octets,
// what is bad is refused; each of them whole, octet by octet and split at every point.
import {
  ErrorCode,
  FrameFlag,
  FrameType,
  encodeContinuation,
  encodeData,
  encodeGoAway,
  encodeHeaders,
  encodePaddedData,
  encodePaddedHeaders,
  encodePing,
  encodePushPromise,
  encodeRstStream,
  encodeSettings,
  encodeWindowUpdate,
} from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { hasVectors, readVectors } from './conformance.ts';
import { parseByteByByte, parseSplitAt, parseWhole } from './parse.ts';

interface HyperframeVector {
  readonly id: string;
  readonly wire: string;
  readonly type: number;
  readonly flags: number;
  readonly stream_id: number;
  readonly data?: string;
  readonly dataRepeat?: readonly [hex: string, count: number] | null;
  readonly flow_controlled_length?: number;
  readonly fragment?: string;
  readonly pad_length?: number | null;
  readonly priority?: { readonly depends_on: number; readonly weight_byte: number; readonly exclusive: boolean } | null;
  readonly error_code?: number;
  readonly settings?: readonly (readonly [id: number, value: number])[];
  readonly opaque?: string;
  readonly last_stream_id?: number;
  readonly debug?: string;
  readonly increment?: number;
  readonly promised_stream_id?: number;
}

interface HyperframeNegative {
  readonly id: string;
  readonly wire: string;
}

interface JapaneseVector {
  readonly id: string;
  readonly wire: string;
  /** Codes of which one is right; null when the frame is good. */
  readonly error: readonly number[] | null;
  readonly frame: {
    readonly type: number;
    readonly flags: number;
    readonly stream_identifier: number;
    readonly frame_payload: {
      readonly header_block_fragment?: string;
      readonly data?: string;
      readonly padding?: string | null;
      readonly padding_length?: number | null;
      readonly opaque_data?: string;
      readonly promised_stream_id?: number;
      readonly settings?: readonly (readonly [id: number, value: number])[];
    };
  } | null;
}

/** What every good vector says of its frame, whoever made it. */
interface GoodFrame {
  readonly id: string;
  readonly wire: Buffer;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Body, fragment or debug data. */
  readonly body: Buffer;
  readonly paddingBytes: number | null;
  /** Padding need not be zeros: then only the octets before it are compared. */
  readonly isPaddingZero: boolean;
  readonly numbers: {
    readonly errorCode?: number;
    readonly lastStreamId?: number;
    readonly increment?: number;
    readonly promisedId?: number;
    readonly settings?: readonly (readonly [id: number, value: number])[];
    readonly priority?: Buffer | null;
  };
}

function readGoodFrames(): GoodFrame[] {
  const frames = readVectors<HyperframeVector[]>('h2-frames/hyperframe.json').map(fromHyperframe);
  for (const vector of readVectors<JapaneseVector[]>('h2-frames/http2jp-frames.json')) {
    if (vector.frame !== null) frames.push(fromJapanese(vector, vector.frame));
  }
  return frames;
}

function fromHyperframe(vector: HyperframeVector): GoodFrame {
  const repeated = vector.dataRepeat ? Buffer.from(vector.dataRepeat[0].repeat(vector.dataRepeat[1]), 'hex') : null;
  const hex = vector.data ?? vector.fragment ?? vector.opaque ?? vector.debug ?? '';
  let priority: Buffer | null = null;
  if (vector.priority) {
    priority = Buffer.alloc(5);
    priority.writeUInt32BE((vector.priority.depends_on | (vector.priority.exclusive ? 0x8000_0000 : 0)) >>> 0);
    priority[4] = vector.priority.weight_byte;
  }
  return {
    id: vector.id,
    wire: Buffer.from(vector.wire, 'hex'),
    type: vector.type,
    flags: vector.flags,
    streamId: vector.stream_id,
    body: repeated ?? Buffer.from(hex, 'hex'),
    paddingBytes: vector.pad_length ?? null,
    isPaddingZero: true,
    numbers: {
      priority,
      ...(vector.error_code === undefined ? {} : { errorCode: vector.error_code }),
      ...(vector.last_stream_id === undefined ? {} : { lastStreamId: vector.last_stream_id }),
      ...(vector.increment === undefined ? {} : { increment: vector.increment }),
      ...(vector.promised_stream_id === undefined ? {} : { promisedId: vector.promised_stream_id }),
      ...(vector.settings === undefined ? {} : { settings: vector.settings }),
    },
  };
}

function fromJapanese(vector: JapaneseVector, frame: NonNullable<JapaneseVector['frame']>): GoodFrame {
  const payload = frame.frame_payload;
  const body = payload.data ?? payload.header_block_fragment ?? payload.opaque_data ?? '';
  return {
    id: vector.id,
    wire: Buffer.from(vector.wire, 'hex'),
    type: frame.type,
    flags: frame.flags,
    streamId: frame.stream_identifier,
    body: Buffer.from(body, 'latin1'),
    // http2jp counts the pad length octet's value in `padding_length`.
    paddingBytes: payload.padding_length ?? null,
    isPaddingZero: payload.padding_length === undefined || payload.padding_length === null,
    numbers: {
      ...(payload.promised_stream_id === undefined ? {} : { promisedId: payload.promised_stream_id }),
      ...(payload.settings === undefined ? {} : { settings: payload.settings }),
    },
  };
}

function expectedCalls(frame: GoodFrame): string[] {
  const { streamId, flags, numbers } = frame;
  const body = frame.body.toString('latin1');
  const isEnd = (flags & FrameFlag.endStream) !== 0;
  const isEndHeaders = (flags & FrameFlag.endHeaders) !== 0;
  switch (frame.type) {
    case FrameType.data:
      return [`data ${streamId} flow=${frame.wire.length - 9} end=${isEnd} ${body}`];
    case FrameType.headers:
      return [`headers ${streamId} endHeaders=${isEndHeaders} end=${isEnd} ${body}`];
    case FrameType.rstStream:
      return [`rstStream ${streamId} ${numbers.errorCode}`];
    case FrameType.settings: {
      const settings = numbers.settings ?? [];
      return [
        `settings ${settings.length}`,
        ...settings.map(([id, value]) => `setting ${id}=${value}`),
        'settings end',
      ];
    }
    case FrameType.pushPromise:
      return [`pushPromise ${streamId} of ${numbers.promisedId} endHeaders=${isEndHeaders} ${body}`];
    case FrameType.ping:
      return [`ping ack=${isEnd} ${body}`];
    case FrameType.goAway:
      return [`goAway last=${numbers.lastStreamId} code=${numbers.errorCode} ${body}`];
    case FrameType.windowUpdate:
      return [`windowUpdate ${streamId} +${numbers.increment}`];
    case FrameType.continuation:
      return [`continuation ${streamId} endHeaders=${isEndHeaders} ${body}`];
    default:
      throw new Error(`${frame.id} has a type that no vector had`);
  }
}

function encodeFrame(frame: GoodFrame, target: Buffer): number {
  const { streamId, body, numbers, paddingBytes } = frame;
  const isEnd = (frame.flags & FrameFlag.endStream) !== 0;
  const flags = frame.flags & (FrameFlag.endStream | FrameFlag.endHeaders);
  switch (frame.type) {
    case FrameType.data:
      return paddingBytes === null
        ? encodeData(target, 0, streamId, body, 0, body.length, isEnd)
        : encodePaddedData(target, 0, streamId, body, 0, body.length, isEnd, paddingBytes);
    case FrameType.headers: {
      const priority = numbers.priority ?? null;
      return paddingBytes === null && priority === null
        ? encodeHeaders(target, 0, streamId, body, 0, body.length, flags)
        : encodePaddedHeaders(target, 0, streamId, body, 0, body.length, flags, paddingBytes, priority);
    }
    case FrameType.rstStream:
      return encodeRstStream(target, 0, streamId, numbers.errorCode ?? 0);
    case FrameType.settings:
      return encodeSettings(target, 0, numbers.settings ?? []);
    case FrameType.pushPromise:
      return encodePushPromise(target, 0, streamId, numbers.promisedId ?? 0, body, 0, body.length, flags, paddingBytes);
    case FrameType.ping:
      return encodePing(target, 0, isEnd, body, 0);
    case FrameType.goAway:
      return encodeGoAway(target, 0, numbers.lastStreamId ?? 0, numbers.errorCode ?? 0, body);
    case FrameType.windowUpdate:
      return encodeWindowUpdate(target, 0, streamId, numbers.increment ?? 0);
    default:
      return encodeContinuation(target, 0, streamId, body, 0, body.length, flags);
  }
}

/** A CONTINUATION is only legal behind the HEADERS it continues. */
function leadIn(frame: GoodFrame): Buffer {
  if (frame.type !== FrameType.continuation) return Buffer.alloc(0);
  const headers = Buffer.alloc(9);
  encodeHeaders(headers, 0, frame.streamId, headers, 0, 0, 0);
  return headers;
}

/** The calls for `bytes`, which must be the same for every way to cut them. */
function parseEveryWay(bytes: Buffer): { calls: readonly string[]; codes: number[]; held: number; parses: number } {
  const whole = parseWhole(bytes);
  const held = whole.parser.bufferedBytes;
  const single = parseByteByByte(bytes);
  expect(single.calls).toStrictEqual(whole.calls);
  expect(single.parser.bufferedBytes).toBe(held);
  for (let at = 1; at < bytes.length; at++) {
    const split = parseSplitAt(bytes, at);
    // toStrictEqual is slow on long strings; a hundred thousand splits are not.
    if (split.calls.join('\n') !== whole.calls.join('\n')) expect(split.calls, `split at ${at}`).toEqual(whole.calls);
    if (split.parser.bufferedBytes !== held) expect(split.parser.bufferedBytes, `split at ${at}`).toBe(held);
  }
  return { calls: whole.calls, codes: whole.sink.faults.map((fault) => fault.code), held, parses: bytes.length + 1 };
}

describe('FrameParser', () => {
  it('parses every good frame vector to its fields, however it is cut', { timeout: 120_000 }, () => {
    if (!hasVectors('h2-frames')) return;
    const frames = readGoodFrames();
    let parses = 0;
    for (const frame of frames) {
      const lead = leadIn(frame);
      const parse = parseEveryWay(Buffer.concat([lead, frame.wire]));
      expect(parse.calls.slice(lead.length / 9), frame.id).toStrictEqual(expectedCalls(frame));
      expect(parse.held, frame.id).toBe(0);
      parses += parse.parses;
    }
    console.log(`frames: checked ${frames.length} good frame vectors at every split (${parses} parses)`);
    // 109 of hyperframe and 6 of http2jp's 17: the other 11 are to be refused.
    expect(frames.length).toBe(109 + 6);
  });

  it('refuses every bad frame vector, however it is cut', { timeout: 120_000 }, () => {
    if (!hasVectors('h2-frames')) return;
    let parses = 0;
    let truncated = 0;
    const negatives = readVectors<HyperframeNegative[]>('h2-frames/hyperframe-negative.json');
    for (const { id, wire } of negatives) {
      const bytes = Buffer.from(wire, 'hex');
      const parse = parseEveryWay(bytes);
      parses += parse.parses;
      const isTruncated = bytes.length - 9 < ((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
      if (isTruncated && parse.codes.length === 0) {
        // A stream has no end that the parser could see: it waits for the rest and reports nothing.
        expect(parse.calls, id).toStrictEqual([]);
        expect(parse.held, id).toBe(bytes.length);
        truncated++;
      } else {
        expect(parse.codes, id).toHaveLength(1);
        expect(parse.calls, id).toHaveLength(1);
      }
    }
    const japanese = readVectors<JapaneseVector[]>('h2-frames/http2jp-frames.json').filter(
      ({ error }) => error !== null,
    );
    for (const { id, wire, error } of japanese) {
      const parse = parseEveryWay(Buffer.from(wire, 'hex'));
      parses += parse.parses;
      expect(parse.calls, id).toHaveLength(1);
      expect(error, id).toContain(parse.codes[0]);
    }
    const count = negatives.length + japanese.length;
    console.log(
      `frames: checked ${count} frame vectors to refuse at every split (${parses} parses), ${truncated} of them cut short`,
    );
    expect(negatives.length).toBe(157);
    expect(japanese.length).toBe(11);
  });

  it('gives the code of RFC 9113 for wrong streams and wrong lengths', () => {
    if (!hasVectors('h2-frames')) return;
    for (const { id, wire } of readVectors<HyperframeNegative[]>('h2-frames/hyperframe-negative.json')) {
      const { codes } = parseEveryWay(Buffer.from(wire, 'hex'));
      const isOfStream = id.includes('/stream');
      if (isOfStream || id.includes('/short')) {
        expect(codes, id).toStrictEqual([isOfStream ? ErrorCode.protocolError : ErrorCode.frameSizeError]);
      }
    }
  });
});

describe('the frame encoders', () => {
  it('write every good frame vector octet by octet', () => {
    if (!hasVectors('h2-frames')) return;
    const target = Buffer.alloc(20_000, 0xee);
    const frames = readGoodFrames();
    for (const frame of frames) {
      const end = encodeFrame(frame, target);
      expect(end, frame.id).toBe(frame.wire.length);
      const compared = frame.isPaddingZero ? end : end - (frame.paddingBytes ?? 0);
      expect(target.toString('hex', 0, compared), frame.id).toBe(frame.wire.toString('hex', 0, compared));
    }
    console.log(`frames: encoded ${frames.length} frame vectors back to their octets`);
  });
});
