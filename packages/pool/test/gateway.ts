// The other side of a connection, as a script plays it: it reads frames with @carillon/frames, answers requests unless it
// is told to hold them, and does whatever else a test wants. Over any Duplex: a TLS socket, or a pipe in memory.
import type { Duplex } from 'node:stream';
import {
  ErrorCode,
  FrameFlag,
  FrameParser,
  HpackDecoder,
  HpackEncoder,
  encodeGoAway,
  encodeHeaders,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
} from '@carillon/frames';
import type { DecodedField, FrameSink } from '@carillon/frames';

export { ErrorCode, SettingId } from '@carillon/frames';

export interface GatewayOptions {
  /** Sent at once; null: it says nothing of its own accord. */
  readonly settings?: readonly (readonly [id: number, value: number])[] | null;
  /** False: requests wait until `answer` is called. Default true. */
  readonly answers?: boolean;
  /** False: no WINDOW_UPDATE. Default true. */
  readonly opensWindow?: boolean;
}

export interface Request {
  readonly streamId: number;
  /** The last part of the path. */
  readonly name: string;
}

export class Gateway implements FrameSink {
  readonly stream: Duplex;
  /** Complete requests, answered or not, in order. */
  readonly requests: Request[] = [];
  /** Streams whose request is complete and not answered. */
  readonly waiting = new Set<number>();
  readonly pings: number[] = [];
  readonly resets: number[] = [];
  goAways = 0;
  settingsAcks = 0;
  streamsPeak = 0;
  answers: boolean;
  /** Called with each complete request before it is answered. */
  onRequest: (request: Request) => void = () => undefined;
  readonly #opensWindow: boolean;
  readonly #hasBegun: boolean;
  readonly #parser: FrameParser = new FrameParser(this, { expectPreface: true });
  readonly #decoder: HpackDecoder = new HpackDecoder();
  readonly #encoder: HpackEncoder = new HpackEncoder();
  readonly #names = new Map<number, string>();
  readonly #out = Buffer.alloc(4096);
  readonly #unsent: Buffer[] = [];
  #path = '';
  #highest = 0;
  #windowOwed = 0;

  constructor(stream: Duplex, options: GatewayOptions = {}) {
    this.stream = stream;
    this.answers = options.answers ?? true;
    this.#opensWindow = options.opensWindow ?? true;
    this.#hasBegun = options.settings !== null;
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      this.#parser.receive(chunk);
      this.#raiseWindow();
    });
    stream.on('end', () => {
      stream.end();
    });
    if (this.#hasBegun) this.settings(options.settings ?? []);
  }

  /** The highest stream it has seen. */
  get lastStreamId(): number {
    return this.#highest;
  }

  settings(values: readonly (readonly [id: number, value: number])[]): void {
    this.#write((out) => encodeSettings(out, 0, values));
  }

  answer(streamId: number, status = 200): void {
    if (!this.waiting.delete(streamId)) return;
    const block = Buffer.alloc(64);
    const end = this.#encoder.encode([{ name: ':status', value: String(status) }], block, 0);
    this.#write((out) => encodeHeaders(out, 0, streamId, block, 0, end, FrameFlag.endHeaders | FrameFlag.endStream));
  }

  answerAll(status = 200): void {
    for (const id of [...this.waiting]) this.answer(id, status);
  }

  reset(streamId: number, code: number): void {
    this.waiting.delete(streamId);
    this.#write((out) => encodeRstStream(out, 0, streamId, code));
  }

  goAway(lastStreamId: number, code: number = ErrorCode.noError, debug = ''): void {
    this.#write((out) => encodeGoAway(out, 0, lastStreamId, code, Buffer.from(debug)));
  }

  ping(): void {
    this.#write((out) => encodePing(out, 0, false, Buffer.alloc(8), 0));
  }

  /** Raises the window of the connection. */
  grant(bytes: number): void {
    this.#write((out) => encodeWindowUpdate(out, 0, 0, bytes));
  }

  /** Any octets. */
  raw(bytes: Buffer): void {
    this.#send(bytes);
  }

  onData(streamId: number, _bytes: Buffer, _start: number, _end: number, flowBytes: number, isEnd: boolean): void {
    this.#windowOwed += flowBytes;
    if (isEnd) this.#complete(streamId);
  }

  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, _isEndHeaders: boolean, isEnd: boolean): void {
    this.#path = '';
    const fault = this.#decoder.decode(bytes, start, end, this);
    if (fault !== null) throw new Error(`the client sent a bad field block: ${fault.message}`);
    if (streamId <= this.#highest) throw new Error(`stream ${streamId} after ${this.#highest}`);
    this.#highest = streamId;
    this.#names.set(streamId, this.#path.split('/').at(-1) ?? '');
    this.streamsPeak = Math.max(this.streamsPeak, this.#names.size + this.waiting.size);
    if (isEnd) this.#complete(streamId);
  }

  onField(field: DecodedField): void {
    if (field.name() === ':path') this.#path = field.value();
  }

  onRstStream(streamId: number, errorCode: number): void {
    this.waiting.delete(streamId);
    this.resets.push(errorCode);
  }

  onSettingsStart(): void {}

  onSetting(): void {}

  onSettingsEnd(): void {
    if (this.#hasBegun) this.#write((out) => encodeSettingsAck(out, 0));
  }

  onSettingsAck(): void {
    this.settingsAcks++;
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    if (isAck) return;
    this.pings.push(bytes.readUInt32BE(start + 4));
    const payload = Buffer.from(bytes.subarray(start, start + 8));
    this.#write((out) => encodePing(out, 0, true, payload, 0));
  }

  onGoAway(): void {
    this.goAways++;
  }

  onPriority(): void {
    throw new Error('the client sent PRIORITY');
  }

  onPushPromise(): void {
    throw new Error('the client sent PUSH_PROMISE');
  }

  onWindowUpdate(): void {}

  onContinuation(): void {
    throw new Error('the client sent CONTINUATION');
  }

  onUnknown(type: number): void {
    throw new Error(`the client sent a frame of type ${type}`);
  }

  onFrameError(fault: { message: string }): void {
    throw new Error(`the client sent a broken frame: ${fault.message}`);
  }

  #complete(streamId: number): void {
    const request = { streamId, name: this.#names.get(streamId) ?? '' };
    this.#names.delete(streamId);
    this.requests.push(request);
    this.waiting.add(streamId);
    this.onRequest(request);
    if (this.answers) this.answer(streamId);
  }

  #raiseWindow(): void {
    const owed = this.#windowOwed;
    if (!this.#opensWindow || owed === 0) return;
    this.#windowOwed = 0;
    this.#write((out) => encodeWindowUpdate(out, 0, 0, owed));
  }

  #write(encode: (out: Buffer) => number): void {
    this.#send(Buffer.from(this.#out.subarray(0, encode(this.#out))));
  }

  /** What is written in one turn goes out in one piece. */
  #send(bytes: Buffer): void {
    this.#unsent.push(bytes);
    if (this.#unsent.length > 1) return;
    process.nextTick(() => {
      const all = Buffer.concat(this.#unsent.splice(0));
      if (!this.stream.destroyed && !this.stream.writableEnded) this.stream.write(all);
    });
  }
}
