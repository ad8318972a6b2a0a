import { describe, expect, it } from 'vitest';
import { micros, runMicro } from './micro-bench.ts';

describe('The micro-benches', () => {
  it.each(micros.map((micro) => [micro.name, micro] as const))('run: %s', async (_, micro) => {
    const row = await runMicro(micro, 1);
    expect(row.n).toBeGreaterThan(0);
    expect(row.opsPerSecond).toBeGreaterThan(0);
  });

  it('have names that differ, and a question each', () => {
    expect(new Set(micros.map(({ name }) => name)).size).toBe(micros.length);
    expect(micros.filter(({ question }) => !question.endsWith('?') && !question.includes('? '))).toEqual([]);
  });
});
