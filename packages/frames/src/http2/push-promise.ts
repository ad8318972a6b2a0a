// PUSH_PROMISE (RFC 9113 §6.6): [pad length] promised stream id, field block fragment [padding].
// A push service pushes through replies, never through this frame: it is parsed to be refused properly.
import { ErrorCode, FrameFlag, FrameType } from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint31, encodeFrameHeader, encodeUint32 } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

/** `flags`: `endHeaders` or 0; the flag for padding (`paddingBytes` 0 … 255, or null for none) is added here. */
export function encodePushPromise(
  target: Buffer,
  at: number,
  streamId: number,
  promisedId: number,
  block: Buffer,
  start: number,
  end: number,
  flags: number,
  paddingBytes: number | null = null,
): number {
  const length = 4 + end - start + (paddingBytes === null ? 0 : 1 + paddingBytes);
  const allFlags = flags | (paddingBytes === null ? 0 : FrameFlag.padded);
  let next = encodeFrameHeader(target, at, length, FrameType.pushPromise, allFlags, streamId);
  if (paddingBytes !== null) target[next++] = paddingBytes;
  next = encodeUint32(target, next, promisedId);
  next += block.copy(target, next, start, end);
  if (paddingBytes !== null) {
    target.fill(0, next, next + paddingBytes);
    next += paddingBytes;
  }
  return next;
}

export function checkPushPromise(streamId: number, flags: number, length: number): FrameFault | null {
  if (streamId === 0) return connectionFault(ErrorCode.protocolError, 0, 'PUSH_PROMISE on stream 0');
  if (length < ((flags & FrameFlag.padded) === 0 ? 4 : 5)) {
    return connectionFault(ErrorCode.frameSizeError, streamId, 'PUSH_PROMISE too short for its promised stream');
  }
  return null;
}

export function decodePushPromise(
  sink: FrameSink,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): FrameFault | null {
  const isPadded = (flags & FrameFlag.padded) !== 0;
  const promisedAt = isPadded ? start + 1 : start;
  const blockEnd = isPadded ? end - bytes[start] : end;
  if (blockEnd < promisedAt + 4) {
    return connectionFault(ErrorCode.protocolError, streamId, 'PUSH_PROMISE padding is longer than its field block');
  }
  const promisedId = decodeUint31(bytes, promisedAt);
  // RFC 9113 §6.6 and §5.1.1: only servers promise streams, and theirs are even.
  if (promisedId === 0 || (promisedId & 1) !== 0) {
    return connectionFault(ErrorCode.protocolError, streamId, `PUSH_PROMISE of stream ${promisedId}`);
  }
  sink.onPushPromise(streamId, promisedId, bytes, promisedAt + 4, blockEnd, (flags & FrameFlag.endHeaders) !== 0);
  return null;
}
