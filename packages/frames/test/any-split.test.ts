// Properties of the whole package: what is encoded comes back, and the way octets are cut never matters.
import {
  FrameFlag,
  FrameType,
  encodeContinuation,
  encodeData,
  encodeFrameHeader,
  encodeGoAway,
  encodeHeaders,
  encodePaddedData,
  encodePaddedHeaders,
  encodePing,
  encodePriority,
  encodePushPromise,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
} from '@carillon/frames';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChunks } from './parse.ts';

/** A frame (or a whole field block) as octets, and the calls it must make. */
interface Sample {
  readonly bytes: Buffer;
  readonly calls: readonly string[];
}

function sample(write: (target: Buffer) => number, ...calls: string[]): Sample {
  const target = Buffer.alloc(5000, 0xee);
  const end = write(target);
  if (target[end] !== 0xee) throw new Error('an encoder wrote past its end');
  return { bytes: target.subarray(0, end), calls };
}

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const code = fc.nat(0xffff_ffff);
const body = fc.uint8Array({ maxLength: 400 }).map((octets) => Buffer.from(octets));
const padding = fc.nat(255);
const text = (bytes: Buffer): string => bytes.toString('latin1');

const samples: fc.Arbitrary<Sample> = fc.oneof(
  fc
    .record({ id: streamId, bytes: body, isEnd: fc.boolean() })
    .map(({ id, bytes, isEnd }) =>
      sample(
        (target) => encodeData(target, 0, id, bytes, 0, bytes.length, isEnd),
        `data ${id} flow=${bytes.length} end=${isEnd} ${text(bytes)}`,
      ),
    ),
  fc
    .record({ id: streamId, bytes: body, isEnd: fc.boolean(), pad: padding })
    .map(({ id, bytes, isEnd, pad }) =>
      sample(
        (target) => encodePaddedData(target, 0, id, bytes, 0, bytes.length, isEnd, pad),
        `data ${id} flow=${bytes.length + 1 + pad} end=${isEnd} ${text(bytes)}`,
      ),
    ),
  fc
    .record({ id: streamId, pieces: fc.array(body, { minLength: 1, maxLength: 4 }), isEnd: fc.boolean() })
    .map(({ id, pieces, isEnd }) => fieldBlock(id, pieces, isEnd)),
  fc
    .record({ id: streamId, bytes: body, pad: fc.option(padding), hasPriority: fc.boolean() })
    .map(({ id, bytes, pad, hasPriority }) => {
      const priority = hasPriority ? Buffer.from('8000000440', 'hex') : null;
      const flags = FrameFlag.endHeaders | FrameFlag.endStream;
      return sample(
        (target) => encodePaddedHeaders(target, 0, id, bytes, 0, bytes.length, flags, pad, priority),
        `headers ${id} endHeaders=true end=true ${text(bytes)}`,
      );
    }),
  streamId.map((id) => sample((target) => encodePriority(target, 0, id, 3, true, 15), `priority ${id}`)),
  fc
    .record({ id: streamId, error: code })
    .map(({ id, error }) => sample((target) => encodeRstStream(target, 0, id, error), `rstStream ${id} ${error}`)),
  fc
    .array(fc.tuple(fc.integer({ min: 6, max: 0xffff }), code), { maxLength: 20 })
    .map((settings) =>
      sample(
        (target) => encodeSettings(target, 0, settings),
        `settings ${settings.length}`,
        ...settings.map(([id, value]) => `setting ${id}=${value}`),
        'settings end',
      ),
    ),
  fc.constant(sample((target) => encodeSettingsAck(target, 0), 'settings ack')),
  fc
    .record({ id: streamId, promised: fc.integer({ min: 1, max: 0x3fff_ffff }), bytes: body, pad: fc.option(padding) })
    .map(({ id, promised, bytes, pad }) =>
      sample(
        (target) => encodePushPromise(target, 0, id, 2 * promised, bytes, 0, bytes.length, FrameFlag.endHeaders, pad),
        `pushPromise ${id} of ${2 * promised} endHeaders=true ${text(bytes)}`,
      ),
    ),
  fc.record({ isAck: fc.boolean(), octets: fc.uint8Array({ minLength: 8, maxLength: 8 }) }).map(({ isAck, octets }) => {
    const payload = Buffer.from(octets);
    return sample((target) => encodePing(target, 0, isAck, payload, 0), `ping ack=${isAck} ${text(payload)}`);
  }),
  fc
    .record({ last: fc.nat(0x7fff_ffff), error: code, debug: fc.option(body, { nil: undefined }) })
    .map(({ last, error, debug }) =>
      sample(
        (target) => encodeGoAway(target, 0, last, error, debug),
        `goAway last=${last} code=${error} ${text(debug ?? Buffer.alloc(0))}`,
      ),
    ),
  fc
    .record({ id: fc.nat(0x7fff_ffff), increment: fc.integer({ min: 1, max: 0x7fff_ffff }) })
    .map(({ id, increment }) =>
      sample((target) => encodeWindowUpdate(target, 0, id, increment), `windowUpdate ${id} +${increment}`),
    ),
  fc
    .record({ type: fc.integer({ min: 10, max: 255 }), id: streamId, bytes: body })
    .map(({ type, id, bytes }) =>
      sample(
        (target) => bytes.copy(target, encodeFrameHeader(target, 0, bytes.length, type, 0, id)) + 9,
        `unknown type=${type} flags=0 ${id} length=${bytes.length}`,
      ),
    ),
);

/** HEADERS and as many CONTINUATION as there are pieces left. */
function fieldBlock(id: number, pieces: readonly Buffer[], isEnd: boolean): Sample {
  const calls: string[] = [];
  const write = (target: Buffer): number => {
    let at = 0;
    for (const [index, piece] of pieces.entries()) {
      const isLast = index === pieces.length - 1;
      const endHeaders = isLast ? FrameFlag.endHeaders : 0;
      if (index === 0) {
        const flags = endHeaders | (isEnd ? FrameFlag.endStream : 0);
        at = encodeHeaders(target, at, id, piece, 0, piece.length, flags);
        calls.push(`headers ${id} endHeaders=${isLast} end=${isEnd} ${text(piece)}`);
      } else {
        at = encodeContinuation(target, at, id, piece, 0, piece.length, endHeaders);
        calls.push(`continuation ${id} endHeaders=${isLast} ${text(piece)}`);
      }
    }
    return at;
  };
  const { bytes } = sample(write);
  return { bytes, calls };
}

/** Cuts at the given points, wherever they fall. */
function cut(bytes: Buffer, points: readonly number[]): Buffer[] {
  const sorted = points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((start, index) => bytes.subarray(start, sorted[index] ?? bytes.length));
}

describe('frames', () => {
  it('come back as they were encoded, through any split of the chunks', () => {
    fc.assert(
      fc.property(fc.array(samples, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, points) => {
        const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
        const { calls, parser } = parseChunks(cut(bytes, points));
        expect(calls).toStrictEqual(frames.flatMap((frame) => frame.calls));
        expect(parser.bufferedBytes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('that were damaged make the same calls through any split of the chunks', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const points = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(samples, { minLength: 1, maxLength: 6 }), damage, points, (frames, changes, cuts) => {
        const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        const options = { frameBytesMax: 16_384 };
        expect(parseChunks(cut(bytes, cuts), options).calls).toStrictEqual(parseChunks([bytes], options).calls);
      }),
      { numRuns: 500 },
    );
  });

  it('have a type for every number below ten', () => {
    expect(Object.values(FrameType)).toStrictEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
