import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInteger, encodeInteger, integerBytesMax } from './integer.ts';

describe('integers', () => {
  it('come back as they were, whatever the prefix', () => {
    const target = Buffer.alloc(10);
    const result = { value: 0, next: 0 };
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 8 }), (value, prefixBits) => {
        const end = encodeInteger(target, 1, prefixBits, 0, value);
        expect(end - 1).toBeLessThanOrEqual(integerBytesMax);
        expect(decodeInteger(target, 1, end, prefixBits, result)).toBeNull();
        expect(result).toStrictEqual({ value, next: end });
        for (let cut = 1; cut < end; cut++)
          expect(decodeInteger(target, 1, cut, prefixBits, result)).toBe('incomplete');
      }),
    );
  });

  it('leave the bits above the prefix alone', () => {
    const target = Buffer.alloc(10);
    encodeInteger(target, 0, 4, 0x10, 3);
    expect(target[0]).toBe(0x13);
    encodeInteger(target, 0, 4, 0x10, 300);
    expect(target[0]).toBe(0x1f);
  });

  it('are refused when they go on for ever', () => {
    const wire = Buffer.alloc(20, 0x80);
    wire[0] = 0xff;
    expect(decodeInteger(wire, 0, wire.length, 7, { value: 0, next: 0 })).toBe('overflow');
  });
});
