import { systemClock } from '@carillon/pool';
import type { Clock } from '@carillon/pool';
import { createIdentity } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '@carillon/engine';
import {
  collect,
  expectEmpty,
  jobOf,
  jobsOf,
  linesOf,
  newsApp,
  openWorld,
  outcomes,
  reconcile,
  tokenOf,
  until,
} from './world.ts';
import type { World } from './world.ts';

async function sendAll(world: World, jobs = jobsOf(500)): Promise<Receipt[]> {
  return (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
}

/** The machine's clock, which may be set ahead. */
function skippingClock(): { clock: Clock; skip: (byMs: number) => void } {
  let aheadMs = 0;
  const clock = {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    epochMs: () => systemClock.epochMs() + aheadMs,
  };
  return { clock, skip: (byMs) => (aheadMs += byMs) };
}

function timesOf(world: World, token: string): number[] {
  return world.simulator.ledger.filter((entry) => entry.token === token).map(({ at }) => Date.parse(at));
}

describe('Engine', () => {
  describe('when the gateway has trouble', () => {
    it('waits as long as Retry-After says, and then gets every push accepted', async () => {
      const action = { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '1' } as const;
      await using world = await openWorld({
        faults: { faults: [{ id: '503', when: { on: 'request', every: 50, times: 8 }, action }] },
      });
      const receipts = await sendAll(world);
      expect(outcomes(receipts)).toEqual({ accepted: 500 });
      reconcile(world, jobsOf(500), receipts);
      const again = receipts.filter(({ attempts }) => attempts > 1);
      expect(again.length).toBeGreaterThanOrEqual(5);
      for (const { token } of again) {
        const [first, second] = timesOf(world, token ?? '') as [number, number];
        expect(second - first).toBeGreaterThanOrEqual(990);
      }
    });

    it('sends little while every answer is a 5xx, and all of it when that is over', async () => {
      const action = { kind: 'status', status: 503, reason: 'ServiceUnavailable' } as const;
      await using world = await openWorld(
        { faults: { faults: [{ id: '503', when: { on: 'request', every: 1, inAll: true, times: 12 }, action }] } },
        { serverErrorDelayMs: 50 },
      );
      const receipts = await sendAll(world, jobsOf(300));
      expect(outcomes(receipts)).toEqual({ accepted: 300 });
      expect(world.simulator.stats().requests).toBe(312);
      expect(world.eventsOf('gateway-fault')).toHaveLength(1);
      expectEmpty(world.engine);
    });

    it('does not send a 500 again when the job asks for a report: the server may have taken it', async () => {
      await using world = await openWorld();
      world.simulator.setToken(tokenOf(1), { kind: 'reply', status: 500, reason: 'InternalServerError' });
      const [receipt] = await sendAll(world, [jobOf(1, { onAmbiguous: 'report' })]);
      expect(receipt).toMatchObject({
        outcome: 'abandoned',
        because: 'ambiguous',
        processed: 'unknown',
        reason: 'InternalServerError',
        attempts: 1,
      });
      expect(timesOf(world, tokenOf(1))).toHaveLength(1);
    });

    it('gives a push up after so many attempts', async () => {
      await using world = await openWorld({}, { serverErrorDelayMs: 10, attemptsMax: 3 });
      world.simulator.setToken(tokenOf(1), { kind: 'reply', status: 500, reason: 'InternalServerError' });
      const [receipt] = await sendAll(world, [jobOf(1)]);
      expect(receipt).toMatchObject({
        outcome: 'abandoned',
        because: 'attempts',
        processed: 'unknown',
        reason: 'InternalServerError',
        attempts: 3,
      });
      expect(new Set(world.simulator.ledger.map(({ apnsId }) => apnsId))).toEqual(new Set([receipt?.apnsId]));
    });
  });

  describe('when one device is not to be asked', () => {
    it('lets that device rest after a 429, and goes on with the others', async () => {
      await using world = await openWorld();
      world.simulator.setToken(tokenOf(7), { kind: 'throttled', retryAfter: '1', times: 1 });
      const jobs = [...jobsOf(200), jobOf(7, { id: 'second' })];
      const receipts = await sendAll(world, jobs);
      expect(outcomes(receipts)).toEqual({ accepted: 201 });
      expect(receipts.slice(0, 199).some(({ token }) => token === tokenOf(7))).toBe(false);
      const [refused, ...later] = timesOf(world, tokenOf(7)) as [number, ...number[]];
      const atOnce = later.filter((at) => at - refused < 900);
      // The second push to the device may have been on the wire together with the first.
      expect(atOnce.length).toBeLessThanOrEqual(1);
      reconcile(world, jobs, receipts);
    });

    // Pushes that had never been sent waited for the budget of retries, ten a second.
    it('sends what was held back as soon as the rest is over, however much it is', async () => {
      await using world = await openWorld({ http2: { streamsMax: 1 } }, { connectionsMax: 1 });
      world.simulator.setToken(tokenOf(7), { kind: 'throttled', retryAfter: '1', times: 1 });
      const begun = performance.now();
      const receipts = await sendAll(
        world,
        Array.from({ length: 2500 }, (_, number) => jobOf(number, { token: tokenOf(7) })),
      );
      expect(outcomes(receipts)).toEqual({ accepted: 2500 });
      expect(performance.now() - begun).toBeLessThan(8000);
    });

    it('does not ask again for a device that is gone, until it registers', async () => {
      await using world = await openWorld();
      const since = Date.now() - 60_000;
      world.simulator.setToken(tokenOf(1), { kind: 'unregistered', timestampMs: since, times: 1 });
      const { engine } = world;
      expect(await engine.send(jobOf(1))).toEqual({ kind: 'unregistered', status: 410, reason: 'Unregistered', since });
      expect(await engine.send(jobOf(1))).toEqual({
        kind: 'unregistered',
        status: null,
        reason: 'local.known-dead',
        since,
      });
      engine.registered('news', tokenOf(1), since - 1);
      expect(await engine.send(jobOf(1))).toMatchObject({ reason: 'local.known-dead' });
      engine.registered('news', tokenOf(1));
      expect(await engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
      expect(timesOf(world, tokenOf(1))).toHaveLength(2);
      expect(() => engine.registered('shop', tokenOf(1))).toThrow(/not configured/);
    });

    // Pushes that waited in the lane while a 410 came for their device were sent all the same.
    it('does not ask for it with pushes that waited when the 410 came', async () => {
      await using world = await openWorld({ http2: { streamsMax: 1 } });
      world.simulator.setToken(tokenOf(1), { kind: 'unregistered' });
      const receipts = await sendAll(
        world,
        Array.from({ length: 20 }, (_, number) => jobOf(number, { token: tokenOf(1) })),
      );
      expect(outcomes(receipts)).toEqual({ unregistered: 20 });
      expect(receipts.filter(({ status }) => status === 410).length).toBeLessThanOrEqual(4);
      expect(receipts.filter(({ reason }) => reason === 'local.known-dead').length).toBeGreaterThanOrEqual(16);
    });

    it('ends what is wrong with the device token itself', async () => {
      await using world = await openWorld();
      world.simulator.setToken(tokenOf(1), { kind: 'bad' });
      world.simulator.setToken(tokenOf(2), { kind: 'wrong-topic' });
      world.simulator.setToken(tokenOf(3), { kind: 'reply', status: 418, reason: 'NewInTwentyThirty' });
      const receipts = await sendAll(world, jobsOf(5));
      const reasonOf = new Map(receipts.map(({ id, reason, status }) => [id, [status, reason]]));
      expect(reasonOf.get('job-1')).toEqual([400, 'BadDeviceToken']);
      expect(reasonOf.get('job-2')).toEqual([400, 'DeviceTokenNotForTopic']);
      expect(reasonOf.get('job-3')).toEqual([418, 'NewInTwentyThirty']);
      expect(outcomes(receipts)).toEqual({ accepted: 2, rejected: 3 });
    });
  });

  describe('when the credential is refused', () => {
    it('replaces a connection on which a hundred in flight get ExpiredProviderToken, and sends all of them again', async () => {
      const action = { kind: 'status', status: 403, reason: 'ExpiredProviderToken' } as const;
      await using world = await openWorld({
        faults: { faults: [{ id: 'expired', when: { on: 'request', token: 'e0e0', connections: [1] }, action }] },
      });
      const jobs = jobsOf(520, (number) => (number < 20 ? {} : { token: `e0e0${String(number).padStart(60, '0')}` }));
      const receipts = await sendAll(world, jobs);
      expect(outcomes(receipts)).toEqual({ accepted: 520 });
      expect(world.simulator.stats().fired['expired']).toBeGreaterThan(50);
      expect(world.engine.stats().outlets).toMatchObject([{ credential: 'trusted' }]);
      // The refused ones went out twice, and the receipt says so.
      expect(receipts.every(({ attempts }) => attempts === 1 || attempts === 2)).toBe(true);
      expect(receipts.some(({ attempts }) => attempts === 2)).toBe(true);
      reconcile(world, jobs, receipts);
    });

    it('parks the work after a few requests with a wrong key, and sends it when the credential is replaced', async () => {
      const wrong = createIdentity();
      await using world = await openWorld(
        {},
        {
          apps: (simulator) => ({
            news: newsApp(simulator, {
              credential: { kind: 'token', key: wrong.keyPem, keyId: simulator.keyId, teamId: simulator.teamId },
            }),
          }),
        },
      );
      const receipts = sendAll(world);
      await until('the credential is parked', () => world.eventsOf('credential-fault').length > 0);
      expect(world.eventsOf('credential-fault')).toMatchObject([{ reason: 'InvalidProviderToken' }]);
      const { keyPem: key, keyId, teamId } = world.simulator;
      expect(world.simulator.stats().requests).toBeLessThanOrEqual(10);
      world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
      expect(outcomes(await receipts)).toEqual({ accepted: 500 });
      expectEmpty(world.engine);
    });

    it('gives the work up instead where that is asked for', async () => {
      const wrong = createIdentity();
      await using world = await openWorld(
        {},
        {
          onCredentialFault: 'abandon',
          apps: (simulator) => ({
            news: newsApp(simulator, {
              credential: { kind: 'token', key: wrong.keyPem, keyId: simulator.keyId, teamId: simulator.teamId },
            }),
          }),
        },
      );
      const receipts = await sendAll(world);
      expect(new Set(receipts.map(({ because, processed }) => `${because} ${processed}`))).toEqual(
        new Set(['credential no']),
      );
      expect(world.simulator.stats().requests).toBeLessThanOrEqual(10);
    });

    // Nothing woke the pool when the hold was over, and the work was then given up as unreachable.
    it('sends nothing for 20 minutes after TooManyProviderTokenUpdates, and everything then', async () => {
      const action = { kind: 'status', status: 429, reason: 'TooManyProviderTokenUpdates' } as const;
      const { clock, skip } = skippingClock();
      await using world = await openWorld(
        { faults: { faults: [{ id: 'updates', when: { on: 'request', every: 1, inAll: true, times: 1 }, action }] } },
        { seams: { clock } },
      );
      const receipts = sendAll(world, jobsOf(50));
      await until('the credential is parked', () => world.eventsOf('credential-fault').length > 0);
      const ahead = (byMs: number): void => {
        skip(byMs);
        world.simulator.advanceClock(byMs);
      };
      ahead(19 * 60_000);
      // Its end comes with a tick, in which the others could have been given up.
      const deadline = new Date(clock.epochMs() + 1);
      expect(await world.engine.send(jobOf(99, { deadline }))).toMatchObject({ because: 'deadline' });
      expect(world.simulator.stats().requests).toBeLessThanOrEqual(3);
      ahead(61_000);
      expect(outcomes(await receipts)).toEqual({ accepted: 50 });
    });

    it('holds back one topic that the credential may not use, and sends the others', async () => {
      await using world = await openWorld(
        { rules: { bundleIds: ['com.example.app'] }, http2: { streamsMax: 10 } },
        {
          deadlineMs: 1500,
          apps: (simulator) => ({ news: newsApp(simulator), shop: newsApp(simulator, { topic: 'com.example.shop' }) }),
        },
      );
      const jobs = jobsOf(400, (number) => ({ app: number % 2 === 0 ? 'news' : 'shop' }));
      const receipts = await sendAll(world, jobs);
      const news = receipts.filter(({ app }) => app === 'news');
      const shop = receipts.filter(({ app }) => app === 'shop');
      expect(outcomes(news)).toEqual({ accepted: 200 });
      expect(world.eventsOf('topic-fault')).toMatchObject([
        { app: 'shop', topic: 'com.example.shop', reason: 'TopicDisallowed' },
      ]);
      expect(shop.filter(({ because }) => because === 'deadline').length).toBeGreaterThan(0);
      expect(new Set(shop.map(({ outcome }) => outcome))).toEqual(new Set(['rejected', 'abandoned']));
      reconcile(world, jobs, receipts);
    });
  });
});
