import { describe, expect, it } from 'vitest';
import { badTokenMessage, FirstReplies, wrongEnvironmentMessage } from './environment-hint.ts';

function give(replies: readonly boolean[], first = new FirstReplies()): boolean[] {
  return replies.map((isBad) => first.add(isBad));
}

describe('FirstReplies', () => {
  it('tells at the twentieth reply when three in four or more were bad tokens, and never again', () => {
    const first = new FirstReplies();
    const told = give([...Array<boolean>(5).fill(false), ...Array<boolean>(15).fill(true)], first);
    expect(told).toEqual([...Array<boolean>(19).fill(false), true]);
    expect(first.isOver).toBe(true);
    expect(give(Array<boolean>(40).fill(true), first)).not.toContain(true);
  });

  it('says nothing of a list in decay', () => {
    expect(give([...Array<boolean>(6).fill(false), ...Array<boolean>(30).fill(true)])).not.toContain(true);
  });

  it('looks again when told to', () => {
    const first = new FirstReplies();
    give(Array<boolean>(20).fill(false), first);
    first.restart();
    expect(give(Array<boolean>(20).fill(true), first).at(-1)).toBe(true);
  });
});

describe('The messages', () => {
  it.each([
    ['production', 'sandbox'],
    ['sandbox', 'production'],
  ] as const)('of %s name %s and what to do', (environment, other) => {
    for (const text of [badTokenMessage(environment), wrongEnvironmentMessage('news', environment)]) {
      expect(text).toContain(other);
      expect(text).toContain(`environment`);
    }
  });
});
