// Chunks as they come → chunks of whole lines, with the lines that are settled made blank.
//
// Whole lines only: when reading stops in the middle (Ctrl-C, a failing disk), the piece of a line that was read is
// dropped here. Passed on, it would look like a last line without a newline, be refused as broken JSON, count as settled,
// and --resume would never send that job.
import type { SettledLines } from './settled-lines.ts';

const newline = 0x0a;
const space = 0x20;

// 1 MiB: no job comes near; what is longer goes on in pieces, so that a file without newlines does not fill the memory.
const lineBytesMax = 1024 * 1024;

export interface WholeLinesOptions {
  /** Lines to make blank; null when there are none. */
  readonly settled: SettledLines | null;
  /** Asked between chunks: true ends the lines, without the piece of one at hand. */
  readonly isStopped: () => boolean;
  /** Called for each line that was made blank. */
  readonly onSkipped?: (lines: number) => void;
}

export async function* wholeLines(
  chunks: AsyncIterable<Buffer>,
  options: WholeLinesOptions,
): AsyncGenerator<Buffer, void> {
  const { settled, isStopped } = options;
  const blanker = settled === null ? null : new Blanker(settled);
  let tail: Buffer = Buffer.alloc(0);
  const passOn = (lines: Buffer): Buffer => {
    const skipped = blanker?.blank(lines) ?? 0;
    if (skipped > 0) options.onSkipped?.(skipped);
    return lines;
  };
  for await (const chunk of chunks) {
    if (isStopped()) return;
    const cut = chunk.lastIndexOf(newline) + 1;
    if (cut > 0) {
      yield passOn(tail.length === 0 ? chunk.subarray(0, cut) : Buffer.concat([tail, chunk.subarray(0, cut)]));
      // A copy: the chunk belongs to the taker now, who may hand its memory to another thread.
      tail = Buffer.from(chunk.subarray(cut));
    } else {
      tail = Buffer.concat([tail, chunk]);
      if (tail.length > lineBytesMax) {
        yield passOn(tail);
        tail = Buffer.alloc(0);
      }
    }
    if (isStopped()) return;
  }
  if (tail.length > 0 && !isStopped()) yield passOn(tail);
}

/** Overwrites settled lines with spaces, in place. Counts lines over all the chunks it sees. */
class Blanker {
  readonly #settled: SettledLines;
  #line = 1;
  #isCounted = false;

  constructor(settled: SettledLines) {
    this.#settled = settled;
  }

  /** How many settled lines began in `bytes`. A line may go on from the chunk before and into the next one. */
  blank(bytes: Buffer): number {
    let count = 0;
    let start = 0;
    while (start < bytes.length) {
      const found = bytes.indexOf(newline, start);
      const end = found === -1 ? bytes.length : found;
      if (this.#settled.has(this.#line)) {
        bytes.fill(space, start, end);
        if (!this.#isCounted) count += 1;
        this.#isCounted = true;
      }
      if (found === -1) break;
      this.#line += 1;
      this.#isCounted = false;
      start = end + 1;
    }
    return count;
  }
}
