// Byte streams that fuzzers of other projects found interesting: no call may throw, nothing may be held beyond a
// frame, and the way they are cut must not matter.
import { frameBytesDefault, frameHeaderBytes } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { hasVectors, listVectors, readVectorLines } from './conformance.ts';
import { parseByteByByte, parseChunks, parseWhole } from './parse.ts';

interface CorpusStream {
  readonly id: string;
  readonly len: number;
  readonly hex: string;
}

describe('FrameParser on the corpora', () => {
  it('neither throws nor hoards, and calls the same however a stream is cut', { timeout: 120_000 }, () => {
    if (!hasVectors('h2-corpus')) return;
    const streams = listVectors('h2-corpus', '.jsonl').flatMap((path) => readVectorLines<CorpusStream>(path));
    let calls = 0;
    for (const { id, len, hex } of streams) {
      const bytes = Buffer.from(hex, 'hex');
      expect(bytes.length, id).toBe(len);
      for (const expectPreface of [true, false]) {
        const whole = parseWhole(bytes, { expectPreface });
        expect(parseByteByByte(bytes, { expectPreface }).calls, id).toStrictEqual(whole.calls);
        const thirds = [0, 1, 2].map((third) => bytes.subarray((third * len) / 3, ((third + 1) * len) / 3));
        expect(parseChunks(thirds, { expectPreface }).calls, id).toStrictEqual(whole.calls);
        expect(whole.parser.bufferedBytes).toBeLessThanOrEqual(frameBytesDefault + frameHeaderBytes);
        calls += whole.calls.length;
      }
    }
    console.log(`frames: parsed ${streams.length} corpus streams, with and without preface (${calls} calls)`);
    expect(streams.length).toBe(724);
  });
});
