// PING (RFC 9113 §6.7): eight octets that come back with ACK.
import { ErrorCode, FrameFlag, FrameType } from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { encodeFrameHeader } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

const pingBytes = 8;

export function encodePing(target: Buffer, at: number, ack: boolean, payload: Buffer, payloadStart: number): number {
  const payloadAt = encodeFrameHeader(target, at, pingBytes, FrameType.ping, ack ? FrameFlag.ack : 0, 0);
  payload.copy(target, payloadAt, payloadStart, payloadStart + pingBytes);
  return payloadAt + pingBytes;
}

export function checkPing(streamId: number, length: number): FrameFault | null {
  if (streamId !== 0) return connectionFault(ErrorCode.protocolError, streamId, 'PING on a stream');
  if (length !== pingBytes) return connectionFault(ErrorCode.frameSizeError, 0, 'PING is not 8 octets long');
  return null;
}

export function decodePing(sink: FrameSink, flags: number, bytes: Buffer, start: number): void {
  sink.onPing((flags & FrameFlag.ack) !== 0, bytes, start);
}
