import { createCertificateAuthority, createIdentity } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import type { AppOptions } from '@carillon/engine';
import { collect, expectEmpty, jobsOf, newsApp, openWorld, outcomes, reconcile, until } from './world.ts';

describe('Engine with many credentials in one process', () => {
  it('never lets two teams, keys or certificates share a connection', async () => {
    const [second, third] = [
      createIdentity({ teamId: 'TEAM222222', keyId: 'KEY2222222' }),
      createIdentity({ teamId: 'TEAM123456', keyId: 'KEY3333333' }),
    ];
    const keys = [second, third].map(({ keyId, teamId, publicKeyPem }) => ({ keyId, teamId, publicKeyPem }));
    await using world = await openWorld(
      { rules: { keys } },
      {
        connectionsMax: 2,
        apps: (simulator) => {
          const of = (
            topic: string,
            { keyPem: key, keyId, teamId }: { keyPem: string; keyId: string; teamId: string },
          ): AppOptions => newsApp(simulator, { topic, credential: { kind: 'token', key, keyId, teamId } });
          const { push } = simulator.identity;
          const certificate: AppOptions = newsApp(simulator, {
            credential: { kind: 'certificate', cert: push.certificatePem, key: push.keyPem },
          });
          return {
            own: of('com.example.own', simulator),
            also: of('com.example.also', simulator),
            second: of('com.example.second', second),
            third: of('com.example.third', third),
            certificate,
          };
        },
      },
    );
    const names = ['own', 'also', 'second', 'third', 'certificate'] as const;
    const jobs = jobsOf(1000, (number) => ({ app: names[number % 5] ?? 'own' }));
    const receipts = await collect(world.engine.sendAll(jobs));
    expect(outcomes(receipts)).toEqual({ accepted: 1000 });
    expect(reconcile(world, jobs, receipts)).toBe(0);
    const topicsOf = new Map<number, Set<string>>();
    for (const { connection, topic } of world.simulator.ledger)
      topicsOf.set(connection, (topicsOf.get(connection) ?? new Set()).add(topic ?? ''));
    for (const topics of topicsOf.values()) {
      // Two apps of one team and key share, as they should; nobody else does.
      if (topics.size > 1) expect(topics).toEqual(new Set(['com.example.own', 'com.example.also']));
    }
    expect(world.engine.stats().outlets).toHaveLength(4);
  });

  it('parks one credential that is refused, and the others go on', async () => {
    const unknown = createIdentity({ teamId: 'TEAM999999', keyId: 'KEY9999999' });
    await using world = await openWorld(
      {},
      {
        deadlineMs: 700,
        apps: (simulator) => ({
          good: newsApp(simulator),
          bad: newsApp(simulator, {
            topic: 'com.example.bad',
            credential: { kind: 'token', key: unknown.keyPem, keyId: unknown.keyId, teamId: unknown.teamId },
          }),
        }),
      },
    );
    const receipts = await collect(
      world.engine.sendAll(jobsOf(400, (number) => ({ app: number % 2 === 0 ? 'good' : 'bad' }))),
    );
    expect(outcomes(receipts.filter(({ app }) => app === 'good'))).toEqual({ accepted: 200 });
    expect(outcomes(receipts.filter(({ app }) => app === 'bad'))).toEqual({ abandoned: 200 });
    expect(world.simulator.stats().statuses['403']).toBeLessThanOrEqual(10);
  });

  describe('replacing one', () => {
    it('loses no push with streams on the wire and pushes waiting', async () => {
      const second = createIdentity({ teamId: 'TEAM222222', keyId: 'KEY2222222' });
      const { keyPem: key, keyId, teamId, publicKeyPem } = second;
      const faults = {
        faults: [{ id: 'slow', when: { on: 'request', every: 1 }, action: { kind: 'delay', delayMs: 60 } }],
      } as const;
      await using world = await openWorld({
        rules: { keys: [{ keyId, teamId, publicKeyPem }] },
        http2: { streamsMax: 50 },
        faults,
      });
      const jobs = jobsOf(400);
      const receipts = collect(world.engine.sendAll(jobs));
      await until(
        'pushes are on the wire',
        () => world.engine.stats().onWire >= 20 && world.engine.stats().waiting > 100,
      );
      world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
      const { jobs: under, waiting, onWire } = world.engine.stats();
      expect(waiting + onWire).toBe(under);
      expect(outcomes(await receipts)).toEqual({ accepted: 400 });
      expect(reconcile(world, jobs, await receipts)).toBe(0);
      await until(
        'the old connections are closed',
        () => world.engine.stats().connections === world.engine.stats().outlets[0]?.connections.length,
      );
    });

    it('keeps the old one when the new one cannot be used', async () => {
      await using world = await openWorld();
      const { certificatePem: cert } = createCertificateAuthority().issuePush({
        bundleId: 'com.example.app',
        teamId: 'TEAM123456',
      });
      expect(() => world.engine.replaceCredential('news', { kind: 'certificate', cert, key: 'nonsense' })).toThrow(
        /PEM/,
      );
      expect(() => world.engine.replaceCredential('shop', { kind: 'certificate', cert, key: 'nonsense' })).toThrow(
        /not configured/,
      );
      expect(outcomes(await collect(world.engine.sendAll(jobsOf(20))))).toEqual({ accepted: 20 });
    });

    it('by itself tries it again: what was wrong may have been put right at Apple', async () => {
      await using world = await openWorld(
        {
          faults: {
            faults: [
              {
                id: '403',
                when: { on: 'request', every: 1, inAll: true, times: 2 },
                action: { kind: 'status', status: 403, reason: 'InvalidProviderToken' },
              },
            ],
          },
        },
        { connectionsMax: 1 },
      );
      const { keyPem: key, keyId, teamId } = world.simulator;
      const receipts = collect(world.engine.sendAll(jobsOf(20)));
      await until('it is parked', () => world.eventsOf('credential-fault').length > 0);
      world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
      expect(outcomes(await receipts)).toEqual({ accepted: 20 });
    });

    it('is closed with the engine while its last streams are on the wire', async () => {
      const second = createIdentity({ teamId: 'TEAM222222', keyId: 'KEY2222222' });
      const { keyPem: key, keyId, teamId } = second;
      await using world = await openWorld();
      world.simulator.setToken(jobsOf(1)[0]?.token ?? '', { kind: 'silence' });
      const outcome = world.engine.send(jobsOf(1)[0] ?? {});
      await until('it is on the wire', () => world.simulator.stats().requests === 1);
      world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
      const begun = performance.now();
      await world.engine.close();
      expect(performance.now() - begun).toBeLessThan(2000);
      expect(await outcome).toMatchObject({ kind: 'abandoned', because: 'shutdown', processed: 'unknown' });
      expectEmpty(world.engine);
    });
  });
});
