import { describe, expect, it } from 'vitest';
import { createEngine } from '@carillon/engine';
import type { Receipt } from '@carillon/engine';
import { createIdentity } from '@carillon/simulator';
import { collect, expectEmpty, jobsOf, linesOf, newsApp, openWorld, outcomes, reconcile, taken } from './world.ts';
import type { World } from './world.ts';

async function sendAll(world: World, count: number): Promise<Receipt[]> {
  const receipts = (await collect(world.engine.sendBytes([linesOf(jobsOf(count))]))).flat();
  return receipts;
}

describe('Engine', () => {
  describe('when the gateway sends GOAWAY in the middle', () => {
    it.each(['exact', 'two-step'] as const)('loses and doubles nothing (last-stream-id: %s)', async (lastStreamId) => {
      const goaway = { kind: 'goaway', lastStreamId, stepMs: 20 } as const;
      await using world = await openWorld({
        faults: { faults: [{ id: 'goaway', when: { on: 'reply', every: 500 }, action: goaway }] },
      });
      const receipts = await sendAll(world, 3000);
      expect(outcomes(receipts)).toEqual({ accepted: 3000 });
      expect(reconcile(world, jobsOf(3000), receipts)).toBe(0);
      expect(world.simulator.stats().fired['goaway']).toBeGreaterThanOrEqual(3);
      // Proven unprocessed: free of charge.
      expect(new Set(receipts.map(({ attempts }) => attempts))).toEqual(new Set([1]));
      expect(world.eventsOf('goaway').length).toBeGreaterThanOrEqual(3);
    });

    it('sends again in the order in which the streams were opened', async () => {
      const goaway = { kind: 'goaway', lastStreamId: 'exact' } as const;
      const when = { on: 'request', nth: 40, connections: [1] } as const;
      await using world = await openWorld(
        { faults: { faults: [{ id: 'goaway', when, action: goaway }] } },
        { connectionsMax: 1 },
      );
      const receipts = await sendAll(world, 300);
      expect(outcomes(receipts)).toEqual({ accepted: 300 });
      const order = world.simulator.ledger.map(({ token }) => token);
      expect(world.simulator.stats().fired['goaway']).toBe(1);
      expect(order).toEqual(order.toSorted());
    });

    it('backs off and uses the next connection when GOAWAY comes instead of SETTINGS', async () => {
      const action = { kind: 'goaway', insteadOfSettings: true } as const;
      await using world = await openWorld({
        faults: { faults: [{ id: 'no', when: { on: 'start', connections: [1] }, action }] },
      });
      const receipts = await sendAll(world, 50);
      expect(outcomes(receipts)).toEqual({ accepted: 50 });
      expect(reconcile(world, jobsOf(50), receipts)).toBe(0);
      expect(world.simulator.stats().fired['no']).toBe(1);
    });
  });

  describe('when streams are refused', () => {
    it('sends 10 % refused again, free of charge, once each', async () => {
      await using world = await openWorld({
        faults: { faults: [{ id: 'refused', when: { on: 'request', every: 10 }, action: { kind: 'rst', code: 7 } }] },
      });
      const receipts = await sendAll(world, 2000);
      expect(outcomes(receipts)).toEqual({ accepted: 2000 });
      expect(reconcile(world, jobsOf(2000), receipts)).toBe(0);
      const { resends } = world.engine.stats();
      expect(resends).toBe(world.simulator.stats().fired['refused']);
      expect(resends).toBeGreaterThanOrEqual(200);
      expect(receipts.every(({ attempts }) => attempts === 1)).toBe(true);
    });

    it('stays within the limit when SETTINGS drop it to 1 and raise it again', async () => {
      const steps = [{ maxConcurrentStreams: 1 }, { afterMs: 150, maxConcurrentStreams: 1000 }];
      await using world = await openWorld({
        faults: { faults: [{ id: 'drop', when: { on: 'reply', nth: 100 }, action: { kind: 'settings', steps } }] },
      });
      const receipts = await sendAll(world, 2000);
      expect(outcomes(receipts)).toEqual({ accepted: 2000 });
      expect(reconcile(world, jobsOf(2000), receipts)).toBe(0);
      expect(world.simulator.stats().fired['drop']).toBeGreaterThanOrEqual(1);
    });

    it('opens one stream on a token connection until the first answer', async () => {
      await using world = await openWorld({ http2: { streamsBeforeAuthentication: 1 } });
      const receipts = await sendAll(world, 500);
      expect(outcomes(receipts)).toEqual({ accepted: 500 });
      expect(world.simulator.stats().streamsRefused).toBe(0);
    });
  });

  describe('when the connection is reset in the middle', () => {
    const faults = {
      faults: [{ id: 'reset', when: { on: 'request', nth: 200, connections: [1] }, action: { kind: 'tcp-reset' } }],
    } as const;

    it('sends again what was on the wire, under the same apns-id', async () => {
      await using world = await openWorld({ faults });
      const receipts = await sendAll(world, 1000);
      expect(outcomes(receipts)).toEqual({ accepted: 1000 });
      const doubled = reconcile(world, jobsOf(1000), receipts);
      expect(doubled).toBeLessThanOrEqual(world.engine.stats().ambiguous);
      expect(world.engine.stats().ambiguous).toBeGreaterThan(0);
    });

    it('reports it instead where the job or the engine asks for that', async () => {
      await using world = await openWorld({ faults });
      const jobs = jobsOf(1000, (number) => (number % 2 === 0 ? { onAmbiguous: 'report' } : {}));
      const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
      reconcile(world, jobs, receipts);
      const reported = receipts.filter(({ outcome }) => outcome === 'abandoned');
      expect(reported.length).toBeGreaterThan(0);
      for (const { id, because, processed } of reported) {
        expect([because, processed]).toEqual(['ambiguous', 'unknown']);
        expect(Number(id?.slice(4)) % 2).toBe(0);
      }
      const counts = taken(world.simulator);
      for (const { apnsId } of reported) expect(counts.get(apnsId ?? '') ?? 0).toBeLessThanOrEqual(1);
    });
  });

  describe('when the gateway does not answer', () => {
    it('gives up 2 % of streams and sends them again under the same apns-id', async () => {
      await using world = await openWorld(
        { faults: { faults: [{ id: 'none', when: { on: 'request', every: 50 }, action: { kind: 'no-answer' } }] } },
        { requestTimeoutMs: 300 },
      );
      const receipts = await sendAll(world, 1000);
      expect(outcomes(receipts)).toEqual({ accepted: 1000 });
      const fired = world.simulator.stats().fired['none'];
      expect(fired).toBeGreaterThanOrEqual(20);
      expect(world.engine.stats().ambiguous).toBe(fired);
      reconcile(world, jobsOf(1000), receipts);
    });

    it('takes a silent connection for dead and moves its pushes to another', async () => {
      await using world = await openWorld(
        {
          faults: {
            faults: [{ id: 'silence', when: { on: 'reply', nth: 50, connections: [1] }, action: { kind: 'silence' } }],
          },
        },
        { connectionsMax: 2 },
      );
      const begun = performance.now();
      const receipts = await sendAll(world, 500);
      expect(outcomes(receipts)).toEqual({ accepted: 500 });
      expect(performance.now() - begun).toBeLessThan(8000);
      reconcile(world, jobsOf(500), receipts);
      expect(world.eventsOf('connection-closed').some(({ because }) => because === 'ping-timeout')).toBe(true);
    });
  });

  describe('when the gateway cannot be reached', () => {
    it('gives up what waits as unreachable, says why, and takes new jobs afterwards', async () => {
      await using world = await openWorld({}, { giveUpAfterMs: 300 });
      const { simulator, events } = world;
      const app = newsApp(simulator);
      await simulator.close();
      await using engine = createEngine({
        apps: { news: app },
        giveUpAfterMs: 300,
        onEvent: (event) => events.push(event),
      });
      const receipts = (await collect(engine.sendBytes([linesOf(jobsOf(100))]))).flat();
      expect(outcomes(receipts)).toEqual({ abandoned: 100 });
      for (const { because, processed, message, attempts } of receipts) {
        expect([because, processed, attempts]).toEqual(['unreachable', 'no', 0]);
        expect(message).toMatch(/refused/i);
      }
      expect(world.eventsOf('unreachable')).toMatchObject([{ abandoned: 100 }]);
      expect(world.eventsOf('dial-failed').length).toBeGreaterThan(0);
      expectEmpty(engine);
      await expect(engine.send(jobsOf(1)[0] ?? {})).resolves.toMatchObject({
        kind: 'abandoned',
        because: 'unreachable',
      });
    });

    it('tells of a gateway whose certificate has another name, and sends nothing', async () => {
      await using world = await openWorld(
        { identity: createIdentity({ serverCertificate: 'wrong-name' }) },
        { giveUpAfterMs: 300 },
      );
      const receipts = await sendAll(world, 3);
      expect(receipts.map(({ because }) => because)).toEqual(['unreachable', 'unreachable', 'unreachable']);
      expect(receipts[0]?.message).toMatch(/name|certificate/);
      expect(world.simulator.stats().requests).toBe(0);
    });
  });
});
