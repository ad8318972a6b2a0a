import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { SettledLines } from './settled-lines.ts';
import { wholeLines } from './whole-lines.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    // Copies: blanking writes into the chunk.
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

const settledOf = (lines: readonly number[]): SettledLines => {
  const settled = new SettledLines();
  for (const line of lines) settled.add(line);
  return settled;
};

const collect = async (text: string, sizes: readonly number[], settled: readonly number[] = []) => {
  const pieces: string[] = [];
  let skipped = 0;
  const lines = wholeLines(chunked(Buffer.from(text), sizes), {
    settled: settled.length === 0 ? null : settledOf(settled),
    isStopped: () => false,
    onSkipped: (count) => {
      skipped += count;
    },
  });
  for await (const piece of lines) pieces.push(piece.toString());
  return { pieces, skipped };
};

describe('Whole lines', () => {
  it('are the same bytes, cut after line feeds only, however they come', async () => {
    const line = fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\n', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (lines, endsWithNewline, sizes) => {
          const text = lines.join('\n') + (endsWithNewline ? '\n' : '');
          const { pieces } = await collect(text, sizes);
          expect(pieces.join('')).toBe(text);
          for (const piece of pieces.slice(0, -1)) expect(piece.endsWith('\n')).toBe(true);
        },
      ),
    );
  });

  it('are blank where they are settled, and count the same', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', '"', 'é', '\r'), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 12 })),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (lines, settled, sizes) => {
          const { pieces, skipped } = await collect(lines.join('\n'), sizes, settled);
          const expected = lines.map((text, i) =>
            settled.includes(i + 1) ? ' '.repeat(Buffer.byteLength(text)) : text,
          );
          expect(pieces.join('')).toBe(expected.join('\n'));
          const nonEmpty = lines.filter((text, i) => settled.includes(i + 1) && text !== '').length;
          expect(skipped).toBeGreaterThanOrEqual(nonEmpty);
          expect(skipped).toBeLessThanOrEqual(new Set(settled).size);
        },
      ),
    );
  });

  it('end without the piece of a line at hand when reading is stopped in its middle', async () => {
    let isStopped = false;
    const pieces: string[] = [];
    const lines = wholeLines(chunked(Buffer.from('{"a":1}\n{"b":2}\n{"c":3}'), [10]), {
      settled: null,
      isStopped: () => isStopped,
    });
    for await (const piece of lines) {
      pieces.push(piece.toString());
      isStopped = true;
    }
    expect(pieces).toEqual(['{"a":1}\n']);
  });

  it('end without the piece of a line at hand when the source fails', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"a":1}\n{"b"');
      throw new Error('EIO');
    }
    const pieces: string[] = [];
    const read = async (): Promise<void> => {
      for await (const piece of wholeLines(failing(), { settled: null, isStopped: () => false }))
        pieces.push(piece.toString());
    };
    await expect(read()).rejects.toThrow('EIO');
    expect(pieces).toEqual(['{"a":1}\n']);
  });

  it('of more than a megabyte go on in pieces: a file without line feeds does not fill the memory', async () => {
    const { pieces } = await collect('x'.repeat(3_000_000), [65_536]);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('').length).toBe(3_000_000);
  });

  it('of more than a megabyte are blanked as one line, and counted once', async () => {
    const { pieces, skipped } = await collect(`${'x'.repeat(3_000_000)}\nlast`, [65_536], [1]);
    expect(pieces.join('')).toBe(`${' '.repeat(3_000_000)}\nlast`);
    expect(skipped).toBe(1);
  });
});
