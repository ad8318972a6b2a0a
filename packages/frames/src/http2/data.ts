// DATA (RFC 9113 §6.1): [pad length] body [padding]. The only frame type that flow control counts.
import { ErrorCode, FrameFlag, FrameType } from './constants.ts';
import { connectionFault, streamFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { encodeFrameHeader } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

export function encodeData(
  target: Buffer,
  at: number,
  streamId: number,
  body: Buffer,
  start: number,
  end: number,
  endStream: boolean,
): number {
  const length = end - start;
  const bodyAt = encodeFrameHeader(target, at, length, FrameType.data, endStream ? FrameFlag.endStream : 0, streamId);
  body.copy(target, bodyAt, start, end);
  return bodyAt + length;
}

/** `paddingBytes` is 0 … 255; the pad length octet comes on top. */
export function encodePaddedData(
  target: Buffer,
  at: number,
  streamId: number,
  body: Buffer,
  start: number,
  end: number,
  endStream: boolean,
  paddingBytes: number,
): number {
  const length = 1 + end - start + paddingBytes;
  const flags = FrameFlag.padded | (endStream ? FrameFlag.endStream : 0);
  const payloadAt = encodeFrameHeader(target, at, length, FrameType.data, flags, streamId);
  target[payloadAt] = paddingBytes;
  body.copy(target, payloadAt + 1, start, end);
  target.fill(0, payloadAt + length - paddingBytes, payloadAt + length);
  return payloadAt + length;
}

export function checkData(streamId: number, flags: number, length: number): FrameFault | null {
  if (streamId === 0) return connectionFault(ErrorCode.protocolError, 0, 'DATA on stream 0');
  if (length === 0 && (flags & FrameFlag.padded) !== 0) {
    // RFC 9113 §4.2: too small for its pad length; no octet of it touched the connection's window.
    return streamFault(ErrorCode.frameSizeError, streamId, 'padded DATA without a pad length');
  }
  return null;
}

export function decodeData(
  sink: FrameSink,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): FrameFault | null {
  const isEnd = (flags & FrameFlag.endStream) !== 0;
  if ((flags & FrameFlag.padded) === 0) {
    sink.onData(streamId, bytes, start, end, end - start, isEnd);
    return null;
  }
  const bodyEnd = end - bytes[start];
  if (bodyEnd <= start) {
    return connectionFault(ErrorCode.protocolError, streamId, 'DATA padding is as long as its payload');
  }
  sink.onData(streamId, bytes, start + 1, bodyEnd, end - start, isEnd);
  return null;
}
