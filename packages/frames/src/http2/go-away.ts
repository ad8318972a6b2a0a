// GOAWAY (RFC 9113 §6.8): last stream id that was or may be processed, error code, debug data.
import { ErrorCode, FrameType } from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint31, decodeUint32, encodeFrameHeader, encodeUint32 } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

export function encodeGoAway(
  target: Buffer,
  at: number,
  lastStreamId: number,
  errorCode: number,
  debug?: Buffer,
): number {
  const debugBytes = debug === undefined ? 0 : debug.length;
  let next = encodeFrameHeader(target, at, 8 + debugBytes, FrameType.goAway, 0, 0);
  next = encodeUint32(target, next, lastStreamId);
  next = encodeUint32(target, next, errorCode);
  if (debug !== undefined) debug.copy(target, next);
  return next + debugBytes;
}

export function checkGoAway(streamId: number, length: number): FrameFault | null {
  if (streamId !== 0) return connectionFault(ErrorCode.protocolError, streamId, 'GOAWAY on a stream');
  if (length < 8) return connectionFault(ErrorCode.frameSizeError, 0, 'GOAWAY is shorter than 8 octets');
  return null;
}

export function decodeGoAway(sink: FrameSink, bytes: Buffer, start: number, end: number): void {
  sink.onGoAway(decodeUint31(bytes, start), decodeUint32(bytes, start + 4), bytes, start + 8, end);
}
