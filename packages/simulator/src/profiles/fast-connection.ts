// One connection of profile "fast": answers every finished request with 200 and an apns-id, checks nothing, and costs so
// little that it is never what a load bench measures. Per push: two frames parsed in place, 12 octets of a prefilled
// reply changed. No object, string or allocation per stream; field blocks are not decoded, because nothing in them is
// used and so no HPACK state of ours can go wrong; replies use no dynamic table either.
import {
  encodeFrameHeader,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  ErrorCode,
  FrameFlag,
  FrameParser,
  FrameType,
  SettingId,
} from '@carillon/frames';
import type { FrameFault, FrameSink } from '@carillon/frames';

import { FloodGuard } from '../http2-server/flood-guard.ts';
import type { SlabOutbox, SlabWriter } from '../http2-server/slab-outbox.ts';

export interface FastOptions {
  /** SETTINGS_MAX_CONCURRENT_STREAMS. Announced, not enforced: nothing here depends on it. Default 1000. */
  readonly streamsMax?: number;
}

export interface FastCounters {
  requests: number;
  replies: number;
}

/** Ours to receive into, connection and each stream: nobody should ever wait for a WINDOW_UPDATE of this gateway. */
const windowBytes = 0x7fff_ffff;
/** Topped up after this many octets: 1 frame per about 3,000 pushes, and the sender always sees more than 2^30 free. */
const topUpBytes = 1 << 20;
/** RFC 9113 §6.9.2: before any WINDOW_UPDATE. */
const initialConnectionWindowBytes = 65_535;

//   0        9  10        20                                    56
//   | frame  |88|00 07 apns-id 24 | 36 octets of apns-id         |
//   |  header|  |                 | ccccccccc prefix … 8 digits  |
const apnsIdPrefix = '0fa57000-0000-4000-8000-0000';
const replyBlock = Buffer.concat([
  Buffer.from([0x88]), // indexed field 8, ":status: 200"
  Buffer.from([0x00, 0x07]), // literal without indexing, new name (RFC 7541 §6.2.2)
  Buffer.from('apns-id', 'latin1'),
  Buffer.from([36]),
  Buffer.from(`${apnsIdPrefix}00000000`, 'latin1'),
]);
const replyBytes = 9 + replyBlock.length;
const streamIdAt = 5;
const apnsIdDigitsAt = replyBytes - 8;
/** 256 KiB; a whole number of replies, so that no reply ever crosses an edge. */
const repliesPerSlab = Math.floor(262_144 / replyBytes);
const slabBytes = repliesPerSlab * replyBytes;
const slabsKept = 4;

const hexDigits = Buffer.from('0123456789abcdef', 'latin1');
/** The two digits of each octet, so that eight digits are four look-ups. */
const hexHigh = Uint8Array.from({ length: 256 }, (_, octet) => hexDigits[octet >>> 4]);
const hexLow = Uint8Array.from({ length: 256 }, (_, octet) => hexDigits[octet & 15]);

export class FastConnection implements FrameSink {
  readonly #parser: FrameParser;
  readonly #control: SlabOutbox;
  readonly #write: SlabWriter;
  readonly #end: (message: string) => void;
  readonly #counters: FastCounters;
  readonly #streamsMax: number;
  readonly #guard = new FloodGuard();
  #replies: Buffer = prefilledSlab();
  #repliesLength = 0;
  readonly #freeSlabs: Buffer[] = [];
  /** Received since the last WINDOW_UPDATE. */
  #unannouncedBytes = 0;
  /** A request ended with HEADERS whose field block goes on in CONTINUATION frames. */
  #endsWithBlock = false;
  #lastStreamId = 0;
  #isDead = false;

  /** `control` and `write` lead to the same socket; `end` closes it after what was written. */
  constructor(
    control: SlabOutbox,
    write: SlabWriter,
    end: (message: string) => void,
    counters: FastCounters,
    options: FastOptions = {},
  ) {
    this.#control = control;
    this.#write = write;
    this.#end = end;
    this.#counters = counters;
    this.#streamsMax = options.streamsMax ?? 1_000;
    this.#parser = new FrameParser(this, { expectPreface: true });
  }

  start(): void {
    const out = this.#control;
    out.reserve(64);
    out.length = encodeSettings(out.bytes, out.length, [
      [SettingId.maxConcurrentStreams, this.#streamsMax],
      [SettingId.initialWindowSize, windowBytes],
    ]);
    out.length = encodeWindowUpdate(out.bytes, out.length, 0, windowBytes - initialConnectionWindowBytes);
    out.flush();
  }

  receive(chunk: Buffer): void {
    const repliesBefore = this.#counters.replies;
    this.#parser.receive(chunk);
    this.#guard.earn(this.#counters.replies - repliesBefore);
    if (this.#unannouncedBytes >= topUpBytes) {
      this.#control.reserve(13);
      this.#control.length = encodeWindowUpdate(this.#control.bytes, this.#control.length, 0, this.#unannouncedBytes);
      this.#unannouncedBytes = 0;
    }
  }

  /** The socket is gone: nothing more comes in or goes out. */
  stop(): void {
    this.#isDead = true;
    this.#parser.stop();
  }

  /** Replies and control frames written so far go to the socket. */
  flush(): void {
    this.#control.flush();
    if (this.#repliesLength > 0) this.#flushReplies();
  }

  onData(streamId: number, _bytes: Buffer, _start: number, _end: number, flowBytes: number, isEnd: boolean): void {
    this.#unannouncedBytes += flowBytes;
    if (isEnd) this.#answer(streamId);
    else if (flowBytes === 0) this.#spend();
  }

  onHeaders(
    streamId: number,
    _bytes: Buffer,
    _start: number,
    _end: number,
    isEndHeaders: boolean,
    isEnd: boolean,
  ): void {
    if (streamId > this.#lastStreamId) this.#lastStreamId = streamId;
    if (!isEnd) return;
    if (isEndHeaders) this.#answer(streamId);
    else this.#endsWithBlock = true;
  }

  onContinuation(streamId: number, _bytes: Buffer, _start: number, _end: number, isEndHeaders: boolean): void {
    this.#spend();
    if (!isEndHeaders || !this.#endsWithBlock) return;
    this.#endsWithBlock = false;
    this.#answer(streamId);
  }

  onSettingsStart(): void {
    this.#spend();
  }

  /** The peer's limits are for bodies, pushes and tables of ours: this profile has none. */
  onSetting(): void {}

  onSettingsEnd(): void {
    this.#control.reserve(9);
    this.#control.length = encodeSettingsAck(this.#control.bytes, this.#control.length);
  }

  onSettingsAck(): void {
    this.#spend();
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    this.#spend();
    if (isAck) return;
    this.#control.reserve(17);
    this.#control.length = encodePing(this.#control.bytes, this.#control.length, true, bytes, start);
  }

  onGoAway(): void {
    // Requests sent before it were answered on arrival; the peer closes when it has the answers.
    this.#spend();
  }

  onRstStream(): void {
    this.#spend();
  }

  onPriority(): void {
    this.#spend();
  }

  onWindowUpdate(): void {
    this.#spend();
  }

  onUnknown(): void {
    this.#spend();
  }

  onPushPromise(): void {
    this.#die(ErrorCode.protocolError, 'a client must not push'); // RFC 9113 §8.4
  }

  onFrameError(fault: FrameFault): void {
    // A stream that is idle cannot be reset (RFC 9113 §6.4), so its fault is the connection's.
    if (fault.scope === 'connection' || fault.streamId > this.#lastStreamId) {
      this.#die(fault.code, fault.message);
      return;
    }
    this.#spend();
    this.#control.reserve(13);
    this.#control.length = encodeRstStream(this.#control.bytes, this.#control.length, fault.streamId, fault.code);
  }

  /** The hot path: 4 octets of stream id and 8 digits into a reply that is already there. */
  #answer(streamId: number): void {
    if (this.#isDead) return;
    if (this.#repliesLength === slabBytes) this.#flushReplies();
    const bytes = this.#replies;
    const at = this.#repliesLength;
    const number = ++this.#counters.replies;
    bytes[at + streamIdAt] = streamId >>> 24;
    bytes[at + streamIdAt + 1] = streamId >>> 16;
    bytes[at + streamIdAt + 2] = streamId >>> 8;
    bytes[at + streamIdAt + 3] = streamId;
    for (let digitsAt = at + apnsIdDigitsAt, shift = 24; shift >= 0; shift -= 8, digitsAt += 2) {
      const octet = (number >>> shift) & 0xff;
      bytes[digitsAt] = hexHigh[octet];
      bytes[digitsAt + 1] = hexLow[octet];
    }
    this.#repliesLength = at + replyBytes;
    this.#counters.requests += 1;
  }

  #flushReplies(): void {
    const slab = this.#replies;
    const filled = slab.subarray(0, this.#repliesLength);
    this.#replies = this.#freeSlabs.pop() ?? prefilledSlab();
    this.#repliesLength = 0;
    this.#write(filled, () => {
      if (this.#freeSlabs.length < slabsKept) this.#freeSlabs.push(slab);
    });
  }

  #spend(): void {
    if (!this.#guard.trySpend()) this.#die(ErrorCode.enhanceYourCalm, 'too many frames that ask for nothing');
  }

  #die(code: number, message: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#parser.stop();
    this.flush();
    this.#control.reserve(17 + message.length);
    this.#control.length = encodeGoAway(
      this.#control.bytes,
      this.#control.length,
      this.#lastStreamId,
      code,
      Buffer.from(message, 'latin1'),
    );
    this.#control.flush();
    this.#end(message);
  }
}

function prefilledSlab(): Buffer {
  const slab = Buffer.allocUnsafeSlow(slabBytes);
  for (let at = 0; at < slabBytes; at += replyBytes) {
    encodeFrameHeader(slab, at, replyBlock.length, FrameType.headers, FrameFlag.endHeaders | FrameFlag.endStream, 0);
    replyBlock.copy(slab, at + 9);
  }
  return slab;
}
