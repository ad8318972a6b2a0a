/** A credential that APNs does not take, or that cannot be had: its work is parked, nothing dials for it, and a person is told. */
import { isFault, openProviderTokenSource } from '@carillon/apns';
import type { TokenSigner } from '@carillon/engine';
import { createIdentity } from '@carillon/simulator';
import type { Simulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { SkippingClock } from './skipping-clock.ts';
import { collect, jobOf, jobsOf, newsApp, openWorld, outcomes, until } from './world.ts';

const wrong = createIdentity();

/** A KMS that holds the simulator's key. */
function signerOf({ keyPem: key, keyId, teamId }: Simulator, clock: SkippingClock): TokenSigner {
  const source = openProviderTokenSource({ key, keyId, teamId });
  if (isFault(source)) throw new Error(source.message);
  return () => Promise.resolve(source.tokenAt(clock.epochMs()));
}

const silent: TokenSigner = () => new Promise(() => undefined);

describe('Engine with a credential that APNs refuses', () => {
  // It dialled again and again for work that could not go, and once more for the connection that was refused.
  it('dials no more from the moment it is parked', async () => {
    const clock = new SkippingClock();
    await using world = await openWorld(
      {},
      {
        seams: { clock },
        apps: (simulator) => {
          const { keyId, teamId } = simulator;
          return { news: newsApp(simulator, { credential: { kind: 'token', key: wrong.keyPem, keyId, teamId } }) };
        },
      },
    );
    const { engine, simulator } = world;
    const receipts = collect(engine.sendAll(jobsOf(100)));
    await until('the credential is parked', () => world.eventsOf('credential-fault').length > 0);
    const { dials, dialing } = engine.stats();
    expect([dials, dialing]).toEqual([2, 0]);
    for (let second = 0; second < 60; second++) {
      clock.skip(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // More work is no reason either.
    const late = engine.send(jobOf(200));
    await until('it waits', () => engine.stats().waiting === 101);
    clock.skip(1000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(engine.stats()).toMatchObject({ dials, connections: 0, outlets: [{ credential: 'parked' }] });
    expect(world.eventsOf('unreachable')).toEqual([]);
    const { keyPem: key, keyId, teamId } = simulator;
    engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
    expect(outcomes(await receipts)).toEqual({ accepted: 100 });
    expect(await late).toMatchObject({ kind: 'accepted' });
  });

  // A refusal that also costs the connection was not counted: it was replaced without end, eight times a second.
  it('says clock-skew when fresh tokens are refused as expired, what to do, and sends when that is done', async () => {
    await using world = await openWorld();
    world.simulator.advanceClock(2 * 3_600_000);
    const receipts = collect(world.engine.sendAll(jobsOf(50)));
    await until('the credential is parked', () => world.eventsOf('credential-fault').length > 0);
    expect(world.eventsOf('credential-fault')).toMatchObject([
      { reason: 'clock-skew', message: expect.stringMatching(/clock.*20\d\d-.*NTP.*; \d+ pushes wait/u) },
    ]);
    expect(world.simulator.stats().requests).toBeLessThanOrEqual(10);
    world.simulator.advanceClock(-2 * 3_600_000);
    const { keyPem: key, keyId, teamId } = world.simulator;
    world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
    expect(outcomes(await receipts)).toEqual({ accepted: 50 });
    expect(world.eventsOf('credential-fault')).toHaveLength(1);
  });
});

describe('Engine with a signer', () => {
  it('parks the work when no answer comes, tells of it and asks again, and sends when one comes', async () => {
    const clock = new SkippingClock();
    let asked = 0;
    await using world = await openWorld(
      {},
      {
        seams: { clock },
        giveUpAfterMs: 5000,
        apps: (simulator) => {
          const { keyId, teamId } = simulator;
          const answers = signerOf(simulator, clock);
          const signer: TokenSigner = (signal) => (++asked < 3 ? silent(signal) : answers(signal));
          return { news: newsApp(simulator, { credential: { kind: 'signer', signer, keyId, teamId } }) };
        },
      },
    );
    const { engine } = world;
    const receipts = collect(engine.sendAll(jobsOf(50)));
    for (const time of [1, 2]) {
      await until('the signer is asked', () => asked === time);
      // Longer than giveUpAfterMs, in steps in which the event loop does not look starved.
      for (let step = 0; step < 20; step++) {
        clock.skip(500);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await until('it is told', () => world.eventsOf('signer-fault').length === time);
      expect(engine.stats().outlets).toMatchObject([{ credential: 'parked' }]);
      for (let step = 0; step < 20; step++) {
        clock.skip(500);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    expect(outcomes(await receipts)).toEqual({ accepted: 50 });
    expect(world.eventsOf('signer-fault')[0]?.message).toMatch(/apps\.news.*did not answer within 10 s/u);
    expect([...world.eventsOf('unreachable'), ...world.eventsOf('credential-fault')]).toEqual([]);
    expect(engine.stats().outlets).toMatchObject([{ credential: 'trusted' }]);
  });

  // The new one was taken for the old one, because it signs for the same key, and was never asked.
  it('asks another signer of the same key as soon as it replaces the first', async () => {
    const clock = new SkippingClock();
    await using world = await openWorld(
      {},
      {
        apps: (simulator) => {
          const { keyId, teamId } = simulator;
          return { news: newsApp(simulator, { credential: { kind: 'signer', signer: silent, keyId, teamId } }) };
        },
      },
    );
    const { engine, simulator } = world;
    const receipts = collect(engine.sendAll(jobsOf(50)));
    await until('the first has been asked', () => engine.stats().usableConnections === 1);
    const { keyId, teamId } = simulator;
    engine.replaceCredential('news', { kind: 'signer', signer: signerOf(simulator, clock), keyId, teamId });
    expect(outcomes(await receipts)).toEqual({ accepted: 50 });
    await until('the old connection is gone', () => engine.stats().outlets.length === 1);
  });

  it('gives the work up where that is asked for', async () => {
    await using world = await openWorld(
      {},
      {
        onCredentialFault: 'abandon',
        apps: (simulator) => {
          const { keyId, teamId } = simulator;
          const signer: TokenSigner = () => Promise.reject(new Error('no route to the KMS'));
          return { news: newsApp(simulator, { credential: { kind: 'signer', signer, keyId, teamId } }) };
        },
      },
    );
    const outcome = await world.engine.send(jobOf(1));
    expect(outcome).toMatchObject({
      kind: 'abandoned',
      because: 'credential',
      message: expect.stringMatching(/signer/u),
    });
    expect(world.simulator.stats().requests).toBe(0);
  });
});
