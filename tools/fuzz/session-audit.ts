// What a strict server knows of its client: reads what the session wrote and what it was sent, and holds the one against
// the other: frames, ids, states, both flow-control windows, field blocks and bodies.
import { FrameParser, HpackDecoder, SettingId, frameBytesDefault } from '../../packages/frames/src/index.ts';
import type { DecodedField, FieldSink, FrameFault, FrameSink } from '../../packages/frames/src/index.ts';
import { FuzzFault, require } from './fuzz-target.ts';

/** RFC 9113 §6.9.2. */
const windowBytesFirst = 65_535;
export const tokenBytes = 16;

interface ClientStream {
  readonly tag: number;
  window: number;
  /** Next octet of the body, and its end. */
  bodyAt: number;
  readonly bodyEnd: number;
  /** The client sent END_STREAM or RST_STREAM. */
  isEnded: boolean;
  /** The session told its owner that it is over; set between two looks. */
  isOver: boolean;
}

/** What was asked of the session, so that what it wrote can be compared. */
export interface OpenedRequest {
  readonly tag: number;
  readonly tokenAt: number;
  readonly bodyAt: number;
  readonly bodyEnd: number;
}

export class SessionAudit {
  /** The peer's settings as they were acknowledged. */
  streamsMax = Infinity;
  initialWindowBytes: number = windowBytesFirst;
  frames = 0;
  readonly #source: Buffer;
  readonly #requests = new Map<number, OpenedRequest>();
  readonly #streams = new Map<number, ClientStream>();
  /** By id: what WINDOW_UPDATE gave to streams that are yet to open. */
  readonly #early = new Map<number, number>();
  readonly #decoder: HpackDecoder = new HpackDecoder({ headerListBytesMax: 1 << 16 });
  readonly #path = new PathSink();
  #connectionWindow = windowBytesFirst;
  #frameBytesMax = frameBytesDefault;
  #lastId = 0;
  #isGone = false;
  /** SETTINGS of the peer's that wait for their acknowledgement. */
  readonly #settings: (readonly [id: number, value: number])[][] = [];
  /** A field block in several frames. */
  #block: Buffer | null = null;
  #blockIsEnd = false;
  readonly #written: FrameParser;
  readonly #sent: FrameParser;

  constructor(source: Buffer) {
    this.#source = source;
    this.#written = new FrameParser(this.#writtenSink(), { expectPreface: true, frameBytesMax: 0xffffff });
    this.#sent = new FrameParser(this.#sentSink());
  }

  get unacknowledged(): number {
    return this.#settings.length;
  }

  opened(id: number, request: OpenedRequest): void {
    this.#requests.set(id, request);
  }

  over(tag: number): void {
    for (const stream of this.#streams.values()) if (stream.tag === tag) stream.isOver = true;
  }

  /** To be called before the session sees them: a window that grows may be used at once. */
  sent(bytes: Buffer): void {
    this.#sent.receive(bytes);
  }

  written(bytes: Buffer): void {
    this.#written.receive(bytes);
  }

  /** Everything that was written was whole frames. */
  end(): void {
    require(this.#written.bufferedBytes === 0, 'the session wrote half a frame');
    require(this.#block === null, 'the session wrote half a field block');
  }

  #onBlock(id: number, bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const request = this.#requests.get(id);
    require(request !== undefined, `HEADERS on stream ${id}, which was not opened`);
    require(id % 2 === 1 && id > this.#lastId, `stream ${id} after ${this.#lastId}`);
    this.#lastId = id;
    this.#path.begin(this.#source, request!.tokenAt);
    const fault = this.#decoder.decode(bytes, start, end, this.#path);
    require(fault === null, `a field block that nobody reads: ${fault?.message ?? ''}`);
    require(this.#path.isRight, 'a request for another device');
    const { tag, bodyAt, bodyEnd } = request!;
    require(isEnd === (bodyAt === bodyEnd), 'END_STREAM at the wrong place');
    const window = this.initialWindowBytes + (this.#early.get(id) ?? 0);
    this.#streams.set(id, { tag, window, bodyAt, bodyEnd, isEnded: isEnd, isOver: false });
  }

  #onData(id: number, bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const stream = this.#streams.get(id);
    require(stream !== undefined && !stream.isEnded, `DATA on stream ${id}, which is not open`);
    const { isOver, bodyAt, bodyEnd } = stream!;
    require(!isOver, `DATA on stream ${id}, whose end was told`);
    const length = end - start;
    require(length <= this.#frameBytesMax, 'DATA larger than the peer takes');
    require(length > 0, 'DATA without octets');
    stream!.window -= length;
    this.#connectionWindow -= length;
    require(stream!.window >= 0, `${-stream!.window} octets beyond the window of stream ${id}`);
    require(this.#connectionWindow >= 0, `${-this.#connectionWindow} octets beyond the window of the connection`);
    require(bodyAt + length <= bodyEnd, 'a longer body than was given');
    require(bytes.compare(this.#source, bodyAt, bodyAt + length, start, end) === 0, 'another body than was given');
    stream!.bodyAt += length;
    require(isEnd === (stream!.bodyAt === bodyEnd), 'END_STREAM at the wrong place');
    stream!.isEnded = isEnd;
  }

  #applySettings(): void {
    const settings = this.#settings.shift();
    require(settings !== undefined, 'SETTINGS acknowledged that were not sent');
    for (const [id, value] of settings!) {
      switch (id) {
        case SettingId.headerTableSize:
          this.#decoder.setTableBytesMax(value);
          break;
        case SettingId.maxConcurrentStreams:
          this.streamsMax = value;
          break;
        case SettingId.initialWindowSize:
          for (const stream of this.#streams.values()) stream.window += value - this.initialWindowBytes;
          this.initialWindowBytes = value;
          break;
        case SettingId.maxFrameSize:
          this.#frameBytesMax = value;
          break;
        default:
      }
    }
  }

  /** Every frame the session wrote. */
  #frame(): void {
    require(!this.#isGone, 'a frame after GOAWAY');
    this.frames += 1;
  }

  #writtenSink(): FrameSink {
    return {
      onData: (id, bytes, start, end, _flowBytes, isEnd) => {
        this.#frame();
        this.#onData(id, bytes, start, end, isEnd);
      },
      onHeaders: (id, bytes, start, end, isEndHeaders, isEnd) => {
        this.#frame();
        require(end - start <= this.#frameBytesMax, 'HEADERS larger than the peer takes');
        if (isEndHeaders) return this.#onBlock(id, bytes, start, end, isEnd);
        this.#block = Buffer.from(bytes.subarray(start, end));
        this.#blockIsEnd = isEnd;
      },
      onContinuation: (id, bytes, start, end, isEndHeaders) => {
        this.#frame();
        this.#block = Buffer.concat([this.#block ?? Buffer.alloc(0), bytes.subarray(start, end)]);
        if (!isEndHeaders) return;
        this.#onBlock(id, this.#block, 0, this.#block.length, this.#blockIsEnd);
        this.#block = null;
      },
      onRstStream: (id) => {
        this.#frame();
        require(id % 2 === 1 && id <= this.#lastId, `RST_STREAM on idle stream ${id}`);
        const stream = this.#streams.get(id);
        if (stream !== undefined) stream.isEnded = true;
      },
      onSettingsStart: () => this.#frame(),
      onSetting: () => {},
      onSettingsEnd: () => {},
      onSettingsAck: () => {
        this.#frame();
        this.#applySettings();
      },
      onPing: () => this.#frame(),
      onGoAway: (lastStreamId) => {
        this.#frame();
        require(lastStreamId === 0, 'GOAWAY names a stream of the peer');
        this.#isGone = true;
      },
      onWindowUpdate: (id) => {
        this.#frame();
        require(id === 0, 'WINDOW_UPDATE on a stream');
      },
      onPriority: never('PRIORITY'),
      onPushPromise: never('PUSH_PROMISE'),
      onUnknown: never('a frame of unknown type'),
      onFrameError: (fault: FrameFault) => {
        throw new FuzzFault(`the session wrote a broken frame: ${fault.message}`);
      },
    };
  }

  /** What changes the windows and the settings; everything else is the session's to judge. */
  #sentSink(): FrameSink {
    let settings: [number, number][] = [];
    return {
      onSettingsStart: () => {
        settings = [];
      },
      onSetting: (id, value) => {
        settings.push([id, value]);
      },
      onSettingsEnd: () => {
        this.#settings.push(settings);
      },
      onWindowUpdate: (id, increment) => {
        if (id === 0) this.#connectionWindow += increment;
        const stream = this.#streams.get(id);
        // One chunk may both make a handler open a stream and widen its window: the audit sees the chunk first.
        if (stream === undefined) this.#early.set(id, (this.#early.get(id) ?? 0) + increment);
        else stream.window += increment;
      },
      onData: ignored,
      onHeaders: ignored,
      onContinuation: ignored,
      onRstStream: ignored,
      onSettingsAck: ignored,
      onPing: ignored,
      onGoAway: ignored,
      onPriority: ignored,
      onPushPromise: ignored,
      onUnknown: ignored,
      onFrameError: ignored,
    };
  }
}

const ignored = (): void => {};

function never(what: string): () => never {
  return () => {
    throw new FuzzFault(`the session wrote ${what}`);
  };
}

/** Looks for the device token that the request was opened with. */
class PathSink implements FieldSink {
  isRight = false;
  #source: Buffer = Buffer.alloc(0);
  #tokenAt = 0;

  begin(source: Buffer, tokenAt: number): void {
    this.isRight = false;
    this.#source = source;
    this.#tokenAt = tokenAt;
  }

  onField(field: DecodedField): void {
    // 4 is the static index of :path.
    if (field.nameId !== 4) return;
    const { valueBytes, valueEnd } = field;
    const start = valueEnd - tokenBytes;
    this.isRight = valueBytes.compare(this.#source, this.#tokenAt, this.#tokenAt + tokenBytes, start, valueEnd) === 0;
  }
}
