// Every world that ever failed, made as small as its failure allowed: each must end well for ever. A new one comes from
// `npm run world -- --seed S --shrink`; its file goes into regressions/, with its story told in a sentence.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryPlan } from './hunt.ts';
import { readStory } from './story.ts';

const files = globSync('regressions/*.json', { cwd: import.meta.dirname }).sort();

describe('a world that failed once', () => {
  it.each(files)('ends well: %s', async (file) => {
    const { story, plan } = readStory(join(import.meta.dirname, file));
    const { findings } = await tryPlan(plan);
    expect(findings, story).toEqual([]);
  });
});
