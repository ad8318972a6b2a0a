// Bytes of a connection in, frames out. Parses in place in the chunk it is given; only a frame that the chunk tears is
// copied, into one buffer of at most a frame. Any chunking of the same bytes gives the same calls.
// Makes every check of RFC 9113 §4 and §6 that needs no more than the frame itself and the frame before it.
// Cost: no allocation a frame; faults allocate.
import { ErrorCode, FrameFlag, FrameType, clientPreface, frameBytesDefault, frameHeaderBytes } from './constants.ts';
import { decodeContinuation } from './continuation.ts';
import { checkData, decodeData } from './data.ts';
import { connectionFault, streamFault } from './frame-fault.ts';
import type { FrameFault } from './frame-fault.ts';
import { decodeUint31 } from './frame-header.ts';
import type { FrameSink } from './frame-sink.ts';
import { checkGoAway, decodeGoAway } from './go-away.ts';
import { checkHeaders, decodeHeaders } from './headers.ts';
import { checkPing, decodePing } from './ping.ts';
import { checkPriority } from './priority.ts';
import { checkPushPromise, decodePushPromise } from './push-promise.ts';
import { checkRstStream, decodeRstStream } from './rst-stream.ts';
import { checkSettings, checkSettingValues, decodeSettingId, decodeSettingValue, settingBytes } from './settings.ts';
import { checkWindowUpdate, decodeWindowUpdate } from './window-update.ts';

export interface FrameParserOptions {
  /** Our SETTINGS_MAX_FRAME_SIZE, octets of payload: 16384 unless given. */
  readonly frameBytesMax?: number;
  /** Server side: the 24 octets of the client preface come first. Not unless given. */
  readonly expectPreface?: boolean;
}

/** First size of the buffer for torn frames: most are small. It doubles up to a whole frame. */
const tailBytesFirst = 1024;
const noBytes: Buffer = Buffer.alloc(0);

export class FrameParser {
  readonly #sink: FrameSink;
  readonly #frameBytesMax: number;
  #tail: Buffer = noBytes;
  #tailLength = 0;
  /** Octets of payload still to come that nobody wants: unknown frames and frames refused by their header. */
  #skipBytes = 0;
  #prefaceAt: number;
  /** The stream whose field block is open (RFC 9113 §4.3), or 0. */
  #blockStreamId = 0;
  #isStopped = false;
  #isReceiving = false;

  constructor(sink: FrameSink, options: FrameParserOptions = {}) {
    this.#sink = sink;
    this.#frameBytesMax = options.frameBytesMax ?? frameBytesDefault;
    this.#prefaceAt = options.expectPreface === true ? 0 : clientPreface.length;
  }

  /** The torn frame that is held: at most `frameBytesMax` + 9. */
  get bufferedBytes(): number {
    return this.#tailLength;
  }

  /** No further call comes, also from inside one; all further input is ignored. */
  stop(): void {
    this.#isStopped = true;
    if (!this.#isReceiving) this.#release();
  }

  receive(chunk: Buffer): void {
    if (this.#isStopped) return;
    if (this.#isReceiving) throw new Error('FrameParser.receive was called from inside one of its own callbacks');
    this.#isReceiving = true;
    try {
      let at = 0;
      if (this.#prefaceAt < clientPreface.length) at = this.#matchPreface(chunk);
      if (this.#skipBytes > 0) at = this.#skip(at, chunk.length);
      if (this.#tailLength > 0) at = this.#completeTail(chunk, at);
      at = this.#parseFrames(chunk, at, chunk.length);
      if (at < chunk.length && !this.#isStopped) this.#keep(chunk, at, chunk.length);
    } finally {
      this.#isReceiving = false;
    }
    if (this.#isStopped) this.#release();
  }

  /** Parses the whole frames of bytes[at … end); returns where the first one that is torn begins. */
  #parseFrames(bytes: Buffer, at: number, end: number): number {
    while (end - at >= frameHeaderBytes && !this.#isStopped) {
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      const type = bytes[at + 3];
      const flags = bytes[at + 4];
      const streamId = decodeUint31(bytes, at + 5);
      const payloadAt = at + frameHeaderBytes;

      const fault = this.#checkHeader(type, flags, streamId, length);
      if (fault !== null || type > FrameType.continuation) {
        if (fault === null) this.#sink.onUnknown(type, flags, streamId, length);
        else this.#fail(fault);
        this.#skipBytes = length;
        at = this.#skip(payloadAt, end);
        continue;
      }
      if (end - payloadAt < length) return at;
      at = payloadAt + length;
      const payloadFault = this.#dispatch(type, flags, streamId, bytes, payloadAt, at);
      if (payloadFault !== null) this.#fail(payloadFault);
    }
    return at;
  }

  /** Everything the nine octets tell: checked before the payload is waited for. */
  #checkHeader(type: number, flags: number, streamId: number, length: number): FrameFault | null {
    if (length > this.#frameBytesMax) return this.#oversized(type, streamId, length);
    if (this.#blockStreamId !== 0) {
      // RFC 9113 §4.3: a field block is one contiguous run of frames on one stream, without any other frame between.
      if (type === FrameType.continuation && streamId === this.#blockStreamId) return null;
      return connectionFault(
        ErrorCode.protocolError,
        streamId,
        `field block of stream ${this.#blockStreamId} interrupted`,
      );
    }
    switch (type) {
      case FrameType.data:
        return checkData(streamId, flags, length);
      case FrameType.headers:
        return checkHeaders(streamId, flags, length);
      case FrameType.priority:
        return checkPriority(streamId, length);
      case FrameType.rstStream:
        return checkRstStream(streamId, length);
      case FrameType.settings:
        return checkSettings(streamId, flags, length);
      case FrameType.pushPromise:
        return checkPushPromise(streamId, flags, length);
      case FrameType.ping:
        return checkPing(streamId, length);
      case FrameType.goAway:
        return checkGoAway(streamId, length);
      case FrameType.windowUpdate:
        return checkWindowUpdate(streamId, length);
      case FrameType.continuation:
        return connectionFault(ErrorCode.protocolError, streamId, 'CONTINUATION without an open field block');
      default:
        return null;
    }
  }

  /**
   * RFC 9113 §4.2: a stream error suffices where the frame cannot change the connection's state. DATA can: it counts
   * against the connection's window.
   */
  #oversized(type: number, streamId: number, length: number): FrameFault {
    const message = `frame of ${length} octets, ${this.#frameBytesMax} are allowed`;
    const isHarmless = type === FrameType.priority || type > FrameType.continuation;
    return isHarmless && streamId !== 0 && this.#blockStreamId === 0
      ? streamFault(ErrorCode.frameSizeError, streamId, message)
      : connectionFault(ErrorCode.frameSizeError, streamId, message);
  }

  #dispatch(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): FrameFault | null {
    const sink = this.#sink;
    switch (type) {
      case FrameType.headers:
        if ((flags & FrameFlag.endHeaders) === 0) this.#blockStreamId = streamId;
        return decodeHeaders(sink, streamId, flags, bytes, start, end);
      case FrameType.data:
        return decodeData(sink, streamId, flags, bytes, start, end);
      case FrameType.windowUpdate:
        return decodeWindowUpdate(sink, streamId, bytes, start);
      case FrameType.rstStream:
        decodeRstStream(sink, streamId, bytes, start);
        return null;
      case FrameType.continuation:
        if ((flags & FrameFlag.endHeaders) !== 0) this.#blockStreamId = 0;
        decodeContinuation(sink, streamId, flags, bytes, start, end);
        return null;
      case FrameType.settings:
        return this.#dispatchSettings(flags, bytes, start, end);
      case FrameType.ping:
        decodePing(sink, flags, bytes, start);
        return null;
      case FrameType.goAway:
        decodeGoAway(sink, bytes, start, end);
        return null;
      case FrameType.pushPromise:
        if ((flags & FrameFlag.endHeaders) === 0) this.#blockStreamId = streamId;
        return decodePushPromise(sink, streamId, flags, bytes, start, end);
      default:
        sink.onPriority(streamId);
        return null;
    }
  }

  /** The only frame that makes several calls: each may stop the parser. */
  #dispatchSettings(flags: number, bytes: Buffer, start: number, end: number): FrameFault | null {
    const sink = this.#sink;
    if ((flags & FrameFlag.ack) !== 0) {
      sink.onSettingsAck();
      return null;
    }
    const fault = checkSettingValues(bytes, start, end);
    if (fault !== null) return fault;
    sink.onSettingsStart((end - start) / settingBytes);
    for (let at = start; at < end && !this.#isStopped; at += settingBytes) {
      sink.onSetting(decodeSettingId(bytes, at), decodeSettingValue(bytes, at));
    }
    if (!this.#isStopped) sink.onSettingsEnd();
    return null;
  }

  #fail(fault: FrameFault): void {
    if (fault.scope === 'connection') this.#isStopped = true;
    this.#sink.onFrameError(fault);
  }

  #release(): void {
    this.#tail = noBytes;
    this.#tailLength = 0;
  }

  #matchPreface(chunk: Buffer): number {
    const count = Math.min(chunk.length, clientPreface.length - this.#prefaceAt);
    for (let at = 0; at < count; at++) {
      if (chunk[at] !== clientPreface[this.#prefaceAt + at]) {
        this.#fail(connectionFault(ErrorCode.protocolError, 0, 'the client preface is wrong'));
        return at;
      }
    }
    this.#prefaceAt += count;
    return count;
  }

  #skip(at: number, end: number): number {
    const count = Math.min(this.#skipBytes, end - at);
    this.#skipBytes -= count;
    return at + count;
  }

  /** Adds to the torn frame just what it lacks, first its header, then its payload; returns where the chunk goes on. */
  #completeTail(chunk: Buffer, at: number): number {
    while (this.#tailLength > 0 && at < chunk.length) {
      const wanted = this.#tailLength < frameHeaderBytes ? frameHeaderBytes : this.#tailFrameBytes();
      const taken = Math.min(wanted - this.#tailLength, chunk.length - at);
      this.#keep(chunk, at, at + taken);
      at += taken;
      if (this.#tailLength < wanted) break;
      // A frame that its header condemns is reported here and leaves #skipBytes; a whole one leaves nothing.
      if (this.#parseFrames(this.#tail, 0, this.#tailLength) > 0) this.#tailLength = 0;
      if (this.#skipBytes > 0) at = this.#skip(at, chunk.length);
    }
    return at;
  }

  /** Invariant: at most `frameBytesMax` + 9, for longer frames are refused as soon as their header is whole. */
  #tailFrameBytes(): number {
    return frameHeaderBytes + ((this.#tail[0] << 16) | (this.#tail[1] << 8) | this.#tail[2]);
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#tailLength + end - start;
    if (needed > this.#tail.length) {
      const bytes = Math.min(
        Math.max(needed, 2 * this.#tail.length, tailBytesFirst),
        this.#frameBytesMax + frameHeaderBytes,
      );
      const tail = Buffer.allocUnsafe(bytes);
      this.#tail.copy(tail, 0, 0, this.#tailLength);
      this.#tail = tail;
    }
    chunk.copy(this.#tail, this.#tailLength, start, end);
    this.#tailLength = needed;
  }
}
