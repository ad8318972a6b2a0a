// A stream of chunks, cut anywhere, made into chunks of whole lines with their line numbers. What is held is the start
// of one line: at most `lineBytesMax`, whatever comes. A longer line is refused by its number as soon as it is too
// long, and the rest of it is passed over without being kept.

import { lineBytesMaxDefault } from './line-limit.ts';
import type { Rejection } from './prepared-batch.ts';
import { lineTooLong } from './rejection.ts';

export type LinePiece =
  /**
   * Whole lines, at least one, each with its line feed but perhaps the very last of the stream. The bytes may be a view
   * of the chunk: they are valid until the next piece is asked for.
   */
  | { readonly kind: 'lines'; readonly bytes: Buffer; readonly firstLine: number; readonly lines: number }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

export interface LineSplitterOptions {
  /** Bytes of a line without its line feed. */
  readonly lineBytesMax?: number;
  /** Bytes of a piece, so that one large chunk does not become one large batch. At least one line fits. */
  readonly pieceBytesMax?: number;
}

/** Some hundreds of jobs: the cost of a batch does not show, and a piece is prepared in well under 1 ms. */
const pieceBytesMaxDefault = 131_072;

const lineFeed = 0x0a;

export class LineSplitter {
  readonly #lineBytesMax: number;
  readonly #pieceBytesMax: number;
  // The start of a line whose end has not come yet.
  #tail: Buffer = Buffer.alloc(0);
  #tailLength = 0;
  /** Number of the line that comes next, or that is coming. */
  #line = 1;
  /** The line that is coming has been refused. */
  #isPassingOver = false;

  constructor(options: LineSplitterOptions = {}) {
    const { lineBytesMax = lineBytesMaxDefault, pieceBytesMax = pieceBytesMaxDefault } = options;
    this.#lineBytesMax = lineBytesMax;
    this.#pieceBytesMax = Math.max(pieceBytesMax, lineBytesMax + 1);
  }

  /** Bytes held from one chunk to the next. Invariant: at most `lineBytesMax`. */
  get heldBytes(): number {
    return this.#tailLength;
  }

  /** The pieces that `chunk` completes. All must be taken before the next chunk; then the chunk may be reused. */
  *split(chunk: Uint8Array): Generator<LinePiece, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (this.#isPassingOver) {
        const found = bytes.indexOf(lineFeed, at);
        if (found < 0) return;
        this.#isPassingOver = false;
        this.#line++;
        at = found + 1;
        continue;
      }
      const window = bytes.subarray(at, at + this.#pieceBytesMax);
      const length = window.lastIndexOf(lineFeed) + 1;
      if (length > 0) {
        yield this.#takeLines(window.subarray(0, length));
        at += length;
        continue;
      }
      if (this.#tailLength + window.length > this.#lineBytesMax) {
        this.#tailLength = 0;
        this.#isPassingOver = true;
        yield { kind: 'rejected', rejection: lineTooLong(this.#line, this.#lineBytesMax) };
        continue;
      }
      this.#keep(window);
      return;
    }
  }

  /** The last line, when the stream has ended without a line feed. */
  *end(): Generator<LinePiece, void, undefined> {
    if (this.#tailLength === 0) return;
    const bytes = this.#tail.subarray(0, this.#tailLength);
    this.#tailLength = 0;
    yield { kind: 'lines', bytes, firstLine: this.#line++, lines: 1 };
  }

  #takeLines(whole: Buffer): LinePiece {
    const firstLine = this.#line;
    let lines = 0;
    for (let at = whole.indexOf(lineFeed); at >= 0; at = whole.indexOf(lineFeed, at + 1)) lines++;
    this.#line += lines;
    if (this.#tailLength === 0) return { kind: 'lines', bytes: whole, firstLine, lines };
    const joined = Buffer.allocUnsafe(this.#tailLength + whole.length);
    this.#tail.copy(joined, 0, 0, this.#tailLength);
    whole.copy(joined, this.#tailLength);
    this.#tailLength = 0;
    return { kind: 'lines', bytes: joined, firstLine, lines };
  }

  #keep(start: Buffer): void {
    const length = this.#tailLength + start.length;
    if (length > this.#tail.length) {
      // Doubling: a stream of single bytes must not copy the line once a byte.
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#lineBytesMax, Math.max(length, 2 * this.#tail.length)));
      this.#tail.copy(larger, 0, 0, this.#tailLength);
      this.#tail = larger;
    }
    start.copy(this.#tail, this.#tailLength);
    this.#tailLength = length;
  }
}

/** The pieces of a whole stream, each handed out before the next chunk is asked for. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: LineSplitterOptions = {},
): AsyncGenerator<LinePiece, void, undefined> {
  const splitter = new LineSplitter(options);
  for await (const chunk of chunks) yield* splitter.split(chunk);
  yield* splitter.end();
}
