import { describe, expect, it } from 'vitest';
import { WordView, copyWords } from './copy-words.ts';

describe('copyWords', () => {
  it('copies any length from anywhere to anywhere, with and without views', () => {
    const source = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 251));
    const sourceView = new DataView(source.buffer, source.byteOffset, source.length);
    for (let length = 0; length < 200; length++) {
      for (const views of [true, false]) {
        const target = Buffer.alloc(300, 0xee);
        const targetView = new DataView(target.buffer, target.byteOffset, target.length);
        const start = length % 11;
        const at = length % 7;
        const next = copyWords(
          source,
          views ? sourceView : null,
          start,
          start + length,
          target,
          views ? targetView : null,
          at,
        );
        expect(next).toBe(at + length);
        expect(target.subarray(at, next).equals(source.subarray(start, start + length))).toBe(true);
        expect(target.subarray(0, at).every((octet) => octet === 0xee)).toBe(true);
        expect(target.subarray(next).every((octet) => octet === 0xee)).toBe(true);
      }
    }
  });
});

describe('WordView', () => {
  it('gives the view of a buffer that is asked for twice in a row, and none when buffers take turns', () => {
    const view = new WordView();
    const one = Buffer.from('one');
    const two = Buffer.from('two');
    expect(view.of(one)).toBeNull();
    const made = view.of(one);
    expect(made?.getUint8(0)).toBe('o'.charCodeAt(0));
    expect(made?.byteLength).toBe(3);
    expect(view.of(one)).toBe(made);
    for (let turn = 0; turn < 3; turn++) {
      expect(view.of(two)).toBeNull();
      expect(view.of(one)).toBeNull();
    }
  });
});
