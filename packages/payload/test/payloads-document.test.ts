import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeTables, keyTable } from './payloads-document.ts';

const page = readFileSync(new URL('../../../docs/PAYLOADS.md', import.meta.url), 'utf8');

describe('docs/PAYLOADS.md', () => {
  it('has every code with its sentence, and no other', () => {
    expect(page).toContain(codeTables());
  });

  it("has every key of Apple's with its types", () => {
    expect(page).toContain(keyTable());
  });

  it('names no code that does not exist', () => {
    for (const [code] of page.matchAll(/local\.[a-z][a-z0-9-]+/g)) expect(codeTables()).toContain(`\`${code}\``);
  });
});
