// A gateway in a straight line: act, expect frames, answer frames. `scripted-peer.test.ts` is its manual.
//
// The session under test writes into a real outbox; what it wrote is parsed by the server's half of @carillon/frames
// and checked frame by frame. Time is a number that the script moves.
/* oxlint-disable vitest/no-standalone-expect -- a harness expects on behalf of the tests that call it. */
import { expect } from 'vitest';
import {
  ErrorCode,
  FrameFlag,
  FrameParser,
  HeaderTemplate,
  HpackDecoder,
  HpackEncoder,
  encodeContinuation,
  encodeData,
  encodeFrameHeader,
  encodeGoAway,
  encodeHeaders,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  fieldsBytesMax,
  frameHeaderBytes,
} from '@carillon/frames';
import type { HeaderField } from '@carillon/frames';
import { Session } from '@carillon/session';
import type {
  GoAwayNotice,
  Outbox,
  Reply,
  SessionClosure,
  SessionEvents,
  SessionOptions,
  StreamFailure,
} from '@carillon/session';

export { ErrorCode, FrameFlag, FrameType, SettingId } from '@carillon/frames';

/** What the session wrote, as the server reads it. */
export type WrittenFrame =
  | { type: 'settings'; values: Record<number, number> }
  | { type: 'settings-ack' }
  | { type: 'headers'; id: number; fields: Record<string, string>; isEnd: boolean }
  | { type: 'data'; id: number; text: string; isEnd: boolean }
  | { type: 'rst-stream'; id: number; code: number }
  | { type: 'ping'; isAck: boolean; payload: string }
  | { type: 'goaway'; lastStreamId: number; code: number }
  | { type: 'window-update'; id: number; increment: number }
  | { type: 'other'; what: string };

/** What the session told its owner. */
export type Told =
  | { event: 'reply'; tag: number; status: number; body: string; isBodyTruncated: boolean; apnsId: string | null }
  | ({ event: 'failure'; tag: number } & StreamFailure)
  | { event: 'settings' }
  | ({ event: 'goaway' } & GoAwayNotice)
  | { event: 'pong'; rttMs: number }
  | ({ event: 'closed' } & SessionClosure);

export class GrowingOutbox implements Outbox {
  bytes: Buffer = Buffer.alloc(4_096);
  length = 0;

  reserve(size: number): void {
    if (this.bytes.length - this.length >= size) return;
    const grown = Buffer.alloc((this.length + size) * 2);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}

type Handlers = { [Name in keyof SessionEvents]?: SessionEvents[Name] };
export type PeerOptions = Omit<SessionOptions, 'outbox'> & {
  /** Called besides the recording, for scripts in which the owner acts from inside an event. */
  readonly handlers?: Handlers;
};

export class ScriptedPeer {
  readonly session: Session;
  readonly outbox: GrowingOutbox = new GrowingOutbox();
  readonly encoder: HpackEncoder = new HpackEncoder();
  now = 1_000;
  #template: HeaderTemplate;
  readonly #reader: WrittenFrames = new WrittenFrames();
  #told: Told[] = [];

  /** The session has written its opening, and waits for ours. */
  constructor(options: PeerOptions = {}) {
    const { handlers = {}, ...own } = options;
    const record = (told: Told): void => {
      this.#told.push(told);
    };
    this.session = new Session(
      { outbox: this.outbox, ...own },
      {
        onReply: (tag, reply) => {
          record(describeReply(tag, reply));
          handlers.onReply?.(tag, reply);
        },
        onFailure: (tag, failure) => {
          record({ event: 'failure', tag, ...failure });
          handlers.onFailure?.(tag, failure);
        },
        onSettings: (session) => {
          record({ event: 'settings' });
          handlers.onSettings?.(session);
        },
        onGoAway: (goAway) => {
          record({ event: 'goaway', ...goAway });
          handlers.onGoAway?.(goAway);
        },
        onPong: (rttMs) => {
          record({ event: 'pong', rttMs });
          handlers.onPong?.(rttMs);
        },
        onClosed: (closure) => {
          record({ event: 'closed', ...closure });
          handlers.onClosed?.(closure);
        },
      },
    );
    this.#template = new HeaderTemplate(this.session.encoder, [
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: 'https' },
      { name: ':path', prefix: '/3/device/', slot: 0, indexing: 'without' },
      { name: ':authority', value: 'api.push.apple.com' },
      { name: 'apns-topic', value: 'com.example.app' },
    ]);
    this.session.start(this.now);
  }

  /** A session past the exchange of SETTINGS. */
  static connected(options: PeerOptions = {}, settings: readonly (readonly [number, number])[] = []): ScriptedPeer {
    const peer = new ScriptedPeer(options);
    peer.settings(settings);
    peer.settingsAck();
    peer.takeFrames();
    peer.takeTold();
    return peer;
  }

  // ── the owner acts ────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens a stream; the tag is 100 + its number, counted from 1. Returns the id, 0 when there was no slot. */
  open(body = '{"aps":{}}', tag: number = 101 + this.session.counters.streamsOpened): number {
    const bytes = Buffer.from(`00ff${body}`);
    return this.session.open(this.#template, bytes, Int32Array.of(0, 4), 0, 4, bytes.length, tag, this.now);
  }

  openMany(count: number, body?: string): number[] {
    return Array.from({ length: count }, () => this.open(body));
  }

  /** Time passes, and the owner ticks in time: at every `wakeAt` on the way. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.session.wakeAt() <= until) {
      this.now = Math.max(this.now, this.session.wakeAt());
      this.session.tick(this.now);
    }
    this.now = until;
  }

  /** Time passes while the owner's event loop stands still; then one tick. */
  stall(ms: number): void {
    this.now += ms;
    this.session.tick(this.now);
  }

  // ── the peer acts ─────────────────────────────────────────────────────────────────────────────────────────────

  send(bytes: Buffer): void {
    this.session.receive(bytes, this.now);
  }

  settings(values: readonly (readonly [number, number])[] = []): void {
    this.send(frame(9 + values.length * 6, (target) => encodeSettings(target, 0, values)));
  }

  settingsAck(): void {
    this.send(frame(9, (target) => encodeSettingsAck(target, 0)));
  }

  headers(
    id: number,
    fields: Record<string, string | number> | readonly HeaderField[],
    flags: { isEnd?: boolean } = {},
  ): void {
    const block = this.block(fields);
    const bits = FrameFlag.endHeaders | (flags.isEnd === true ? FrameFlag.endStream : 0);
    this.send(frame(9 + block.length, (target) => encodeHeaders(target, 0, id, block, 0, block.length, bits)));
  }

  /** One field block in several frames. */
  headersInParts(id: number, parts: readonly Buffer[], flags: { isEnd?: boolean } = {}): void {
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1 ? FrameFlag.endHeaders : 0;
      const bits = last | (index === 0 && flags.isEnd === true ? FrameFlag.endStream : 0);
      const encode = index === 0 ? encodeHeaders : encodeContinuation;
      this.send(frame(9 + part.length, (target) => encode(target, 0, id, part, 0, part.length, bits)));
    }
  }

  block(fields: Record<string, string | number> | readonly HeaderField[]): Buffer {
    const list = Array.isArray(fields)
      ? (fields as readonly HeaderField[])
      : Object.entries(fields).map(([name, value]) => ({ name, value: String(value) }));
    return frame(fieldsBytesMax(list), (target) => this.encoder.encode(list, target, 0));
  }

  data(id: number, body: string | Buffer, flags: { isEnd?: boolean } = {}): void {
    const bytes = Buffer.from(body);
    this.send(
      frame(9 + bytes.length, (target) => encodeData(target, 0, id, bytes, 0, bytes.length, flags.isEnd === true)),
    );
  }

  /** A whole reply; with a body it takes HEADERS and DATA. */
  reply(id: number, status = 200, body = ''): void {
    const fields = { ':status': status, 'apns-id': `00000000-0000-0000-0000-${String(id).padStart(12, '0')}` };
    this.headers(id, fields, { isEnd: body === '' });
    if (body !== '') this.data(id, body, { isEnd: true });
  }

  rstStream(id: number, code: number): void {
    this.send(frame(13, (target) => encodeRstStream(target, 0, id, code)));
  }

  goAway(lastStreamId: number, code: number = ErrorCode.noError, debug = ''): void {
    const bytes = Buffer.from(debug);
    this.send(frame(17 + bytes.length, (target) => encodeGoAway(target, 0, lastStreamId, code, bytes)));
  }

  ping(payload = '12345678'): void {
    this.send(frame(17, (target) => encodePing(target, 0, false, Buffer.from(payload), 0)));
  }

  pong(payload: string): void {
    this.send(frame(17, (target) => encodePing(target, 0, true, Buffer.from(payload, 'latin1'), 0)));
  }

  windowUpdate(id: number, increment: number): void {
    this.send(frame(13, (target) => encodeWindowUpdate(target, 0, id, increment)));
  }

  /** Any frame, also one that no encoder would write. */
  raw(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): void {
    this.send(rawFrame(type, flags, id, payload));
  }

  // ── what came of it ───────────────────────────────────────────────────────────────────────────────────────────

  /** Everything written since the last look, acknowledgements included. */
  takeFrames(): WrittenFrame[] {
    return this.#reader.read(this.outbox.take());
  }

  /** Everything told since the last look. */
  takeTold(): Told[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  expectFrames(...frames: readonly Partial<WrittenFrame>[]): void {
    expect(this.takeFrames()).toMatchObject(frames);
  }

  expectTold(...told: readonly Partial<Told>[]): void {
    expect(this.takeTold()).toMatchObject(told);
  }

  expectNothing(): void {
    expect({ frames: this.takeFrames(), told: this.takeTold() }).toEqual({ frames: [], told: [] });
  }

  /** The session closed for what the peer did; nothing comes after. */
  expectConnectionError(code: number, kind: SessionClosure['kind'] = 'protocol-error'): void {
    expect(this.takeFrames().at(-1)).toEqual({ type: 'goaway', lastStreamId: 0, code });
    const told = this.takeTold();
    expect(told.filter(({ event }) => event === 'closed')).toHaveLength(1);
    expect(told.at(-1)).toMatchObject({ event: 'closed', kind, errorCode: code });
    expect(this.session.state).toBe('closed');
  }
}

/** Reads what a client writes: `WrittenFrame`s with field blocks decoded. */
export class WrittenFrames {
  readonly #decoder: HpackDecoder = new HpackDecoder();
  readonly #parser: FrameParser;
  #frames: WrittenFrame[] = [];
  #values: Record<number, number> = {};
  #fragments: { id: number; parts: Buffer[]; isEnd: boolean } | null = null;

  constructor() {
    const push = (written: WrittenFrame): void => {
      this.#frames.push(written);
    };
    const other = (what: string) => (): void => push({ type: 'other', what });
    const finishBlock = (): void => {
      const { id, parts, isEnd } = this.#fragments!;
      this.#fragments = null;
      push({ type: 'headers', id, fields: decodeBlock(this.#decoder, Buffer.concat(parts)), isEnd });
    };
    this.#parser = new FrameParser(
      {
        onData: (id, bytes, start, end, _flowBytes, isEnd) =>
          push({ type: 'data', id, text: bytes.toString('utf8', start, end), isEnd }),
        onHeaders: (id, bytes, start, end, isEndHeaders, isEnd) => {
          this.#fragments = { id, parts: [Buffer.from(bytes.subarray(start, end))], isEnd };
          if (isEndHeaders) finishBlock();
        },
        onContinuation: (_id, bytes, start, end, isEndHeaders) => {
          this.#fragments!.parts.push(Buffer.from(bytes.subarray(start, end)));
          if (isEndHeaders) finishBlock();
        },
        onPriority: other('PRIORITY'),
        onRstStream: (id, code) => push({ type: 'rst-stream', id, code }),
        onSettingsStart: () => {
          this.#values = {};
        },
        onSetting: (id, value) => {
          this.#values[id] = value;
        },
        onSettingsEnd: () => push({ type: 'settings', values: this.#values }),
        onSettingsAck: () => push({ type: 'settings-ack' }),
        onPushPromise: other('PUSH_PROMISE'),
        onPing: (isAck, bytes, start) =>
          push({ type: 'ping', isAck, payload: bytes.toString('latin1', start, start + 8) }),
        onGoAway: (lastStreamId, code) => push({ type: 'goaway', lastStreamId, code }),
        onWindowUpdate: (id, increment) => push({ type: 'window-update', id, increment }),
        onUnknown: other('a frame of unknown type'),
        onFrameError: (fault) => push({ type: 'other', what: `broken: ${fault.message}` }),
      },
      { expectPreface: true },
    );
  }

  read(bytes: Buffer): WrittenFrame[] {
    this.#parser.receive(bytes);
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }
}

export function rawFrame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  encodeFrameHeader(bytes, 0, payload.length, type, flags, id);
  payload.copy(bytes, frameHeaderBytes);
  return bytes;
}

function frame(bytesMax: number, encode: (target: Buffer) => number): Buffer {
  const target = Buffer.alloc(bytesMax);
  return target.subarray(0, encode(target));
}

function decodeBlock(decoder: HpackDecoder, block: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  const fault = decoder.decode(block, 0, block.length, {
    onField: (field) => {
      fields[field.name()] = field.value();
    },
  });
  if (fault !== null) fields['fault'] = fault.message;
  return fields;
}

function describeReply(tag: number, reply: Reply): Told {
  return {
    event: 'reply',
    tag,
    status: reply.status,
    body: reply.bodyText(),
    isBodyTruncated: reply.isBodyTruncated,
    apnsId: reply.header('apns-id'),
  };
}
