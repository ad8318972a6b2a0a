import { describe, expect, it } from 'vitest';
import { jobLines } from './job-lines.ts';

describe('The lines of the memory bench', () => {
  it('are as many different jobs as were asked for, in chunks of whole lines', () => {
    const chunks = [...jobLines(1_000)];
    expect(chunks.every((chunk) => chunk.at(-1) === 0x0a && chunk.length <= 65_536)).toBe(true);
    const jobs = Buffer.concat(chunks).toString().trimEnd().split('\n').map(readJob);
    expect(jobs.map(({ id }) => id)).toEqual(
      Array.from({ length: 1_000 }, (_, number) => `job-${String(number).padStart(8, '0')}`),
    );
    expect(new Set(jobs.map(({ token }) => token)).size).toBe(1_000);
    expect(jobs.filter(({ token }) => !/^[0-9a-f]{64}$/.test(token))).toEqual([]);
    expect(jobs[999]?.payload.article).toBe('0999');
  });

  it('of a few jobs are one chunk', () => {
    expect([...jobLines(3)].map((chunk) => chunk.toString().split('\n').length)).toEqual([4]);
  });
});

function readJob(line: string): { id: string; token: string; payload: { article: string } } {
  return JSON.parse(line) as ReturnType<typeof readJob>; // the lines are ours
}
