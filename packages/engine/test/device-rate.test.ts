/** `perDevicePerSecond`: no device gets more than that, whatever comes for it; the others are not slowed. */
import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobOf, jobsOf, openWorld, outcomes, reconcile, tokenOf, until } from './world.ts';
import type { World } from './world.ts';

function timesOf({ simulator }: World, token: string): number[] {
  return simulator.ledger.filter((entry) => entry.token === token).map(({ at }) => Date.parse(at));
}

describe('Engine with a rate for each device', () => {
  it('spreads what comes for one device, and sends the others at once', async () => {
    await using world = await openWorld({}, { perDevicePerSecond: 4 });
    const jobs = [
      ...jobsOf(6, () => ({ token: tokenOf(7) })),
      ...jobsOf(300, (number) => ({ id: `other-${number}`, token: tokenOf(100 + number) })),
    ];
    const receipts = await collect(world.engine.sendAll(jobs));
    expect(outcomes(receipts)).toEqual({ accepted: 306 });
    expect(receipts.slice(0, 301).filter(({ token }) => token === tokenOf(7))).toHaveLength(1);
    const times = timesOf(world, tokenOf(7));
    // 250 ms apart; up to 100 ms early, since the one before may have been late by a look.
    for (let at = 1; at < times.length; at++)
      expect((times[at] ?? 0) - (times[at - 1] ?? 0)).toBeGreaterThanOrEqual(140);
    const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(spanMs).toBeGreaterThanOrEqual(1140);
    expect(reconcile(world, jobs, receipts)).toBe(0);
  });

  it('charges neither attempts nor retries for the wait', async () => {
    await using world = await openWorld({}, { perDevicePerSecond: 5 });
    const receipts = await collect(world.engine.sendAll(jobsOf(3, () => ({ token: tokenOf(7) }))));
    expect(receipts.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    expect(world.engine.stats()).toMatchObject({ delayed: 0, resends: 0 });
  });

  it('gives up at once what would have its turn after its deadline', async () => {
    await using world = await openWorld({}, { perDevicePerSecond: 0.01 });
    expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    const deadline = new Date(Date.now() + 60_000);
    expect(await world.engine.send(jobOf(1, { deadline }))).toMatchObject({
      kind: 'abandoned',
      because: 'deadline',
      processed: 'no',
    });
    expectEmpty(world.engine);
  });

  it('lets those go that are cancelled while they are held, and keeps no places for them', async () => {
    await using world = await openWorld({}, { perDevicePerSecond: 2 });
    const { engine } = world;
    expect(await engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    const cancelling = new AbortController();
    const many = jobsOf(40, () => ({ token: tokenOf(1) })).map((job) =>
      engine.send(job, { signal: cancelling.signal }),
    );
    await until('they are held', () => engine.stats().putOff === 40);
    cancelling.abort();
    for (const outcome of await Promise.all(many))
      expect(outcome).toMatchObject({ because: 'cancelled', processed: 'no' });
    const begun = performance.now();
    expect(await engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('sends a push that was refused unprocessed again without waiting for the device', async () => {
    await using world = await openWorld({}, { perDevicePerSecond: 0.1 });
    world.simulator.setToken(tokenOf(1), { kind: 'reset', errorCode: 7, times: 2 });
    const begun = performance.now();
    expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'accepted' });
    expect(performance.now() - begun).toBeLessThan(3000);
  });
});
