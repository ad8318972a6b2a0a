// The manual of the simulated world, and what makes its verdicts worth something: the same seed gives the same run, a world
// without faults delivers everything, and a world can be told to be as small as one job.
import { describe, expect, it } from 'vitest';
import { newTally, tryPlan, trySeed } from './hunt.ts';
import { planOfSeed } from './plan-of-seed.ts';
import { runWorld } from './run.ts';
import { smallPlan } from './small-plan.ts';

describe('a simulated world', () => {
  it('delivers one push, and takes no longer than network and gateway do', async () => {
    const { observed, findings } = await tryPlan(smallPlan());
    expect(findings).toEqual([]);
    expect(observed.calls[0].receipts).toMatchObject([{ id: 'job', outcome: 'accepted', status: 200, attempts: 1 }]);
    expect(observed.ledger).toHaveLength(1);
    // Dial 30 ms, SETTINGS 5, request 5, thinking 40, reply 5.
    const latencyMs = observed.calls[0].receipts[0].latencyMs ?? 0;
    expect(latencyMs).toBeGreaterThanOrEqual(50);
    expect(latencyMs).toBeLessThan(52);
  });

  it('says what happened, line by line', async () => {
    const lines: string[] = [];
    await runWorld(smallPlan(), { write: (line) => lines.push(line) });
    const story = lines.join('\n');
    expect(story).toContain('dial 1: connection 1 to 192.0.0.1');
    expect(story).toContain('headers/4(1, ');
    expect(story).toContain('receipt job: accepted');
  });

  it('lets a fault of the plan happen, and the engine live with it', async () => {
    const { observed, findings } = await tryPlan(
      smallPlan({ faults: [{ part: 'cut', connection: 1, cut: { way: 'to-client', atByte: 100, kind: 'reset' } }] }),
    );
    expect(findings).toEqual([]);
    expect(observed.connections).toBe(2);
    expect(observed.calls[0].receipts).toMatchObject([{ outcome: 'accepted' }]);
  });

  it('is the same every time it runs (design: invariant 9)', async () => {
    for (const seed of [7, 19, 52, 154, 226, 910]) {
      const [one, other] = [await runWorld(planOfSeed(seed)), await runWorld(planOfSeed(seed))];
      expect(other.hash, `seed ${seed}`).toBe(one.hash);
      expect(other.worldEvents).toBe(one.worldEvents);
      expect(other.ledger).toEqual(one.ledger);
    }
  });

  it('is another one for another seed', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) hashes.add((await runWorld(planOfSeed(seed))).hash);
    expect(hashes.size).toBe(20);
  });

  it('finds nothing in its first seeds', async () => {
    const tally = newTally();
    for (let seed = 1; seed <= 60; seed++) {
      const caught = await trySeed(seed, tally);
      expect(caught?.findings ?? [], `npm run world -- --seed ${seed} --trace`).toEqual([]);
    }
  });
});
