import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlinePreparer, type LinePiece, LineSplitter, type Rejection, splitLines } from '../src/index.ts';
import { ApnsIdGenerator } from '@carillon/apns';
import { jobLine, type ReadRecord, readRecords } from './batches.ts';

const limits = { lineBytesMax: 400, pieceBytesMax: 1000 };

function prepareAll(pieces: Iterable<LinePiece>): { records: ReadRecord[]; rejections: Rejection[]; lines: number } {
  const preparer = new InlinePreparer({ apnsIds: new ApnsIdGenerator({ fill: (target) => void target.fill(7) }) });
  const records: ReadRecord[] = [];
  const rejections: Rejection[] = [];
  let lines = 0;
  for (const piece of pieces) {
    if (piece.kind === 'rejected') {
      rejections.push(piece.rejection);
      continue;
    }
    const batch = preparer.prepare(piece.bytes, piece.firstLine, { lineBytesMax: limits.lineBytesMax });
    expect(batch.lines).toBe(piece.lines);
    lines += piece.lines;
    records.push(...readRecords(batch));
    rejections.push(...batch.rejections);
  }
  return { records, rejections, lines };
}

function* split(chunks: Iterable<Uint8Array>): Generator<LinePiece> {
  const splitter = new LineSplitter(limits);
  for (const chunk of chunks) {
    // Chunks are reused by their source as soon as their pieces are taken.
    const reused = Buffer.from(chunk);
    yield* splitter.split(reused);
    reused.fill(0x7b);
    expect(splitter.heldBytes).toBeLessThanOrEqual(limits.lineBytesMax);
  }
  yield* splitter.end();
}

const text = [
  `\ufeff${jobLine({ id: 'a' })}`,
  jobLine({ id: 'b', payload: { aps: { alert: 'é🚀 '.repeat(20) } } }),
  '',
  'no json',
  `${jobLine({ id: 'c' })}\r`,
  jobLine({ payload: { a: 'x'.repeat(450) } }),
  jobLine({ id: 'd' }),
  'y'.repeat(3000),
  ' ',
  jobLine({ id: 'e', payload: '{"a":"\\u00e9"}' }),
].join('\n');

describe('LineSplitter', () => {
  it('with the preparer gives the same records and rejections for any chunking', () => {
    for (const whole of [Buffer.from(text), Buffer.from(`${text}\n`)]) {
      const expected = prepareAll(split([whole]));
      expect(expected.records.map((record) => [record.line, record.id])).toEqual([
        [1, 'a'],
        [2, 'b'],
        [5, 'c'],
        [7, 'd'],
        [10, 'e'],
      ]);
      expect(expected.rejections.map((rejection) => [rejection.line, rejection.code])).toEqual([
        [4, 'local.not-json'],
        [6, 'local.line-too-long'],
        [8, 'local.line-too-long'],
      ]);
      expect(prepareAll(split(Array.from(whole, (byte) => Uint8Array.of(byte))))).toMatchObject(same(expected));
      fc.assert(
        fc.property(fc.array(fc.nat(whole.length), { maxLength: 30 }), (cuts) => {
          const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
          const chunks = places.slice(1).map((place, k) => whole.subarray(places[k], place));
          expect(prepareAll(split(chunks))).toMatchObject(same(expected));
        }),
        { numRuns: 500, seed: 4713 },
      );
    }
  });

  it('refuses a line without end at once and holds nothing of it', () => {
    const splitter = new LineSplitter(limits);
    const pieces: LinePiece[] = [];
    const chunk = Buffer.alloc(100, 0x78);
    for (let sent = 0; sent < 10_000_000; sent += chunk.length) {
      pieces.push(...splitter.split(chunk));
      expect(splitter.heldBytes).toBeLessThanOrEqual(limits.lineBytesMax);
    }
    expect(pieces).toMatchObject([{ kind: 'rejected', rejection: { line: 1, code: 'local.line-too-long' } }]);
    pieces.push(...splitter.split(Buffer.from(`\n${jobLine({})}\n`)), ...splitter.end());
    expect(pieces.slice(1)).toMatchObject([{ kind: 'lines', firstLine: 2, lines: 1 }]);
  });

  it('takes a line of exactly the limit and refuses one more byte, however they come', () => {
    for (const step of [1, 7, 399, 400, 401, 402, 5000]) {
      const whole = Buffer.from(`${'x'.repeat(400)}\n${'x'.repeat(401)}\n${'x'.repeat(400)}`);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += step) chunks.push(whole.subarray(at, at + step));
      const { rejections } = prepareAll(split(chunks));
      expect(rejections.sort((a, b) => a.line - b.line).map((rejection) => rejection.code)).toEqual([
        'local.not-json',
        'local.line-too-long',
        'local.not-json',
      ]);
    }
  });

  it('cuts a large chunk into pieces of bounded size', () => {
    const splitter = new LineSplitter(limits);
    const line = `${jobLine({})}\n`;
    const pieces = [...splitter.split(Buffer.from(line.repeat(500)))];
    const sizes = pieces.map((piece) => (piece.kind === 'lines' ? piece.bytes.length : 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.pieceBytesMax);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(500 * line.length);
    expect(pieces.map((piece) => (piece.kind === 'lines' ? piece.firstLine : 0))).toEqual(
      pieces.map((_, k) => 1 + k * Math.floor(limits.pieceBytesMax / line.length)),
    );
  });
});

describe('splitLines', () => {
  it('reads an async stream only as fast as its pieces are taken', async () => {
    let read = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; read < 1000; read++) yield Buffer.from(`${jobLine({})}\n`.repeat(2));
    }
    let taken = 0;
    for await (const piece of splitLines(source())) {
      expect(piece.kind).toBe('lines');
      expect(read - taken).toBeLessThanOrEqual(1);
      taken++;
    }
    expect(taken).toBe(1000);
  });

  it('ends its source when its reader stops', async () => {
    let isEnded = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from(`${jobLine({})}\n`);
      } finally {
        isEnded = true;
      }
    }
    for await (const piece of splitLines(source())) if (piece.kind === 'lines') break;
    expect(isEnded).toBe(true);
  });
});

function same(expected: ReturnType<typeof prepareAll>): object {
  const rejections = [...expected.rejections].sort((a, b) => a.line - b.line);
  return { records: expected.records, rejections };
}
