// CONTINUATION (RFC 9113 §6.10): the rest of a field block. That it follows its HEADERS is the parser's check.
import { FrameFlag, FrameType } from './constants.ts';
import { encodeFrameHeader } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';

/** `flags`: `endHeaders` or 0. */
export function encodeContinuation(
  target: Buffer,
  at: number,
  streamId: number,
  block: Buffer,
  start: number,
  end: number,
  flags: number,
): number {
  const length = end - start;
  const blockAt = encodeFrameHeader(target, at, length, FrameType.continuation, flags, streamId);
  block.copy(target, blockAt, start, end);
  return blockAt + length;
}

export function decodeContinuation(
  sink: FrameSink,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  sink.onContinuation(streamId, bytes, start, end, (flags & FrameFlag.endHeaders) !== 0);
}
