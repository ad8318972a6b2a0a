import { describe, expect, it } from 'vitest';
import { parseByteByByte, parseChunks, parseSplitAt, parseWhole } from '../../test/parse.ts';
import { RecordingSink } from '../../test/recording-sink.ts';
import { ErrorCode, FrameFlag, FrameType, clientPreface, frameBytesDefault, frameHeaderBytes } from './constants.ts';
import { encodeData } from './data.ts';
import { encodeFrameHeader } from './frame-header.ts';
import { FrameParser } from './frame-parser.ts';
import { encodeHeaders } from './headers.ts';
import { encodePing } from './ping.ts';
import { encodeSettings } from './settings.ts';

const { protocolError, frameSizeError, flowControlError } = ErrorCode;

/** A frame of any shape, right or wrong. */
function frame(type: number, flags: number, streamId: number, payload: string | Buffer = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const bytes = Buffer.alloc(frameHeaderBytes + body.length);
  encodeFrameHeader(bytes, 0, body.length, type, flags, streamId);
  body.copy(bytes, frameHeaderBytes);
  return bytes;
}

const ping = frame(FrameType.ping, 0, 0, '0102030405060708');
const pingCall = `ping ack=false ${Buffer.from('0102030405060708', 'hex').toString('latin1')}`;

describe('FrameParser', () => {
  // RFC 9113 §4.2 and §6, a line a rule: what is wrong, the frame, and the fault.
  const faults: readonly [what: string, bytes: Buffer, call: string][] = [
    ['DATA on stream 0', frame(FrameType.data, 0, 0, 'aa'), `fault connection code=${protocolError} 0`],
    [
      'DATA with more padding than payload',
      frame(FrameType.data, 8, 1, '02aa'),
      `fault connection code=${protocolError} 1`,
    ],
    ['padded DATA without a pad length', frame(FrameType.data, 8, 1), `fault stream code=${frameSizeError} 1`],
    ['HEADERS on stream 0', frame(FrameType.headers, 4, 0), `fault connection code=${protocolError} 0`],
    [
      'HEADERS with too much padding',
      frame(FrameType.headers, 0xc, 1, '02aa'),
      `fault connection code=${protocolError} 1`,
    ],
    [
      'HEADERS with padding in its priority',
      frame(FrameType.headers, 0x2c, 1, '010000000010'),
      `fault connection code=${protocolError} 1`,
    ],
    ['HEADERS without its pad length', frame(FrameType.headers, 0xc, 1), `fault connection code=${frameSizeError} 1`],
    [
      'HEADERS without its priority',
      frame(FrameType.headers, 0x24, 1, '00000000'),
      `fault connection code=${frameSizeError} 1`,
    ],
    ['PRIORITY on stream 0', frame(FrameType.priority, 0, 0, '0000000010'), `fault connection code=${protocolError} 0`],
    ['PRIORITY of 4 octets', frame(FrameType.priority, 0, 1, '00000000'), `fault stream code=${frameSizeError} 1`],
    [
      'RST_STREAM on stream 0',
      frame(FrameType.rstStream, 0, 0, '00000000'),
      `fault connection code=${protocolError} 0`,
    ],
    [
      'RST_STREAM of 5 octets',
      frame(FrameType.rstStream, 0, 1, '0000000000'),
      `fault connection code=${frameSizeError} 1`,
    ],
    ['SETTINGS on a stream', frame(FrameType.settings, 0, 1), `fault connection code=${protocolError} 1`],
    [
      'SETTINGS of 5 octets',
      frame(FrameType.settings, 0, 0, '0001000000'),
      `fault connection code=${frameSizeError} 0`,
    ],
    [
      'an acknowledgement with settings',
      frame(FrameType.settings, 1, 0, '000100001000'),
      `fault connection code=${frameSizeError} 0`,
    ],
    ['ENABLE_PUSH of 2', frame(FrameType.settings, 0, 0, '000200000002'), `fault connection code=${protocolError} 0`],
    [
      'INITIAL_WINDOW_SIZE of 2^31',
      frame(FrameType.settings, 0, 0, '000480000000'),
      `fault connection code=${flowControlError} 0`,
    ],
    [
      'MAX_FRAME_SIZE of 16383',
      frame(FrameType.settings, 0, 0, '000500003fff'),
      `fault connection code=${protocolError} 0`,
    ],
    [
      'MAX_FRAME_SIZE of 2^24',
      frame(FrameType.settings, 0, 0, '000501000000'),
      `fault connection code=${protocolError} 0`,
    ],
    [
      'PUSH_PROMISE on stream 0',
      frame(FrameType.pushPromise, 4, 0, '00000002'),
      `fault connection code=${protocolError} 0`,
    ],
    [
      'PUSH_PROMISE of stream 0',
      frame(FrameType.pushPromise, 4, 1, '00000000'),
      `fault connection code=${protocolError} 1`,
    ],
    [
      'PUSH_PROMISE of an odd stream',
      frame(FrameType.pushPromise, 4, 1, '00000003'),
      `fault connection code=${protocolError} 1`,
    ],
    [
      'PUSH_PROMISE of 3 octets',
      frame(FrameType.pushPromise, 4, 1, '000000'),
      `fault connection code=${frameSizeError} 1`,
    ],
    [
      'PUSH_PROMISE with too much padding',
      frame(FrameType.pushPromise, 0xc, 1, '0200000002aa'),
      `fault connection code=${protocolError} 1`,
    ],
    ['PING on a stream', frame(FrameType.ping, 0, 1, '0102030405060708'), `fault connection code=${protocolError} 1`],
    [
      'PING of 9 octets',
      frame(FrameType.ping, 0, 0, '010203040506070809'),
      `fault connection code=${frameSizeError} 0`,
    ],
    [
      'GOAWAY on a stream',
      frame(FrameType.goAway, 0, 1, '0000000000000000'),
      `fault connection code=${protocolError} 1`,
    ],
    [
      'GOAWAY of 7 octets',
      frame(FrameType.goAway, 0, 0, '00000000000000'),
      `fault connection code=${frameSizeError} 0`,
    ],
    [
      'WINDOW_UPDATE of 5 octets',
      frame(FrameType.windowUpdate, 0, 1, '0000000100'),
      `fault connection code=${frameSizeError} 1`,
    ],
    [
      'WINDOW_UPDATE by 0 on a stream',
      frame(FrameType.windowUpdate, 0, 1, '00000000'),
      `fault stream code=${protocolError} 1`,
    ],
    [
      'WINDOW_UPDATE by 0 on the connection',
      frame(FrameType.windowUpdate, 0, 0, '80000000'),
      `fault connection code=${protocolError} 0`,
    ],
    ['CONTINUATION of nothing', frame(FrameType.continuation, 4, 1), `fault connection code=${protocolError} 1`],
    ['CONTINUATION on stream 0', frame(FrameType.continuation, 4, 0), `fault connection code=${protocolError} 0`],
  ];

  it.each(faults)('refuses %s, and goes on only after a fault of the stream', (_what, bytes, call) => {
    const input = Buffer.concat([bytes, ping]);
    const expected = call.startsWith('fault stream') ? [call, pingCall] : [call];
    expect(parseWhole(input).calls).toStrictEqual(expected);
    expect(parseByteByByte(input).calls).toStrictEqual(expected);
  });

  it('ignores reserved bits and flags that have no meaning', () => {
    const bytes = frame(FrameType.windowUpdate, 0xff, 3, '80000005');
    bytes[5] |= 0x80;
    expect(parseWhole(bytes).calls).toStrictEqual(['windowUpdate 3 +5']);
  });

  it('refuses a frame above its limit from the header alone', () => {
    const bytes = Buffer.alloc(frameHeaderBytes);
    for (const [type, streamId, scope] of [
      [FrameType.data, 1, 'connection'],
      [FrameType.headers, 1, 'connection'],
      [FrameType.settings, 0, 'connection'],
      [FrameType.priority, 1, 'stream'],
      [0xfa, 1, 'stream'],
      [0xfa, 0, 'connection'],
    ] as const) {
      encodeFrameHeader(bytes, 0, frameBytesDefault + 1, type, 0, streamId);
      expect(parseWhole(bytes).calls).toStrictEqual([`fault ${scope} code=${frameSizeError} ${streamId}`]);
    }
  });

  it('skips the payload of a frame it refused for its stream, however long, and holds none of it', () => {
    const bytes = frame(FrameType.priority, 0, 7, Buffer.alloc(100_000));
    const { calls, parser } = parseChunks([bytes.subarray(0, 50), bytes.subarray(50), ping]);
    expect(calls).toStrictEqual([`fault stream code=${frameSizeError} 7`, pingCall]);
    expect(parser.bufferedBytes).toBe(0);
  });

  it('reports unknown frames and skips them', () => {
    const bytes = Buffer.concat([frame(0x42, 3, 9, 'aabbcc'), ping]);
    for (let at = 0; at <= bytes.length; at++) {
      expect(parseSplitAt(bytes, at).calls).toStrictEqual(['unknown type=66 flags=3 9 length=3', pingCall]);
    }
  });

  describe('inside a field block', () => {
    const open = frame(FrameType.headers, 0, 5, '82');

    it('takes only CONTINUATION of the same stream', () => {
      const fault = (streamId: number): string => `fault connection code=${protocolError} ${streamId}`;
      const interruptions: readonly [Buffer, number][] = [
        [frame(FrameType.continuation, 4, 7), 7],
        [frame(FrameType.headers, 4, 5), 5],
        [frame(FrameType.data, 0, 5), 5],
        [ping, 0],
        [frame(0x42, 0, 5), 5],
      ];
      for (const [bytes, streamId] of interruptions) {
        expect(parseWhole(Buffer.concat([open, bytes])).calls.slice(1)).toStrictEqual([fault(streamId)]);
      }
    });

    it('is over with END_HEADERS', () => {
      const more = frame(FrameType.continuation, 0, 5, '86');
      const last = frame(FrameType.continuation, FrameFlag.endHeaders, 5, '84');
      const { calls } = parseByteByByte(Buffer.concat([open, more, last, ping]));
      expect(calls).toStrictEqual([
        'headers 5 endHeaders=false end=false \x82',
        'continuation 5 endHeaders=false \x86',
        'continuation 5 endHeaders=true \x84',
        pingCall,
      ]);
    });

    it('is opened by PUSH_PROMISE as well, on the stream that carries it', () => {
      const promise = frame(FrameType.pushPromise, 0, 5, '0000000282');
      const rest = frame(FrameType.continuation, FrameFlag.endHeaders, 5);
      expect(parseWhole(Buffer.concat([promise, rest])).calls).toStrictEqual([
        'pushPromise 5 of 2 endHeaders=false \x82',
        'continuation 5 endHeaders=true ',
      ]);
    });
  });

  it('reports no setting of a frame that has a bad one', () => {
    const bytes = Buffer.alloc(100);
    const end = encodeSettings(bytes, 0, [
      [3, 100],
      [2, 7],
    ]);
    expect(parseWhole(bytes.subarray(0, end)).calls).toStrictEqual([`fault connection code=${protocolError} 0`]);
  });

  describe('as a server', () => {
    it('takes the client preface, however it is cut', () => {
      const bytes = Buffer.concat([clientPreface, ping]);
      for (let at = 0; at <= bytes.length; at++) {
        expect(parseSplitAt(bytes, at, { expectPreface: true }).calls).toStrictEqual([pingCall]);
      }
    });

    it('refuses a wrong preface at its first wrong octet', () => {
      const { calls } = parseWhole(Buffer.from('PRI * HTTP/1'), { expectPreface: true });
      expect(calls).toStrictEqual([`fault connection code=${protocolError} 0`]);
      expect(parseWhole(Buffer.from('PRI * HTTP/'), { expectPreface: true }).calls).toStrictEqual([]);
    });
  });

  describe('stop', () => {
    const several = Buffer.concat([
      frame(FrameType.settings, 0, 0, '000100001000000300000064'),
      ping,
      frame(FrameType.priority, 0, 1),
    ]);

    it('ends the calls from inside any of them', () => {
      const all = parseWhole(several).calls;
      for (let count = 1; count <= all.length; count++) {
        const sink = new RecordingSink();
        const parser = new FrameParser(sink);
        sink.afterCall = () => {
          if (sink.calls.length === count) parser.stop();
        };
        parser.receive(several);
        parser.receive(ping);
        expect(sink.calls).toStrictEqual(all.slice(0, count));
        expect(parser.bufferedBytes).toBe(0);
      }
    });

    it('lets go of a torn frame', () => {
      const { parser } = parseWhole(ping.subarray(0, 12));
      expect(parser.bufferedBytes).toBe(12);
      parser.stop();
      expect(parser.bufferedBytes).toBe(0);
    });
  });

  it('holds at most one frame', () => {
    const bytes = frame(FrameType.data, 0, 1, Buffer.alloc(frameBytesDefault));
    const { parser, calls } = parseChunks([ping.subarray(0, 5), ping.subarray(5), bytes.subarray(0, -1)]);
    expect(parser.bufferedBytes).toBe(frameBytesDefault + frameHeaderBytes - 1);
    expect(calls).toStrictEqual([pingCall]);
  });

  it('gives views into the chunk itself for frames that are whole', () => {
    const chunk = Buffer.alloc(100);
    const end = encodeHeaders(chunk, 0, 1, Buffer.from([0x88]), 0, 1, FrameFlag.endHeaders);
    const seen: Buffer[] = [];
    class Keeper extends RecordingSink {
      override onHeaders(_streamId: number, bytes: Buffer): void {
        seen.push(bytes);
      }
    }
    const parser = new FrameParser(new Keeper());
    const whole = chunk.subarray(0, end);
    parser.receive(whole);
    expect(seen[0]).toBe(whole);
  });

  it('says so when it is called from inside its own callback', () => {
    const sink = new RecordingSink();
    const parser = new FrameParser(sink);
    sink.afterCall = () => parser.receive(ping);
    expect(() => parser.receive(ping)).toThrow('inside one of its own callbacks');
  });

  it('counts padding as flow bytes', () => {
    const target = Buffer.alloc(30);
    const end = encodeData(target, 0, 1, Buffer.from('abc'), 0, 3, true);
    const padded = frame(FrameType.data, 9, 1, '026162630000');
    const { calls } = parseWhole(Buffer.concat([target.subarray(0, end), padded]));
    expect(calls).toStrictEqual(['data 1 flow=3 end=true abc', 'data 1 flow=6 end=true abc']);
  });

  it('answers with the worked octets of a PING', () => {
    const target = Buffer.alloc(17);
    encodePing(target, 0, true, Buffer.from('0102030405060708', 'hex'), 0);
    expect(target.toString('hex')).toBe('0000080601000000000102030405060708');
  });
});
