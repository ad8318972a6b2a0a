// A raw HTTP/2 client for tests: writes exactly the octets it is told and keeps every frame it sees, so that a test
// reads as a script in a straight line. Its manual is test-client.test.ts.
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import {
  clientPreface,
  encodeData,
  encodeHeaders,
  encodePing,
  encodeSettings,
  encodeSettingsAck,
  fieldsBytesMax,
  FrameFlag,
  FrameParser,
  HpackDecoder,
  HpackEncoder,
} from '@carillon/frames';
import type { FrameFault, FrameSink, HeaderField } from '@carillon/frames';

import type { SimulatorIdentity } from '../src/index.ts';
import { providerToken } from './provider-token.ts';

export type SeenFrame =
  | {
      readonly kind: 'headers';
      readonly streamId: number;
      readonly fields: Readonly<Record<string, string>>;
      readonly isEnd: boolean;
      readonly pieces: number;
    }
  | { readonly kind: 'data'; readonly streamId: number; readonly body: string; readonly isEnd: boolean }
  | { readonly kind: 'rst'; readonly streamId: number; readonly code: number }
  | { readonly kind: 'settings'; readonly values: Readonly<Record<number, number>> }
  | { readonly kind: 'settings-ack' }
  | { readonly kind: 'ping'; readonly isAck: boolean; readonly payload: string }
  | { readonly kind: 'goaway'; readonly lastStreamId: number; readonly code: number; readonly debug: string }
  | { readonly kind: 'window-update'; readonly streamId: number; readonly increment: number }
  | { readonly kind: 'push-promise' | 'priority'; readonly streamId: number }
  | { readonly kind: 'unknown'; readonly type: number }
  | { readonly kind: 'fault'; readonly message: string };

export interface ClientTarget {
  readonly port: number;
  readonly identity: SimulatorIdentity;
}

export interface ClientOptions {
  readonly alpn?: readonly string[];
  readonly certificate?: { readonly certificatePem: string; readonly keyPem: string };
  /** Default: preface and empty SETTINGS go out, SETTINGS are acknowledged. */
  readonly greets?: boolean;
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Default: PINGs are seen and not answered. */
  readonly answersPings?: boolean;
}

/** A test waits this long for a frame before it says what it saw instead. */
const waitMs = 20_000;

export const goodToken: string = 'ab'.repeat(32);

export class TestClient implements FrameSink {
  readonly frames: SeenFrame[] = [];
  readonly socket: TLSSocket;
  isClosed = false;
  closeError: string | null = null;
  bytesReceived = 0;
  /** Lengths of the chunks as TLS delivered them: one a record. */
  readonly chunkLengths: number[] = [];
  readonly #parser = new FrameParser(this, { frameBytesMax: 0xffffff });
  readonly #decoder = new HpackDecoder({ headerListBytesMax: 1_000_000, fieldsMax: 1_000 });
  readonly #encoder = new HpackEncoder();
  readonly #identity: SimulatorIdentity;
  /** One for the connection's life: a second one within 20 minutes is refused. */
  readonly #providerToken: string;
  #answersPings = false;
  #nextStreamId = 1;
  #block: Buffer[] = [];
  #blockStreamId = 0;
  #blockEnds = false;
  #settings: Record<number, number> = {};
  readonly #waiting = new Set<() => void>();

  static async connect(target: ClientTarget, options: ClientOptions = {}): Promise<TestClient> {
    const socket = connect({
      port: target.port,
      host: '127.0.0.1',
      ca: target.identity.ca,
      ...(options.alpn === undefined ? { ALPNProtocols: ['h2'] } : { ALPNProtocols: [...options.alpn] }),
      ...(options.certificate === undefined
        ? {}
        : { cert: options.certificate.certificatePem, key: options.certificate.keyPem }),
    });
    const client = new TestClient(socket, target.identity);
    client.#answersPings = options.answersPings ?? false;
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    if (options.greets !== false) {
      const greeting = Buffer.alloc(256);
      clientPreface.copy(greeting);
      client.write(greeting.subarray(0, encodeSettings(greeting, clientPreface.length, options.settings ?? [])));
    }
    return client;
  }

  constructor(socket: TLSSocket, identity: SimulatorIdentity) {
    this.socket = socket;
    this.#identity = identity;
    this.#providerToken = providerToken(identity);
    socket.on('data', (chunk: Buffer) => {
      this.bytesReceived += chunk.length;
      this.chunkLengths.push(chunk.length);
      this.#parser.receive(chunk);
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (this.closeError = error.code ?? error.message));
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** A push as it should be, with changes: a field set to null is left out. Returns the stream id. */
  push(changes: Readonly<Record<string, string | null>> = {}, body: string | Buffer = '{"aps":{}}'): number {
    const base: Record<string, string | null> = {
      ':method': 'POST',
      ':scheme': 'https',
      ':path': `/3/device/${goodToken}`,
      ':authority': 'localhost',
      authorization: `bearer ${this.#providerToken}`,
      'apns-topic': this.#identity.topic,
      ...changes,
    };
    const fields = Object.entries(base).flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
    const pseudoFirst = [
      ...fields.filter(({ name }) => name.startsWith(':')),
      ...fields.filter(({ name }) => !name.startsWith(':')),
    ];
    const streamId = this.openStream(pseudoFirst);
    this.sendBody(streamId, Buffer.from(body), true);
    return streamId;
  }

  openStream(fields: readonly HeaderField[], isEnd = false): number {
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    const block = Buffer.alloc(fieldsBytesMax(fields));
    const length = this.#encoder.encode(fields, block, 0);
    const frame = Buffer.alloc(9 + length);
    encodeHeaders(frame, 0, streamId, block, 0, length, FrameFlag.endHeaders | (isEnd ? FrameFlag.endStream : 0));
    this.write(frame);
    return streamId;
  }

  sendBody(streamId: number, body: Buffer, isEnd: boolean): void {
    const frame = Buffer.alloc(9 + body.length);
    encodeData(frame, 0, streamId, body, 0, body.length, isEnd);
    this.write(frame);
  }

  /** The first frame that fits, seen already or still to come. */
  async until<Kind extends SeenFrame['kind']>(
    kind: Kind,
    fits: (frame: Extract<SeenFrame, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<SeenFrame, { kind: Kind }>> {
    const isIt = (frame: SeenFrame): frame is Extract<SeenFrame, { kind: Kind }> =>
      frame.kind === kind && fits(frame as Extract<SeenFrame, { kind: Kind }>); // the kind was compared
    await this.untilTrue(`a ${kind} frame`, () => this.frames.some(isIt));
    const found = this.frames.find(isIt);
    if (found === undefined) throw new Error('unreachable: it was just seen');
    return found;
  }

  /** The whole answer of one stream. */
  async answer(streamId: number): Promise<{ status: string; fields: Readonly<Record<string, string>>; body: string }> {
    const ofStream = (): SeenFrame[] =>
      this.frames.filter((frame) => 'streamId' in frame && frame.streamId === streamId);
    await this.untilTrue(`the answer on stream ${streamId}`, () =>
      ofStream().some((frame) => (frame.kind === 'headers' || frame.kind === 'data') && frame.isEnd),
    );
    const headers = ofStream().find(
      (frame) => frame.kind === 'headers' && !(frame.fields[':status'] ?? '').startsWith('1'),
    );
    if (headers?.kind !== 'headers') throw new Error('an answer without HEADERS');
    const body = ofStream()
      .map((frame) => (frame.kind === 'data' ? frame.body : ''))
      .join('');
    return { status: headers.fields[':status'] ?? '', fields: headers.fields, body };
  }

  async untilClosed(): Promise<void> {
    await this.untilTrue('the end of the connection', () => this.isClosed);
  }

  async untilTrue(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = Date.now() + waitMs;
    while (!isTrue()) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.isClosed) {
        const seen = this.frames.slice(-20).map((frame) => JSON.stringify(frame));
        throw new Error(
          `waited for ${what}${this.isClosed ? ', but the connection closed' : ''}; saw\n${seen.join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }

  /** Every test that waits looks again. */
  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  // ── FrameSink ──────────────────────────────────────────────────────────────────────────────────────────────────

  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void {
    this.#block = [Buffer.from(bytes.subarray(start, end))];
    this.#blockStreamId = streamId;
    this.#blockEnds = isEnd;
    if (isEndHeaders) this.#onBlock();
  }

  onContinuation(_streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void {
    this.#block.push(Buffer.from(bytes.subarray(start, end)));
    if (isEndHeaders) this.#onBlock();
  }

  onData(streamId: number, bytes: Buffer, start: number, end: number, _flowBytes: number, isEnd: boolean): void {
    this.frames.push({ kind: 'data', streamId, body: bytes.toString('utf8', start, end), isEnd });
  }

  onRstStream(streamId: number, code: number): void {
    this.frames.push({ kind: 'rst', streamId, code });
  }

  onSettingsStart(): void {
    this.#settings = {};
  }

  onSetting(id: number, value: number): void {
    this.#settings[id] = value;
  }

  onSettingsEnd(): void {
    this.frames.push({ kind: 'settings', values: this.#settings });
    const ack = Buffer.alloc(9);
    encodeSettingsAck(ack, 0);
    if (!this.socket.destroyed) this.write(ack);
  }

  onSettingsAck(): void {
    this.frames.push({ kind: 'settings-ack' });
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    this.frames.push({ kind: 'ping', isAck, payload: bytes.toString('latin1', start, start + 8) });
    if (isAck || !this.#answersPings || this.socket.destroyed) return;
    const ack = Buffer.alloc(17);
    encodePing(ack, 0, true, bytes, start);
    this.write(ack);
  }

  onGoAway(lastStreamId: number, code: number, bytes: Buffer, debugStart: number, debugEnd: number): void {
    this.frames.push({ kind: 'goaway', lastStreamId, code, debug: bytes.toString('latin1', debugStart, debugEnd) });
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.frames.push({ kind: 'window-update', streamId, increment });
  }

  onPushPromise(streamId: number): void {
    this.frames.push({ kind: 'push-promise', streamId });
  }

  onPriority(streamId: number): void {
    this.frames.push({ kind: 'priority', streamId });
  }

  onUnknown(type: number): void {
    this.frames.push({ kind: 'unknown', type });
  }

  onFrameError(fault: FrameFault): void {
    this.frames.push({ kind: 'fault', message: fault.message });
  }

  #onBlock(): void {
    const block = Buffer.concat(this.#block);
    const fields: Record<string, string> = {};
    const fault = this.#decoder.decode(block, 0, block.length, {
      onField: (field) => {
        const name = field.name();
        fields[name] = name in fields ? `${fields[name]}, ${field.value()}` : field.value();
      },
    });
    if (fault !== null) this.frames.push({ kind: 'fault', message: fault.message });
    else {
      const pieces = this.#block.length;
      this.frames.push({ kind: 'headers', streamId: this.#blockStreamId, fields, isEnd: this.#blockEnds, pieces });
    }
  }
}
