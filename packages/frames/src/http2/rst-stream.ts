// RST_STREAM (RFC 9113 §6.4): ends one stream at once, with a reason.
import { ErrorCode, FrameType } from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint32, encodeFrameHeader, encodeUint32 } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

export function encodeRstStream(target: Buffer, at: number, streamId: number, errorCode: number): number {
  return encodeUint32(target, encodeFrameHeader(target, at, 4, FrameType.rstStream, 0, streamId), errorCode);
}

export function checkRstStream(streamId: number, length: number): FrameFault | null {
  if (streamId === 0) return connectionFault(ErrorCode.protocolError, 0, 'RST_STREAM on stream 0');
  if (length !== 4) {
    return connectionFault(ErrorCode.frameSizeError, streamId, 'RST_STREAM is not 4 octets long');
  }
  return null;
}

export function decodeRstStream(sink: FrameSink, streamId: number, bytes: Buffer, start: number): void {
  sink.onRstStream(streamId, decodeUint32(bytes, start));
}
