import { describe, expect, it } from 'vitest';
import { collect, jobOf, jobsOf, linesOf, openWorld, outcomes, reconcile, tokenOf } from './world.ts';

describe('Engine', () => {
  describe('with a gateway that takes everything', () => {
    it('gets 10,000 jobs accepted, each received once, as the ledger says', async () => {
      await using world = await openWorld();
      const jobs = jobsOf(10_000);
      const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)], { file: 'jobs.ndjson' }))).flat();
      expect(outcomes(receipts)).toEqual({ accepted: 10_000 });
      expect(reconcile(world, jobs, receipts)).toBe(0);
      const lineOf = new Map(receipts.map(({ id, line }) => [id, line]));
      for (let number = 0; number < jobs.length; number += 997) expect(lineOf.get(`job-${number}`)).toBe(number + 1);
      const byToken = new Map(world.simulator.ledger.map((entry) => [entry.token, entry]));
      for (const { token, apnsId } of receipts) expect(byToken.get(token ?? '')?.apnsId).toBe(apnsId);
    });

    it('takes jobs as objects too, from a sync and from an async source', async () => {
      await using world = await openWorld();
      async function* slowly(): AsyncGenerator<ReturnType<typeof jobOf>> {
        for (const job of jobsOf(300)) yield await Promise.resolve(job);
      }
      const jobs = jobsOf(600).slice(300);
      const receipts = await collect(world.engine.sendAll(jobs));
      receipts.push(...(await collect(world.engine.sendAll(slowly()))));
      expect(outcomes(receipts)).toEqual({ accepted: 600 });
      expect(reconcile(world, jobsOf(600), receipts)).toBe(0);
    });

    it('answers send with the outcome', async () => {
      await using world = await openWorld();
      const outcome = await world.engine.send({ ...jobOf(1), apnsId: '11111111-2222-3333-4444-555555555555' });
      expect(outcome).toEqual({ kind: 'accepted', apnsId: '11111111-2222-3333-4444-555555555555' });
      expect(world.simulator.ledger).toMatchObject([
        { token: tokenOf(1), topic: 'com.example.app', pushType: 'alert', status: 200 },
      ]);
    });
  });
});
