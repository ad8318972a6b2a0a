import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { TokenSet } from './token-set.ts';

const seed = Int32Array.of(1, 2, 3, 4);

function wordsOf(token: string): Int32Array {
  const words = new Int32Array(25);
  for (let i = 0; i < token.length; i += 8) words[i >> 3] = parseInt(token.slice(i, i + 8), 16);
  return words;
}

/** The line at which it was before, or 0 and it is there now. */
function meet(set: TokenSet, token: string, line: number): number {
  const words = wordsOf(token);
  const found = set.find(words, token.length);
  if (found === 0) set.add(words, line);
  return found;
}

const token = fc
  .tuple(fc.constantFrom(64, 66, 72, 80, 160, 200), fc.nat(40))
  .map(([digits, number]) => number.toString(16).padStart(digits, '0'));

describe('TokenSet', () => {
  it.each(['tokens', 'fingerprints'] as const)('of %s agrees with a Map', (keeps) => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 300 }), (tokens) => {
        const set = new TokenSet({ keeps, tokensMax: 1000, seed });
        const model = new Map<string, number>();
        for (const [index, one] of tokens.entries()) {
          expect(meet(set, one, index + 1)).toBe(model.get(one) ?? 0);
          if (!model.has(one)) model.set(one, index + 1);
        }
        expect(set.size).toBe(model.size);
      }),
    );
  });

  it.each(['tokens', 'fingerprints'] as const)(
    'of %s finds each of 100,000 again, in the memory it states',
    (keeps) => {
      const set = new TokenSet({ keeps, tokensMax: 100_000 });
      // Tokens that differ in their last digits only: a poor hash would put them side by side.
      const tokenOf = (number: number): string => `a1${number.toString(16).padStart(62, '0')}`;
      for (let number = 1; number <= 100_000; number++) expect(meet(set, tokenOf(number), number)).toBe(0);
      expect(set.isFull).toBe(true);
      for (let number = 1; number <= 100_000; number += 7) expect(meet(set, tokenOf(number), 0)).toBe(number);
      expect(set.bytes / 100_000).toBeLessThan(keeps === 'tokens' ? 36 + 11 + 6 : 20 + 11 + 4);
    },
  );

  it('keeps lines beyond 2^31', () => {
    const set = new TokenSet({ keeps: 'tokens', tokensMax: 10, seed });
    expect(meet(set, 'ab'.repeat(32), 4_000_000_000)).toBe(0);
    expect(meet(set, 'ab'.repeat(32), 5)).toBe(4_000_000_000);
  });
});
