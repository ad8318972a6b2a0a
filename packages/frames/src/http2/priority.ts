// PRIORITY (RFC 9113 §6.3): deprecated. Checked and reported, its content is never read; encoded for tests only.
import { ErrorCode, FrameType } from './constants.ts';
import { connectionFault, streamFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { encodeFrameHeader, encodeUint32 } from './frame-header.ts';

/** Exclusive bit and stream dependency (4 octets), weight (1). */
export const priorityBytes = 5;

export function encodePriority(
  target: Buffer,
  at: number,
  streamId: number,
  dependsOn: number,
  isExclusive: boolean,
  weight: number,
): number {
  const payloadAt = encodeFrameHeader(target, at, priorityBytes, FrameType.priority, 0, streamId);
  const weightAt = encodeUint32(target, payloadAt, isExclusive ? dependsOn | 0x8000_0000 : dependsOn);
  target[weightAt] = weight;
  return weightAt + 1;
}

export function checkPriority(streamId: number, length: number): FrameFault | null {
  if (streamId === 0) return connectionFault(ErrorCode.protocolError, 0, 'PRIORITY on stream 0');
  if (length !== priorityBytes) {
    return streamFault(ErrorCode.frameSizeError, streamId, 'PRIORITY is not 5 octets long');
  }
  return null;
}
