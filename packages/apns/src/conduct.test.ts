import { describe, expect, it } from 'vitest';
import { conductLimits, conductRules } from './conduct.ts';

describe('conductRules', () => {
  it('has every rule once, each with a text and a source', () => {
    expect(conductRules.map((rule) => rule.id)).toEqual([...new Set(conductRules.map((rule) => rule.id))]);
    expect(conductRules).toHaveLength(11);
    for (const { text, source } of conductRules) expect(text.length * source.length).toBeGreaterThan(0);
  });

  it('lists every limit under exactly one rule, with its value', () => {
    const listed = conductRules.flatMap((rule) => rule.limits);
    expect(Object.fromEntries(listed.map(({ name, limit }) => [name, limit]))).toEqual(conductLimits);
    expect(listed).toHaveLength(Object.keys(conductLimits).length);
  });

  it('says milliseconds exactly where the name does', () => {
    for (const { name, unit } of conductRules.flatMap((rule) => rule.limits)) {
      expect(unit === 'ms', name).toBe(name.endsWith('Ms'));
    }
  });

  it('hands out provider tokens that neither change too often nor grow too old', () => {
    const { providerTokenQuantumMs, providerTokenLagMs, providerTokenHoldMs, providerTokenAgeMaxMs } = conductLimits;
    expect(providerTokenQuantumMs).toBeGreaterThan(providerTokenHoldMs);
    expect(providerTokenQuantumMs + providerTokenLagMs + providerTokenHoldMs).toBeLessThan(providerTokenAgeMaxMs);
  });
});
