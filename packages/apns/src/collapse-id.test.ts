import { describe, expect, it } from 'vitest';
import { parseCollapseId } from './collapse-id.ts';

describe('parseCollapseId', () => {
  it.each(['a', 'c'.repeat(64), 'order:4711/update#3~'])('accepts %s', (text) =>
    expect(parseCollapseId(text)).toBe(text),
  );

  it.each(['', 'c'.repeat(65), 'two words', ' a', 'a\n', 'a\u0000', 'a\u007f', 'größe', '🔔'])('refuses %j', (text) => {
    expect(parseCollapseId(text)).toMatchObject({ kind: 'fault', code: 'local.bad-collapse-id', field: 'collapseId' });
  });
});
