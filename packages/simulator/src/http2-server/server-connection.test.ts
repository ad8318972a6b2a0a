import {
  clientPreface,
  encodeContinuation,
  encodeData,
  encodeHeaders,
  encodePing,
  encodeSettings,
  encodeWindowUpdate,
  FrameFlag,
  HpackEncoder,
} from '@carillon/frames';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ServerConnection } from './server-connection.ts';
import type { ServerConnectionEvents } from './server-connection.ts';
import { SlabOutbox } from './slab-outbox.ts';

/** A connection with everything that happens to it as text, and everything it writes. */
class Recorded {
  readonly events: string[] = [];
  readonly connection: ServerConnection;
  readonly #written: Buffer[] = [];

  constructor() {
    const outbox = new SlabOutbox((bytes, done) => {
      this.#written.push(Buffer.from(bytes));
      done();
    });
    const events: ServerConnectionEvents = {
      onRequest: (stream) => {
        const fields = stream.fields.map(({ name, value }) => `${name}=${value}`).join(';');
        this.events.push(
          `request ${stream.id} ${stream.method} ${stream.path} ${fields} ${stream.body.toString('hex')}`,
        );
        this.connection.writeHeaders(stream.id, [{ name: ':status', value: '200' }], true);
      },
      onStreamRefused: (streamId) => this.events.push(`refused ${streamId}`),
      onStreamReset: ({ id }, code) => this.events.push(`reset ${id} ${code}`),
      onPing: (payload) => {
        this.events.push(`ping ${payload.toString('hex')}`);
        return 'acknowledge';
      },
      onFault: (message) => this.events.push(`fault ${message}`),
      onGoAway: () => this.events.push('goaway'),
    };
    this.connection = new ServerConnection(outbox, { settings: [], windowIncrement: 0, streamsMax: 3 }, events);
  }

  written(): string {
    this.connection.outbox.flush();
    return Buffer.concat(this.#written).toString('hex');
  }
}

function frames(...parts: readonly ((target: Buffer, at: number) => number)[]): Buffer {
  const target = Buffer.alloc(100_000);
  let at = 0;
  for (const part of parts) at = part(target, at);
  return target.subarray(0, at);
}

function request(encoder: HpackEncoder, path: string): Buffer {
  const block = Buffer.alloc(1_000);
  const fields = [
    { name: ':method', value: 'POST' },
    { name: ':scheme', value: 'https' },
    { name: ':path', value: path },
    { name: 'apns-topic', value: 'com.example.app' },
  ];
  return block.subarray(0, encoder.encode(fields, block, 0));
}

/** A talk with a little of everything. */
function talk(): Buffer {
  const encoder = new HpackEncoder();
  const [first, second, third] = ['/a', '/b', '/c'].map((path) => request(encoder, path));
  const body = Buffer.from('{"aps":{}}');
  return frames(
    (target, at) => at + clientPreface.copy(target, at),
    (target, at) => encodeSettings(target, at, [[4, 70_000]]),
    (target, at) => encodeHeaders(target, at, 1, first, 0, first.length, FrameFlag.endHeaders),
    (target, at) => encodeHeaders(target, at, 3, second, 0, 4, 0),
    (target, at) => encodeContinuation(target, at, 3, second, 4, second.length, FrameFlag.endHeaders),
    (target, at) => encodeData(target, at, 1, body, 0, 4, false),
    (target, at) => encodePing(target, at, false, Buffer.from('12345678'), 0),
    (target, at) => encodeData(target, at, 3, body, 0, body.length, true),
    (target, at) => encodeData(target, at, 1, body, 4, body.length, true),
    (target, at) => encodeWindowUpdate(target, at, 0, 1_000),
    (target, at) => encodeHeaders(target, at, 5, third, 0, third.length, FrameFlag.endHeaders | FrameFlag.endStream),
  );
}

describe('ServerConnection', () => {
  it('gives the same events and writes the same octets however its input is cut', () => {
    const whole = new Recorded();
    whole.connection.start();
    whole.connection.receive(talk());
    expect(whole.events).toEqual([
      'ping 3132333435363738',
      'request 3 POST /b apns-topic=com.example.app 7b22617073223a7b7d7d',
      'request 1 POST /a apns-topic=com.example.app 7b22617073223a7b7d7d',
      'request 5 POST /c apns-topic=com.example.app ',
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), (cuts) => {
        const cut = new Recorded();
        cut.connection.start();
        const bytes = talk();
        let at = 0;
        for (const length of cuts) {
          cut.connection.receive(bytes.subarray(at, Math.min(at + length, bytes.length)));
          at = Math.min(at + length, bytes.length);
        }
        cut.connection.receive(bytes.subarray(at));
        expect(cut.events).toEqual(whole.events);
        expect(cut.written()).toBe(whole.written());
      }),
    );
  });

  it('survives any octets after the preface: at most it ends the connection', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
        const recorded = new Recorded();
        recorded.connection.start();
        recorded.connection.receive(Buffer.concat([clientPreface, octets]));
        expect(recorded.events.filter((event) => event.startsWith('fault')).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses streams above its limit, decodes their field blocks and serves the next one', () => {
    const recorded = new Recorded();
    recorded.connection.start();
    const encoder = new HpackEncoder();
    const blocks = ['/1', '/2', '/3', '/4', '/5'].map((path) => request(encoder, path));
    const open = (k: number, flags: number) => (target: Buffer, at: number) =>
      encodeHeaders(target, at, 2 * k + 1, blocks[k], 0, blocks[k].length, FrameFlag.endHeaders | flags);
    recorded.connection.receive(Buffer.concat([clientPreface, frames(open(0, 0), open(1, 0), open(2, 0), open(3, 0))]));
    expect(recorded.events).toEqual(['refused 7']);
    // Its DATA is still under way: ignored. A stream that ended makes room.
    const empty = Buffer.alloc(0);
    recorded.connection.receive(
      frames(
        (target, at) => encodeData(target, at, 7, empty, 0, 0, true),
        (target, at) => encodeData(target, at, 1, empty, 0, 0, true),
        open(4, FrameFlag.endStream),
      ),
    );
    expect(recorded.events).toEqual([
      'refused 7',
      'request 1 POST /1 apns-topic=com.example.app ',
      'request 9 POST /5 apns-topic=com.example.app ',
    ]);
  });

  it.each([
    [
      'an upper-case name',
      [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
        ['Apns-Topic', 'x'],
      ],
    ],
    [
      'a missing :path',
      [
        [':method', 'POST'],
        [':scheme', 'https'],
      ],
    ],
    [
      'a repeated :method',
      [
        [':method', 'POST'],
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
      ],
    ],
    [
      'a pseudo-field after a regular one',
      [
        ['a', 'b'],
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
      ],
    ],
    [
      'a response’s pseudo-field',
      [
        [':status', '200'],
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
      ],
    ],
    [
      'a connection-specific field',
      [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
        ['connection', 'close'],
      ],
    ],
    [
      'a line feed in a value',
      [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
        ['apns-topic', 'a\nb'],
      ],
    ],
    [
      'a content-length that does not fit',
      [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', '/'],
        ['content-length', '5'],
      ],
    ],
  ])('resets a request with %s and goes on', (_what, pairs) => {
    const recorded = new Recorded();
    recorded.connection.start();
    // By hand, literals without indexing: an encoder would refuse half of them.
    const block = Buffer.concat(
      pairs.flatMap(([name, value]) => [
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]),
    );
    const good = request(new HpackEncoder(), '/good');
    const flags = FrameFlag.endHeaders | FrameFlag.endStream;
    recorded.connection.receive(
      Buffer.concat([
        clientPreface,
        frames(
          (target, at) => encodeHeaders(target, at, 1, block, 0, block.length, flags),
          (target, at) => encodeHeaders(target, at, 3, good, 0, good.length, flags),
        ),
      ]),
    );
    expect(recorded.events).toEqual(['request 3 POST /good apns-topic=com.example.app ']);
    expect(recorded.written()).toContain('00000403000000000100000001'); // RST_STREAM of stream 1, PROTOCOL_ERROR
  });

  it('serves nothing above the last stream of its GOAWAY', () => {
    const recorded = new Recorded();
    recorded.connection.start();
    const encoder = new HpackEncoder();
    const [first, second] = [request(encoder, '/1'), request(encoder, '/2')];
    const flags = FrameFlag.endHeaders | FrameFlag.endStream;
    recorded.connection.receive(
      Buffer.concat([
        clientPreface,
        frames((target, at) => encodeHeaders(target, at, 1, first, 0, first.length, flags)),
      ]),
    );
    recorded.connection.writeGoAway(1, 0, Buffer.alloc(0));
    recorded.connection.receive(frames((target, at) => encodeHeaders(target, at, 3, second, 0, second.length, flags)));
    expect(recorded.events).toEqual(['request 1 POST /1 apns-topic=com.example.app ']);
  });
});
