import { describe, expect, it } from 'vitest';

import { BoundedMemory } from './bounded-memory.ts';

describe('BoundedMemory', () => {
  it('forgets the oldest when it is full, and counts it', () => {
    const memory = new BoundedMemory<{ readonly number: number }>(3);
    for (let number = 0; number < 5; number += 1) memory.set(`key ${number}`, { number });
    expect([0, 1, 2, 3, 4].map((number) => memory.get(`key ${number}`)?.number ?? null)).toEqual([null, null, 2, 3, 4]);
    expect(memory.forgotten).toBe(2);
  });

  it('takes a value set again for a new one, and a deleted one for gone', () => {
    const memory = new BoundedMemory<{ readonly number: number }>(3);
    memory.set('a', { number: 1 });
    memory.set('b', { number: 2 });
    memory.set('a', { number: 3 });
    memory.delete('b');
    memory.set('c', { number: 4 });
    memory.set('d', { number: 5 });
    expect(['a', 'b', 'c', 'd'].map((key) => memory.get(key)?.number ?? null)).toEqual([3, null, 4, 5]);
    expect(memory.forgotten).toBe(0);
  });

  it('stays as quick as it began after a million entries', () => {
    const memory = new BoundedMemory<object>(10_000);
    const begin = performance.now();
    for (let number = 0; number < 1_000_000; number += 1) memory.set(String(number), {});
    // Deleting the first key of a Map took minutes here; this takes a second on a busy machine.
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(memory.forgotten).toBe(990_000);
  });
});
