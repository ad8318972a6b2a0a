import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from './limits.ts';
import { memoryBytesMax, memoryTerms } from './memory-sum.ts';

const use = { calls: 1, connections: 4, workers: 0 };

describe('The sum of memory', () => {
  it('has a term for every limit', () => {
    const names = memoryTerms(defaultLimits, use).map(({ name }) => name);
    for (const limit of Object.keys(defaultLimits)) expect(names, `a term for ${limit}`).toContain(limit);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(Object.keys(defaultLimits) as (keyof typeof defaultLimits)[])('grows with %s', (limit) => {
    const more = { ...defaultLimits, [limit]: defaultLimits[limit] * 2 };
    expect(memoryBytesMax(more, use)).toBeGreaterThan(memoryBytesMax(defaultLimits, use));
  });

  it('with the defaults, one call and one credential is what docs/LIMITS.md says', () => {
    const page = readFileSync(new URL('../../../docs/LIMITS.md', import.meta.url), 'utf8');
    const said = /All at once: (\d+) MB/u.exec(page)?.[1];
    expect(Math.round(memoryBytesMax(defaultLimits, use) / 1e6)).toBe(Number(said));
  });
});
