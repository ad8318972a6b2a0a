import { readFileSync } from 'node:fs';
import { defaultLimits } from '@carillon/engine';
import { expect, it } from 'vitest';

it('docs/LIMITS.md names every limit with its default', () => {
  const page = readFileSync(new URL('../../../docs/LIMITS.md', import.meta.url), 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| `(\w+)` +\| ([\d,]+) /gmu)].map(([, name, most]) => [
      name,
      Number((most ?? '').replaceAll(',', '')),
    ]),
  );
  expect(Object.fromEntries(rows)).toEqual(defaultLimits);
});
