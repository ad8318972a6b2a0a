// HEADERS (RFC 9113 §6.2): [pad length] [priority, 5 octets] field block fragment [padding].
import { ErrorCode, FrameFlag, FrameType } from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { encodeFrameHeader } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';
import { priorityBytes } from './priority.ts';

/** `flags`: any of `endStream` and `endHeaders`. */
export function encodeHeaders(
  target: Buffer,
  at: number,
  streamId: number,
  block: Buffer,
  start: number,
  end: number,
  flags: number,
): number {
  const length = end - start;
  const blockAt = encodeFrameHeader(target, at, length, FrameType.headers, flags, streamId);
  block.copy(target, blockAt, start, end);
  return blockAt + length;
}

/**
 * HEADERS with what a polite sender leaves out: padding (`paddingBytes` 0 … 255, or null for none) and the deprecated
 * priority (five octets, or null). The flags for both are added here.
 */
export function encodePaddedHeaders(
  target: Buffer,
  at: number,
  streamId: number,
  block: Buffer,
  start: number,
  end: number,
  flags: number,
  paddingBytes: number | null,
  priority: Buffer | null,
): number {
  const extraBytes = (paddingBytes === null ? 0 : 1 + paddingBytes) + (priority === null ? 0 : priorityBytes);
  const extraFlags = (paddingBytes === null ? 0 : FrameFlag.padded) | (priority === null ? 0 : FrameFlag.priority);
  const length = end - start + extraBytes;
  let next = encodeFrameHeader(target, at, length, FrameType.headers, flags | extraFlags, streamId);
  if (paddingBytes !== null) target[next++] = paddingBytes;
  if (priority !== null) next += priority.copy(target, next, 0, priorityBytes);
  next += block.copy(target, next, start, end);
  if (paddingBytes !== null) {
    target.fill(0, next, next + paddingBytes);
    next += paddingBytes;
  }
  return next;
}

export function checkHeaders(streamId: number, flags: number, length: number): FrameFault | null {
  if (streamId === 0) return connectionFault(ErrorCode.protocolError, 0, 'HEADERS on stream 0');
  const needed = ((flags & FrameFlag.padded) === 0 ? 0 : 1) + ((flags & FrameFlag.priority) === 0 ? 0 : priorityBytes);
  if (length < needed) {
    return connectionFault(ErrorCode.frameSizeError, streamId, 'HEADERS too short for what its flags announce');
  }
  return null;
}

export function decodeHeaders(
  sink: FrameSink,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): FrameFault | null {
  let blockStart = start;
  let blockEnd = end;
  if ((flags & (FrameFlag.padded | FrameFlag.priority)) !== 0) {
    if ((flags & FrameFlag.padded) !== 0) blockEnd -= bytes[blockStart++];
    if ((flags & FrameFlag.priority) !== 0) blockStart += priorityBytes;
    if (blockEnd < blockStart) {
      return connectionFault(ErrorCode.protocolError, streamId, 'HEADERS padding is longer than its field block');
    }
  }
  const isEndHeaders = (flags & FrameFlag.endHeaders) !== 0;
  sink.onHeaders(streamId, bytes, blockStart, blockEnd, isEndHeaders, (flags & FrameFlag.endStream) !== 0);
  return null;
}
