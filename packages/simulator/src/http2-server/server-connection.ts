// One HTTP/2 server connection (RFC 9113) as a state machine: frames in through @carillon/frames, frames out into an
// outbox, complete requests out as events. No socket, no timer, nothing of Apple's. Besides well-behaved replies it has
// the blunt verbs a fault script needs (write any frame, send a lower GOAWAY, hold a window back).
//
//   receive(chunk) ─► FrameParser ─► streams ─► onRequest(stream) … reply later: writeHeaders, writeData, writeReset
import {
  encodeContinuation,
  encodeData,
  encodeGoAway,
  encodeHeaders,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  ErrorCode,
  fieldsBytesMax,
  FrameFlag,
  FrameParser,
  HpackDecoder,
  HpackEncoder,
  SettingId,
  windowMax,
} from '@carillon/frames';
import type { FrameFault, FrameSink, HeaderField } from '@carillon/frames';

import { FloodGuard } from './flood-guard.ts';
import { RequestFields } from './request-fields.ts';
import { ServerStream } from './server-stream.ts';
import { SettingsExchange } from './settings-exchange.ts';
import type { SettingPairs } from './settings-exchange.ts';
import type { SlabOutbox } from './slab-outbox.ts';
import type { WireObserver } from './wire-observer.ts';

export interface ServerConnectionOptions {
  /** The first SETTINGS frame. */
  readonly settings: SettingPairs;
  /** WINDOW_UPDATE of the connection right after it; 0: none. */
  readonly windowIncrement: number;
  /** The connection's window is given back after each read, and not when half of it is used. Default false. */
  readonly announcesEachRead?: boolean;
  /** Streams at once; `streamsMax` can be changed while the connection lives. */
  readonly streamsMax: number;
  /** Octets of each body that are kept. Default 16,384: more than every limit of Apple's. */
  readonly bodyKeptMax?: number;
  /** Largest frame accepted. Default 16,384, the least that is legal. */
  readonly frameBytesMax?: number;
  readonly observer?: WireObserver | null;
}

export interface ServerConnectionEvents {
  onRequest(stream: ServerStream): void;
  onStreamRefused(streamId: number): void;
  /** The client gave this stream up before its reply was complete. */
  onStreamReset(stream: ServerStream, errorCode: number): void;
  /** Whether the acknowledgement is written by the connection itself. */
  onPing(payload: Buffer): 'acknowledge' | 'ignore';
  /** The peer broke a rule; GOAWAY is in the outbox and the caller closes. */
  onFault(message: string): void;
  onGoAway(): void;
}

/** RFC 9113 §6.5.2 and §6.9.2: in force until SETTINGS say otherwise. */
const initialWindowBytes = 65_535;
const frameBytesDefault = 16_384;
/** E.1: the real gateway announces 8000, which is advice. An attack is what is out of all proportion. */
const headerListBytesMax = 65_536;
/** Apple knows about ten; browsers send twenty. */
const fieldsMax = 128;
/** A field block of a push is 400 octets; this many frames or octets are a CONTINUATION flood (VU#421644). */
const blockBytesMax = 65_536;
const continuationsMax = 32;
/** Streams we reset ourselves: frames still under way for them are no fault of the peer. */
const ownResetsKept = 4_096;

export class ServerConnection implements FrameSink {
  readonly outbox: SlabOutbox;
  readonly streams: Map<number, ServerStream> = new Map();
  /** Streams the peer may have open; more are refused. */
  streamsMax: number;
  /** No WINDOW_UPDATE goes out any more. */
  holdsWindows = false;
  /** While we flood the peer ourselves, its answers to the flood are no fault. */
  toleratesFloods = false;
  /** The highest stream the peer opened. */
  lastStreamId = 0;
  peerStreamsPeak = 0;

  readonly #events: ServerConnectionEvents;
  readonly #observer: WireObserver | null;
  readonly #parser: FrameParser;
  readonly #decoder: HpackDecoder = new HpackDecoder({ headerListBytesMax, fieldsMax });
  readonly #encoder: HpackEncoder = new HpackEncoder({ huffman: 'shorter' });
  readonly #settings: SettingsExchange = new SettingsExchange();
  readonly #guard = new FloodGuard();
  readonly #firstSettings: SettingPairs;
  readonly #firstWindowIncrement: number;
  readonly #bodyKeptMax: number;
  readonly #announcesEachRead: boolean;
  readonly #ownResets = new Set<number>();

  #receiveWindow = initialWindowBytes;
  #receiveWindowMax = initialWindowBytes;
  #unannouncedBytes = 0;
  /** Of new streams: ours after the peer's acknowledgement, and the peer's. */
  #receiveWindowInitial = initialWindowBytes;
  #sendWindow = initialWindowBytes;
  #sendWindowInitial = initialWindowBytes;
  #peerFrameBytesMax = frameBytesDefault;
  /** Streams above it came after our GOAWAY: read for the tables' and windows' sake, not served. */
  #servedStreamMax = 0x7fff_ffff;
  #isDead = false;

  // The field block that is being received.
  #blockStreamId = 0;
  #blockEndsStream = false;
  #blockPieces: Buffer[] = [];
  #blockBytes = 0;

  constructor(outbox: SlabOutbox, options: ServerConnectionOptions, events: ServerConnectionEvents) {
    this.outbox = outbox;
    this.streamsMax = options.streamsMax;
    this.#events = events;
    this.#observer = options.observer ?? null;
    this.#firstSettings = options.settings;
    this.#firstWindowIncrement = options.windowIncrement;
    this.#bodyKeptMax = options.bodyKeptMax ?? 16_384;
    this.#announcesEachRead = options.announcesEachRead ?? false;
    this.#parser = new FrameParser(this, {
      expectPreface: true,
      frameBytesMax: options.frameBytesMax ?? frameBytesDefault,
    });
  }

  start(): void {
    this.writeSettings(this.#firstSettings);
    if (this.#firstWindowIncrement > 0) this.writeWindowUpdate(0, this.#firstWindowIncrement);
  }

  receive(chunk: Buffer): void {
    if (this.#isDead) return;
    this.#parser.receive(chunk);
    if (this.#announcesEachRead && !this.#isDead) this.#announceConnectionWindow(1);
  }

  /** The socket is gone. */
  stop(): void {
    this.#isDead = true;
    this.#parser.stop();
    this.streams.clear();
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

  writeSettings(settings: SettingPairs): void {
    this.#settings.sent(settings);
    this.#observer?.onSettingsSent(settings);
    this.outbox.reserve(9 + 6 * settings.length);
    this.outbox.length = encodeSettings(this.outbox.bytes, this.outbox.length, settings);
  }

  writeWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) this.#growReceiveWindow(increment);
    this.outbox.reserve(13);
    this.outbox.length = encodeWindowUpdate(this.outbox.bytes, this.outbox.length, streamId, increment);
  }

  writePing(payload: Buffer, isAck = false): void {
    this.outbox.reserve(17);
    this.outbox.length = encodePing(this.outbox.bytes, this.outbox.length, isAck, payload, 0);
  }

  /** Streams above `lastStreamId` are not served from now on; the connection stays open for the others. */
  writeGoAway(lastStreamId: number, errorCode: number, debug: Buffer): void {
    this.#servedStreamMax = Math.min(this.#servedStreamMax, lastStreamId);
    this.#observer?.onGoAwaySent(lastStreamId);
    this.outbox.reserve(17 + debug.length);
    this.outbox.length = encodeGoAway(this.outbox.bytes, this.outbox.length, lastStreamId, errorCode, debug);
    for (const stream of this.streams.values()) if (stream.id > this.#servedStreamMax) this.#forget(stream);
  }

  writeReset(streamId: number, errorCode: number): void {
    this.outbox.reserve(13);
    this.outbox.length = encodeRstStream(this.outbox.bytes, this.outbox.length, streamId, errorCode);
    this.#rememberOwnReset(streamId);
    this.#observer?.onResetSent(streamId);
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#forget(stream);
  }

  /** `pieces` > 1: the block goes out as HEADERS and CONTINUATION frames. */
  writeHeaders(streamId: number, fields: readonly HeaderField[], isEnd: boolean, pieces = 1): void {
    const block = this.encodeBlock(fields);
    const pieceBytes = Math.max(1, Math.ceil(block.length / pieces));
    const out = this.outbox;
    for (let start = 0; start < block.length; start += pieceBytes) {
      const end = Math.min(start + pieceBytes, block.length);
      const flags = end === block.length ? FrameFlag.endHeaders : 0;
      out.reserve(9 + end - start);
      out.length =
        start === 0
          ? encodeHeaders(
              out.bytes,
              out.length,
              streamId,
              block,
              start,
              end,
              isEnd ? flags | FrameFlag.endStream : flags,
            )
          : encodeContinuation(out.bytes, out.length, streamId, block, start, end, flags);
    }
    if (isEnd) this.#endReply(streamId);
  }

  /** One field block of this connection's encoder: it must go out, and before the next one. */
  encodeBlock(fields: readonly HeaderField[]): Buffer {
    const block = Buffer.allocUnsafe(fieldsBytesMax(fields));
    return block.subarray(0, this.#encoder.encode(fields, block, 0));
  }

  /** Waits for window where it must; `frameBytesMax` splits it into more frames than needed. */
  writeData(
    stream: ServerStream,
    bytes: Buffer,
    isEnd: boolean,
    frameBytesMax: number = Number.POSITIVE_INFINITY,
  ): void {
    stream.pending.push({ bytes, frameBytesMax, isEnd });
    this.#sendPending(stream);
  }

  /** Octets of the script's own making. */
  writeRaw(bytes: Buffer): void {
    this.outbox.append(bytes);
  }

  // ── FrameSink ──────────────────────────────────────────────────────────────────────────────────────────────────

  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void {
    this.#blockStreamId = streamId;
    this.#blockEndsStream = isEnd;
    if (isEndHeaders) {
      this.#onBlock(bytes, start, end);
      return;
    }
    this.#blockPieces = [Buffer.from(bytes.subarray(start, end))];
    this.#blockBytes = end - start;
  }

  onContinuation(_streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void {
    this.#blockPieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#blockBytes += end - start;
    if (this.#blockBytes > blockBytesMax || this.#blockPieces.length > continuationsMax) {
      this.#die(ErrorCode.enhanceYourCalm, 'CONTINUATION flood');
    } else if (isEndHeaders) {
      const block = Buffer.concat(this.#blockPieces);
      this.#blockPieces = [];
      this.#onBlock(block, 0, block.length);
    }
  }

  onData(streamId: number, bytes: Buffer, start: number, end: number, flowBytes: number, isEnd: boolean): void {
    this.#receiveWindow -= flowBytes;
    if (this.#receiveWindow < 0) {
      this.#die(ErrorCode.flowControlError, 'connection window exceeded');
      return;
    }
    this.#unannouncedBytes += flowBytes;
    // At half: two updates a window.
    if (!this.#announcesEachRead) this.#announceConnectionWindow(this.#receiveWindowMax / 2);
    if (flowBytes === 0 && !isEnd && !this.#spend()) return;

    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.#onFrameOfGoneStream(streamId, 'DATA');
      return;
    }
    stream.receiveWindow -= flowBytes;
    if (stream.receiveWindow < 0) {
      this.writeReset(streamId, ErrorCode.flowControlError);
      return;
    }
    if (stream.isRequestEnded) {
      this.writeReset(streamId, ErrorCode.streamClosed); // RFC 9113 §5.1, half-closed (remote)
      return;
    }
    stream.addBody(bytes, start, end, this.#bodyKeptMax);
    if (isEnd) this.#endRequest(stream);
    else this.#announceStreamWindow(stream, flowBytes);
  }

  onPriority(): void {
    this.#observer?.onOddFrame('PRIORITY');
    this.#spend();
  }

  onRstStream(streamId: number, errorCode: number): void {
    if (!this.#spend()) return;
    if (streamId > this.lastStreamId || streamId % 2 === 0) {
      this.#die(ErrorCode.protocolError, 'RST_STREAM of an idle stream');
      return;
    }
    this.#observer?.onResetReceived(streamId);
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.#forget(stream);
    this.#events.onStreamReset(stream, errorCode);
  }

  onSettingsStart(): void {
    this.#spend();
  }

  onSetting(id: number, value: number): void {
    switch (id) {
      case SettingId.initialWindowSize: {
        const change = value - this.#sendWindowInitial;
        this.#sendWindowInitial = value;
        for (const stream of this.streams.values()) {
          stream.sendWindow += change;
          if (stream.sendWindow > windowMax) this.#die(ErrorCode.flowControlError, 'stream window too large');
        }
        return;
      }
      case SettingId.maxFrameSize:
        this.#peerFrameBytesMax = value;
        return;
      case SettingId.headerTableSize:
        this.#encoder.setPeerTableBytes(value);
        return;
      default: // enablePush, maxConcurrentStreams: we push nothing; maxHeaderListSize is advice; others are to be ignored
    }
  }

  onSettingsEnd(): void {
    this.outbox.reserve(9);
    this.outbox.length = encodeSettingsAck(this.outbox.bytes, this.outbox.length);
    for (const stream of this.streams.values()) this.#sendPending(stream);
  }

  onSettingsAck(): void {
    const applied = this.#settings.takeAcknowledged();
    if (applied === null) {
      this.#spend(); // nothing of ours was open: harmless, but not for ever
      return;
    }
    this.#observer?.onSettingsAcknowledged();
    for (const [id, value] of applied) {
      if (id === SettingId.headerTableSize) this.#decoder.setTableBytesMax(value);
      if (id !== SettingId.initialWindowSize) continue;
      const change = value - this.#receiveWindowInitial;
      this.#receiveWindowInitial = value;
      for (const stream of this.streams.values()) stream.receiveWindow += change;
    }
  }

  onPushPromise(): void {
    this.#die(ErrorCode.protocolError, 'a client must not push'); // RFC 9113 §8.4
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    const payload = Buffer.from(bytes.subarray(start, start + 8));
    if (isAck && this.#observer?.onPingAcknowledged(payload) === true) return;
    if (!this.#spend() || isAck) return;
    this.#observer?.onPingReceived();
    if (this.#events.onPing(payload) === 'acknowledge') this.writePing(payload, true);
  }

  onGoAway(): void {
    this.#events.onGoAway();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    if (!this.#spend()) return;
    if (streamId === 0) {
      this.#sendWindow += increment;
      if (this.#sendWindow > windowMax) this.#die(ErrorCode.flowControlError, 'connection window too large');
      else for (const stream of this.streams.values()) this.#sendPending(stream);
      return;
    }
    if (streamId > this.lastStreamId) {
      this.#die(ErrorCode.protocolError, 'WINDOW_UPDATE of an idle stream');
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (stream.sendWindow > windowMax) this.writeReset(streamId, ErrorCode.flowControlError);
    else this.#sendPending(stream);
  }

  onUnknown(type: number): void {
    this.#observer?.onOddFrame(`unknown type 0x${type.toString(16)}`);
    this.#spend();
  }

  onFrameError(fault: FrameFault): void {
    // A stream that is idle cannot be reset (RFC 9113 §6.4), so its fault is the connection's.
    const isIdle = fault.streamId > this.lastStreamId;
    if (fault.scope === 'connection' || isIdle) this.#die(fault.code, fault.message);
    else if (this.#spend()) this.writeReset(fault.streamId, fault.code);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────

  #onBlock(bytes: Buffer, start: number, end: number): void {
    const streamId = this.#blockStreamId;
    const isEnd = this.#blockEndsStream;
    const open = this.streams.get(streamId);
    const stream = open ?? new ServerStream(streamId, this.#sendWindowInitial, this.#receiveWindowInitial);
    const fields = new RequestFields(stream, open !== undefined);
    // Decoded whatever becomes of the stream: the dynamic table belongs to the connection (RFC 9113 §4.3).
    const fault = this.#decoder.decode(bytes, start, end, fields);
    if (fault?.kind === 'compression') {
      this.#die(ErrorCode.compressionError, fault.message);
      return;
    }
    const malformed = fault === null ? fields.finish() : fault.message;
    if (open !== undefined) this.#onTrailers(open, isEnd, malformed);
    else this.#onNewStream(stream, isEnd, malformed);
  }

  #onNewStream(stream: ServerStream, isEnd: boolean, malformed: string | null): void {
    if (stream.id % 2 === 0) {
      this.#die(ErrorCode.protocolError, `stream ${stream.id} is not a client's`);
      return;
    }
    if (stream.id <= this.lastStreamId) {
      this.#onFrameOfGoneStream(stream.id, 'HEADERS');
      return;
    }
    this.lastStreamId = stream.id;
    this.#observer?.onStreamOpened(stream.id);
    if (malformed !== null) this.#observer?.onMalformed(malformed);
    if (stream.id > this.#servedStreamMax) return; // after our GOAWAY: the client knows that it was not processed
    if (malformed !== null) {
      this.writeReset(stream.id, ErrorCode.protocolError);
      return;
    }
    if (this.streams.size >= this.streamsMax) {
      this.writeReset(stream.id, ErrorCode.refusedStream);
      this.#events.onStreamRefused(stream.id);
      return;
    }
    this.streams.set(stream.id, stream);
    if (this.streams.size > this.peerStreamsPeak) this.peerStreamsPeak = this.streams.size;
    if (isEnd) this.#endRequest(stream);
  }

  #onTrailers(stream: ServerStream, isEnd: boolean, malformed: string | null): void {
    if (stream.isRequestEnded) this.writeReset(stream.id, ErrorCode.streamClosed);
    else if (!isEnd || malformed !== null) this.writeReset(stream.id, ErrorCode.protocolError);
    else this.#endRequest(stream);
  }

  #onFrameOfGoneStream(streamId: number, frame: string): void {
    if (streamId > this.lastStreamId) {
      this.#die(ErrorCode.protocolError, `${frame} on an idle stream`);
      return;
    }
    if (streamId > this.#servedStreamMax || this.#ownResets.has(streamId)) return;
    if (this.#spend()) this.writeReset(streamId, ErrorCode.streamClosed);
  }

  #endRequest(stream: ServerStream): void {
    // RFC 9113 §8.1.1: content-length must equal the sum of the DATA frames.
    if (stream.declaredBytes !== null && stream.declaredBytes !== stream.bodyBytes) {
      this.writeReset(stream.id, ErrorCode.protocolError);
      return;
    }
    stream.isRequestEnded = true;
    this.#guard.earn(1);
    this.#events.onRequest(stream);
  }

  // ── windows and endings ────────────────────────────────────────────────────────────────────────────────────────

  #sendPending(stream: ServerStream): void {
    for (let first = stream.pending[0]; first !== undefined; first = stream.pending[0]) {
      const room = Math.min(this.#sendWindow, stream.sendWindow, this.#peerFrameBytesMax, first.frameBytesMax);
      const length = Math.min(first.bytes.length, room);
      if (length <= 0 && first.bytes.length > 0) return; // goes on with the next WINDOW_UPDATE or SETTINGS
      const isLast = length === first.bytes.length;
      this.#sendWindow -= length;
      stream.sendWindow -= length;
      this.outbox.reserve(9 + length);
      this.outbox.length = encodeData(
        this.outbox.bytes,
        this.outbox.length,
        stream.id,
        first.bytes,
        0,
        length,
        isLast && first.isEnd,
      );
      if (!isLast) {
        first.bytes = first.bytes.subarray(length);
        continue;
      }
      stream.pending.shift();
      if (first.isEnd) this.#endReply(stream.id);
    }
  }

  #endReply(streamId: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    stream.isReplyEnded = true;
    this.#forget(stream);
    if (stream.isRequestEnded) return;
    // RFC 9113 §8.1: an early answer; the rest of the request is not wanted.
    this.writeReset(streamId, ErrorCode.noError);
  }

  #forget(stream: ServerStream): void {
    this.streams.delete(stream.id);
    stream.pending.length = 0;
  }

  #rememberOwnReset(streamId: number): void {
    this.#ownResets.add(streamId);
    if (this.#ownResets.size <= ownResetsKept) return;
    for (const oldest of this.#ownResets) {
      this.#ownResets.delete(oldest);
      return;
    }
  }

  #growReceiveWindow(increment: number): void {
    this.#receiveWindow += increment;
    this.#receiveWindowMax = Math.max(this.#receiveWindowMax, this.#receiveWindow);
  }

  #announceConnectionWindow(leastBytes: number): void {
    if (this.holdsWindows || this.#unannouncedBytes < leastBytes) return;
    this.writeWindowUpdate(0, this.#unannouncedBytes);
    this.#unannouncedBytes = 0;
  }

  #announceStreamWindow(stream: ServerStream, flowBytes: number): void {
    stream.unannouncedBytes += flowBytes;
    if (this.holdsWindows || stream.unannouncedBytes * 2 < this.#receiveWindowInitial) return;
    if (stream.unannouncedBytes === 0) return;
    stream.receiveWindow += stream.unannouncedBytes;
    this.writeWindowUpdate(stream.id, stream.unannouncedBytes);
    stream.unannouncedBytes = 0;
  }

  /** False: the peer ran out of credit and the connection is dead. */
  #spend(): boolean {
    if (this.toleratesFloods || this.#guard.trySpend()) return true;
    this.#die(ErrorCode.enhanceYourCalm, 'too many frames that ask for nothing');
    return false;
  }

  #die(errorCode: number, message: string): void {
    if (this.#isDead) return;
    this.writeGoAway(this.lastStreamId, errorCode, Buffer.from(message, 'latin1'));
    this.stop();
    this.#events.onFault(message);
  }
}
