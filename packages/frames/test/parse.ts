// One parser over given chunks, for tests.
import { FrameParser } from '@carillon/frames';
import type { FrameParserOptions } from '@carillon/frames';
import { RecordingSink } from './recording-sink.ts';

export interface Parse {
  readonly calls: readonly string[];
  readonly sink: RecordingSink;
  readonly parser: FrameParser;
}

/** Every chunk is overwritten after use: whoever kept a view of one would show. */
export function parseChunks(chunks: readonly Buffer[], options: FrameParserOptions = {}): Parse {
  const sink = new RecordingSink();
  const parser = new FrameParser(sink, options);
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    parser.receive(copy);
    copy.fill(0xee);
  }
  return { calls: sink.calls, sink, parser };
}

export function parseWhole(bytes: Buffer, options: FrameParserOptions = {}): Parse {
  return parseChunks([bytes], options);
}

export function parseByteByByte(bytes: Buffer, options: FrameParserOptions = {}): Parse {
  return parseChunks(
    Array.from(bytes, (octet) => Buffer.of(octet)),
    options,
  );
}

export function parseSplitAt(bytes: Buffer, at: number, options: FrameParserOptions = {}): Parse {
  return parseChunks([bytes.subarray(0, at), bytes.subarray(at)], options);
}
