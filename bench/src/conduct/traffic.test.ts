import { describe, expect, it } from 'vitest';
import { appNames, expectedOutcomes, jobAt, ndjsonOf, scriptedTokens } from './traffic.ts';

const jobs = 100_000;
const all = Array.from({ length: jobs }, (_, number) => jobAt(number, jobs));
const share = (kind: string): number => all.filter((job) => job.kind === kind).length / jobs;

describe('The jobs of the conduct bench', () => {
  it('are 2 % dead, 1 % bad and 1 % throttled, in every app', () => {
    expect([share('dead'), share('bad'), share('throttled')]).toEqual([0.02, 0.01, 0.01]);
    for (const app of appNames.keys()) {
      const own = all.filter((job) => job.app === app);
      expect(own.length).toBeGreaterThan(jobs / 6);
      expect(own.filter(({ kind }) => kind === 'dead').length / own.length).toBeCloseTo(0.02, 2);
    }
  });

  it('each have a token of their own that the gateway knows, unless they are good', () => {
    const tokens = scriptedTokens(jobs, 2);
    expect(Object.keys(tokens)).toHaveLength(jobs * 0.04);
    for (const { kind, token } of all) {
      expect(token).toMatch(/^[0-9a-f]{64}$/);
      expect(token in tokens).toBe(kind !== 'good');
    }
  });

  it('come again, to the same app, long after the first', () => {
    for (const kind of ['dead-again', 'bad-again'] as const) {
      const again = all.flatMap((job, number) => (job.kind === kind ? [{ ...job, number }] : []));
      expect(again.length).toBeGreaterThan(jobs / 1_100);
      for (const { token, app, number } of again) {
        const first = all.findIndex((job) => job.token === token);
        expect(all[first]).toMatchObject({ kind: kind.slice(0, -6), app });
        expect(number - first).toBeGreaterThan(jobs / 25);
      }
    }
  });

  it('are known by their outcomes', () => {
    expect(expectedOutcomes(jobs, false)).toEqual({ accepted: jobs });
    const { accepted, unregistered, rejected } = expectedOutcomes(jobs, true);
    expect([unregistered, rejected]).toEqual([2_095, 1_095]);
    expect(accepted).toBe(jobs - 2_095 - 1_095);
  });

  it('are lines of NDJSON, one a job', () => {
    const lines = Buffer.concat([...ndjsonOf(1_000)])
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; app: string; token: string });
    expect(lines).toHaveLength(1_000);
    expect(lines[733]).toMatchObject({ id: 'job-733', app: appNames[2], token: jobAt(733, 1_000).token });
  });
});
