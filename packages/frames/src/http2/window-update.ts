// WINDOW_UPDATE (RFC 9113 §6.9): more room for DATA, on one stream or (stream 0) on the connection.
import { ErrorCode, FrameType } from './constants.ts';
import { connectionFault, streamFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint31, encodeFrameHeader, encodeUint32 } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

/** `increment` is 1 … 2^31-1. */
export function encodeWindowUpdate(target: Buffer, at: number, streamId: number, increment: number): number {
  return encodeUint32(target, encodeFrameHeader(target, at, 4, FrameType.windowUpdate, 0, streamId), increment);
}

export function checkWindowUpdate(streamId: number, length: number): FrameFault | null {
  if (length === 4) return null;
  return connectionFault(ErrorCode.frameSizeError, streamId, 'WINDOW_UPDATE is not 4 octets long');
}

export function decodeWindowUpdate(sink: FrameSink, streamId: number, bytes: Buffer, start: number): FrameFault | null {
  const increment = decodeUint31(bytes, start);
  if (increment === 0) {
    const message = 'WINDOW_UPDATE with an increment of 0';
    return streamId === 0
      ? connectionFault(ErrorCode.protocolError, 0, message)
      : streamFault(ErrorCode.protocolError, streamId, message);
  }
  sink.onWindowUpdate(streamId, increment);
  return null;
}
