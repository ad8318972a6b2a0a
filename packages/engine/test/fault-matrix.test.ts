/**
 * Rows of the fault matrix that are about credentials, clocks and a gateway in trouble for long. Where a row is proved in
 * another file, that is where it stands: C2, C3, C4, C5 and C6 in replies.test.ts, C8's files in the sender's exit codes.
 */
import { createCertificateAuthority } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { SkippingClock } from './skipping-clock.ts';
import { collect, expectEmpty, jobOf, jobsOf, linesOf, newsApp, openWorld, outcomes, tokenOf, until } from './world.ts';
import type { World } from './world.ts';

const hourMs = 3_600_000;

/** Lets `ms` pass on both clocks, in steps in which the engine's event loop does not look starved. */
async function pass(clock: SkippingClock, world: World, ms: number): Promise<void> {
  const stepMs = 200;
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.skip(stepMs);
    world.simulator.advanceClock(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

describe('C1: a gateway that answers 503 for a minute', () => {
  it('is asked little meanwhile, and gets the rest within 5 s of being well', async () => {
    const clock = new SkippingClock();
    await using world = await openWorld({ http2: { streamsMax: 50 } }, { seams: { clock }, connectionsMax: 1 });
    const jobs = jobsOf(3000);
    for (const { token } of jobs) {
      world.simulator.setToken(token ?? '', { kind: 'reply', status: 503, reason: 'ServiceUnavailable' });
    }
    const receipts = collect(world.engine.sendBytes([linesOf(jobs)]));
    await until('the breaker is open', () => world.eventsOf('gateway-fault').length > 0);
    await pass(clock, world, 60_000);
    const askedWhileIll = world.simulator.stats().requests;
    // What was in flight when it began, and a probe every four seconds or so.
    expect(askedWhileIll).toBeLessThanOrEqual(50 + 10 + 60);
    for (const { token } of jobs) world.simulator.setToken(token ?? '', { kind: 'ok' });
    await pass(clock, world, 5000);
    // All but those that were answered 503 and have to wait a quarter of an hour.
    await until('the others are sent', () => world.engine.stats().accepted >= jobs.length - askedWhileIll);
    await pass(clock, world, 1000);
    clock.skip(17 * 60_000);
    world.simulator.advanceClock(17 * 60_000);
    await pass(clock, world, 20_000);
    expect(outcomes((await receipts).flat())).toEqual({ accepted: jobs.length });
    const { attempts } = world.engine.stats();
    expect(attempts / jobs.length).toBeLessThanOrEqual(1.1);
    expectEmpty(world.engine);
  });
});

describe('C7: a wall clock that is wrong', () => {
  /** The engine's wall clock alone steps; its monotonic clock and the gateway's clock do not. */
  class SteppingClock extends SkippingClock {
    stepMs = 0;

    override epochMs(): number {
      return super.epochMs() + this.stepMs;
    }
  }

  it('that is set back an hour changes no provider token and stops nothing', async () => {
    const clock = new SteppingClock();
    await using world = await openWorld({ referee: true }, { seams: { clock } });
    expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    clock.stepMs = -hourMs;
    clock.skip(2000); // past the look at the token
    expect(outcomes(await collect(world.engine.sendAll(jobsOf(200))))).toEqual({ accepted: 200 });
    expect(world.engine.stats()).toMatchObject({ dials: 1, outlets: [{ credential: 'trusted' }] });
    expect(world.eventsOf('credential-fault')).toEqual([]);
  });

  it('that is set ahead an hour costs a few requests, then waits for a person instead of making tokens', async () => {
    const clock = new SteppingClock();
    await using world = await openWorld({ referee: true }, { seams: { clock } });
    expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    const before = world.simulator.stats().requests;
    clock.stepMs = hourMs;
    clock.skip(2000);
    const receipts = collect(world.engine.sendAll(jobsOf(200)));
    await until('the credential is parked', () => world.eventsOf('credential-fault').length > 0);
    // Those on the wire when the first was refused, and one probe of a fresh connection.
    const parkedAt = world.simulator.stats().requests;
    expect(parkedAt - before).toBeLessThanOrEqual(201);
    await pass(clock, world, 30_000);
    expect(world.simulator.stats().requests).toBe(parkedAt);
    expect(world.engine.stats().dials).toBeLessThanOrEqual(3);
    expect(world.eventsOf('credential-fault')[0]?.message).toMatch(/took before.*clock, here 20.*NTP/u);
    clock.stepMs = 0;
    const { keyPem: key, keyId, teamId } = world.simulator;
    world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
    await pass(clock, world, 2000);
    expect(outcomes(await receipts)).toEqual({ accepted: 200 });
  });
});

describe('C8: a credential that is replaced while running', () => {
  it('stays as it was when the new one is garbage, cut off or another kind of key, and loses nothing', async () => {
    await using world = await openWorld();
    const { keyPem: key, keyId, teamId } = world.simulator;
    const receipts = collect(world.engine.sendAll(jobsOf(2000)));
    const bad = ['', 'garbage', key.slice(0, key.length / 2), key.replace('BEGIN PRIVATE', 'BEGIN PUBLIC')];
    for (const half of bad) {
      expect(() => world.engine.replaceCredential('news', { kind: 'token', key: half, keyId, teamId })).toThrow(
        /apps\.news/u,
      );
    }
    expect(outcomes(await receipts)).toEqual({ accepted: 2000 });
    expect(world.engine.stats().dials).toBe(1);
  });
});

describe('C9: a client certificate that ends while it is in use', () => {
  it('is warned of, then parks its own work and nobody else’s, and a new one sends it', async () => {
    const clock = new SkippingClock();
    const authority = createCertificateAuthority();
    const issue = (notAfter: Date): { kind: 'certificate'; cert: string; key: string } => {
      const issued = authority.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456', notAfter });
      return { kind: 'certificate', cert: issued.certificatePem, key: issued.keyPem };
    };
    await using world = await openWorld(
      {},
      {
        seams: { clock },
        apps: (simulator) => ({
          old: newsApp(simulator, { credential: issue(new Date(Date.now() + hourMs)) }),
          news: newsApp(simulator),
        }),
      },
    );
    const both = (number: number): { app: string } => ({ app: number % 2 === 0 ? 'old' : 'news' });
    expect(outcomes(await collect(world.engine.sendAll(jobsOf(100, both))))).toEqual({ accepted: 100 });
    // Its first look at certificates comes with the first tick.
    await pass(clock, world, 400);
    const late = world.engine.send(jobOf(1, { app: 'news' }));
    await pass(clock, world, 400);
    expect(await late).toMatchObject({ kind: 'accepted' });
    expect(world.eventsOf('credential-expiry')).toMatchObject([{ message: expect.stringMatching(/of old ends 20/u) }]);

    clock.skip(2 * hourMs);
    world.simulator.advanceClock(2 * hourMs);
    const jobs = jobsOf(100, (number) => ({ id: `late-${number}`, token: tokenOf(1000 + number), ...both(number) }));
    const receipts = collect(world.engine.sendAll(jobs));
    await pass(clock, world, 20_000);
    expect(world.engine.stats()).toMatchObject({ accepted: 151, jobs: 50 });
    expect(world.eventsOf('credential-fault')).toMatchObject([
      { reason: 'BadCertificate', message: expect.stringMatching(/certificate ended 20.*renew it/u) },
    ]);
    world.engine.replaceCredential('old', issue(new Date(clock.epochMs() + 40 * 24 * hourMs)));
    await pass(clock, world, 2000);
    expect(outcomes(await receipts)).toEqual({ accepted: 100 });
    expectEmpty(world.engine);
  });
});
