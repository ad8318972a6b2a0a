/** What is said of pushes that APNs may have taken, and of those it would not take; what a scatter of faults costs. */
import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobOf, jobsOf, linesOf, openWorld, outcomes, tokenOf } from './world.ts';

const error = { kind: 'reply', status: 500, reason: 'InternalServerError', times: 1 } as const;

describe('Engine', () => {
  describe('when APNs may have taken a push', () => {
    it.each([
      ['report', undefined, 'abandoned'],
      ['report', 'report', 'abandoned'],
      ['report', 'resend', 'accepted'],
      ['resend', undefined, 'accepted'],
      ['resend', 'report', 'abandoned'],
      ['resend', 'resend', 'accepted'],
    ] as const)('does what the job says before what the engine says (%s, %s: %s)', async (ofEngine, ofJob, outcome) => {
      await using world = await openWorld({}, { onAmbiguous: ofEngine, serverErrorDelayMs: 10 });
      world.simulator.setToken(tokenOf(1), error);
      const job = jobOf(1, ofJob === undefined ? {} : { onAmbiguous: ofJob });
      const [receipt] = (await collect(world.engine.sendBytes([linesOf([job])]))).flat();
      expect(receipt).toMatchObject(
        outcome === 'accepted'
          ? { outcome, attempts: 2 }
          : {
              outcome,
              because: 'ambiguous',
              processed: 'unknown',
              status: 500,
              reason: 'InternalServerError',
              attempts: 1,
            },
      );
      expect(new Set(world.simulator.ledger.map(({ apnsId }) => apnsId)).size).toBe(1);
      expectEmpty(world.engine);
    });
  });

  describe('when it gives a push up', () => {
    it('puts the last status and reason of APNs in the receipt, or null when the last attempt had no answer', async () => {
      await using world = await openWorld({}, { serverErrorDelayMs: 10, attemptsMax: 2, requestTimeoutMs: 300 });
      world.simulator.setToken(tokenOf(1), { kind: 'reply', status: 503, reason: 'ServiceUnavailable' });
      world.simulator.setToken(tokenOf(2), { kind: 'silence' });
      const receipts = await collect(world.engine.sendAll([jobOf(1), jobOf(2)]));
      const byId = new Map(receipts.map((receipt) => [receipt.id, receipt]));
      expect(byId.get('job-1')).toMatchObject({
        because: 'attempts',
        status: 503,
        reason: 'ServiceUnavailable',
        attempts: 2,
      });
      expect(byId.get('job-2')).toMatchObject({ because: 'attempts', processed: 'unknown', status: null, attempts: 2 });
    });
  });

  describe('when single answers are 503', () => {
    // Each cost its connection: a tenth of 503s was a storm of dials.
    it('keeps its connection, and sends those pushes again', async () => {
      const action = { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '0' } as const;
      await using world = await openWorld(
        { faults: { faults: [{ id: '503', when: { on: 'request', every: 10 }, action }] } },
        { connectionsMax: 1, serverErrorDelayMs: 10 },
      );
      const receipts = await collect(world.engine.sendAll(jobsOf(500)));
      expect(outcomes(receipts)).toEqual({ accepted: 500 });
      expect(world.simulator.stats().fired['503']).toBeGreaterThanOrEqual(50);
      expect(world.engine.stats()).toMatchObject({ dials: 1, connections: 1 });
      expect(world.eventsOf('connection-closed')).toEqual([]);
    });
  });

  describe('when a push is refused again and again', () => {
    it('sends it more slowly each time, and in the end it is accepted', async () => {
      await using world = await openWorld({}, { seams: { random: { next: () => 0.99 } } });
      world.simulator.setToken(tokenOf(1), { kind: 'reset', errorCode: 7, times: 7 });
      const begun = performance.now();
      expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
      // 40 + 80 + 160 + 320 ms after the fourth to seventh refusal.
      expect(performance.now() - begun).toBeGreaterThan(590);
      expect(world.engine.stats()).toMatchObject({ resends: 7, attempts: 8, dials: 1 });
    });
  });
});
