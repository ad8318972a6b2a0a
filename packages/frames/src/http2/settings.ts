// SETTINGS (RFC 9113 §6.5): pairs of a 16-bit id and a 32-bit value, or an empty acknowledgement.
import {
  ErrorCode,
  FrameFlag,
  FrameType,
  SettingId,
  frameBytesDefault,
  frameBytesLimit,
  windowMax,
} from './constants.ts';
import { connectionFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint32, encodeFrameHeader, encodeUint32 } from './frame-header.ts';

/** One setting on the wire. */
export const settingBytes = 6;

export function encodeSettings(
  target: Buffer,
  at: number,
  settings: readonly (readonly [id: number, value: number])[],
): number {
  let next = encodeFrameHeader(target, at, settings.length * settingBytes, FrameType.settings, 0, 0);
  for (const [id, value] of settings) {
    target[next] = id >>> 8;
    target[next + 1] = id;
    next = encodeUint32(target, next + 2, value);
  }
  return next;
}

export function encodeSettingsAck(target: Buffer, at: number): number {
  return encodeFrameHeader(target, at, 0, FrameType.settings, FrameFlag.ack, 0);
}

export function checkSettings(streamId: number, flags: number, length: number): FrameFault | null {
  if (streamId !== 0) {
    return connectionFault(ErrorCode.protocolError, streamId, 'SETTINGS on a stream');
  }
  if ((flags & FrameFlag.ack) !== 0) {
    return length === 0
      ? null
      : connectionFault(ErrorCode.frameSizeError, 0, 'SETTINGS acknowledgement with a payload');
  }
  if (length % settingBytes !== 0) {
    return connectionFault(ErrorCode.frameSizeError, 0, 'SETTINGS is not a multiple of 6 octets long');
  }
  return null;
}

/** Checks every value before any is reported, so that nobody applies half of a bad frame. */
export function checkSettingValues(bytes: Buffer, start: number, end: number): FrameFault | null {
  for (let at = start; at < end; at += settingBytes) {
    const fault = checkSettingValue(decodeSettingId(bytes, at), decodeSettingValue(bytes, at));
    if (fault !== null) return fault;
  }
  return null;
}

export function decodeSettingId(bytes: Buffer, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

export function decodeSettingValue(bytes: Buffer, at: number): number {
  return decodeUint32(bytes, at + 2);
}

/** RFC 9113 §6.5.2. */
function checkSettingValue(id: number, value: number): FrameFault | null {
  switch (id) {
    case SettingId.enablePush:
      return value <= 1 ? null : connectionFault(ErrorCode.protocolError, 0, `SETTINGS_ENABLE_PUSH of ${value}`);
    case SettingId.initialWindowSize:
      return value <= windowMax
        ? null
        : connectionFault(ErrorCode.flowControlError, 0, `SETTINGS_INITIAL_WINDOW_SIZE of ${value}`);
    case SettingId.maxFrameSize:
      return value >= frameBytesDefault && value <= frameBytesLimit
        ? null
        : connectionFault(ErrorCode.protocolError, 0, `SETTINGS_MAX_FRAME_SIZE of ${value}`);
    default:
      return null;
  }
}
