// A plan in a file, with what it is about: what `--shrink` writes, `--plan` reads, and the regression tests run.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Plan } from './plan.ts';

export interface Story {
  /** What went wrong, for whoever reads the test. */
  readonly story: string;
  readonly plan: Plan;
}

export function readStory(path: string): Story {
  // Written by us. Whoever changes one by hand is told by the world what does not fit.
  return JSON.parse(readFileSync(path, 'utf8')) as Story;
}

/** One line for each part, so that a difference between two can be read. */
export function writeStory(path: string, { story, plan }: Story): void {
  const parts = Object.entries(plan).map(([name, value]) => `  ${JSON.stringify(name)}: ${listed(value)}`);
  writeFileSync(path, `{\n "story": ${JSON.stringify(story)},\n "plan": {\n${parts.join(',\n')}\n }\n}\n`);
}

function listed(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n   ${value.map((one) => JSON.stringify(one)).join(',\n   ')}\n  ]`;
}
