/** A gateway in this process that answers every push with 200: what is left when sockets and TLS are taken away. */
import { FrameParser, SettingId, encodeSettings, encodeWindowUpdate } from '@carillon/frames';
import type { Dialer } from '@carillon/pool';
import { Duplex } from 'node:stream';
import { DeafSink } from './deaf-sink.ts';
import { count, replies } from './fixtures.ts';

const streamIdAt = 5;

class MemoryGateway extends Duplex {
  readonly #parser: FrameParser;
  #ended: number[] = [];

  constructor() {
    super();
    const ended = (streamId: number): void => void this.#ended.push(streamId);
    class Answering extends DeafSink {
      override onData(
        streamId: number,
        _bytes: Buffer,
        _start: number,
        _end: number,
        _flowBytes: number,
        isEnd: boolean,
      ): void {
        if (isEnd) ended(streamId);
      }
    }
    this.#parser = new FrameParser(new Answering(), { expectPreface: true });
    const greeting = Buffer.alloc(64);
    const end = encodeSettings(greeting, 0, [[SettingId.maxConcurrentStreams, count]]);
    this.push(greeting.subarray(0, encodeWindowUpdate(greeting, end, 0, 0x7fff_ffff - 65_535)));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#parser.receive(chunk);
    done();
    const many = this.#ended.length;
    if (many === 0) return;
    const answers = replies(1, many);
    const bytesEach = answers.length / many;
    for (let number = 0; number < many; number++)
      answers.writeUInt32BE(this.#ended[number], number * bytesEach + streamIdAt);
    this.#ended = [];
    // As from a socket: never while the sender is still writing.
    setImmediate(() => this.push(answers));
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }
}

export const memoryDialer: Dialer = {
  dial: () => Promise.resolve({ stream: new MemoryGateway(), address: 'memory' }),
};
