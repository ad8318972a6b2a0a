/**
 * Conduct `errors-rare`: what APNs is likely to refuse travels on a connection of its own, over the real gateway. The
 * simulator's ledger says which connection took which device token.
 */
import type { DeviceLedger, Job, LedgerPage } from '@carillon/engine';
import { createIdentity, formatRefereeReport } from '@carillon/simulator';
import type { ScriptedToken, Simulator } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { SkippingClock } from './skipping-clock.ts';
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

const bad: ScriptedToken = { kind: 'bad' };
const suspect = tokenOf(1_000_000);

/** Ordinals of the connections that took pushes to these device tokens. */
function connectionsOf(simulator: Simulator, isWanted: (token: string) => boolean): Set<number> {
  return new Set(simulator.ledger.filter(({ token }) => isWanted(token)).map(({ connection }) => connection));
}

/** Three in ten of the jobs from `from` on. */
function badTokens(from: number, count: number): Record<string, ScriptedToken> {
  const tokens: Record<string, ScriptedToken> = {};
  for (let number = from; number < from + count; number++) if (number % 10 < 3) tokens[tokenOf(number)] = bad;
  return tokens;
}

function jobsFrom(from: number, count: number): Job[] {
  return Array.from({ length: count }, (_, number) => jobOf(from + number));
}

describe('A device token that APNs refused', () => {
  it('travels on a connection of its own from then on, and everything else on the others', async () => {
    await using world = await openWorld({ rules: { tokens: { [suspect]: bad } }, referee: true });
    const { engine, simulator } = world;
    expect(await engine.send(jobOf(0, { token: suspect }))).toMatchObject({
      kind: 'rejected',
      reason: 'BadDeviceToken',
    });
    const jobs = jobsOf(300, (number) => (number % 50 === 7 ? { token: suspect } : {}));
    const receipts = await collect(engine.sendAll(jobs));
    expect(outcomes(receipts)).toEqual({ accepted: 294, rejected: 6 });
    const [first, ...again] = simulator.ledger.filter(({ token }) => token === suspect);
    expect(again).toHaveLength(6);
    const [its] = new Set(again.map(({ connection }) => connection));
    const others = connectionsOf(simulator, (token) => token !== suspect);
    expect(others.has(its)).toBe(false);
    expect(others.has(first.connection)).toBe(true);
    const { suspectDevices, onProbation, outlets } = engine.stats();
    expect({ suspectDevices, onProbation }).toEqual({ suspectDevices: 1, onProbation: 0 });
    expect(outlets[0].connections.filter(({ isProbation }) => isProbation)).toHaveLength(1);
    const report = simulator.report();
    expect(report?.verdict, report === null ? '' : formatRefereeReport(report)).toBe('clean');
  });

  it.each([
    [
      'when it is accepted',
      async ({ engine, simulator }: Awaited<ReturnType<typeof openWorld>>) => {
        simulator.setToken(suspect, { kind: 'ok' });
        expect(await engine.send(jobOf(1, { token: suspect }))).toMatchObject({ kind: 'accepted' });
      },
    ],
    [
      'when the device registered again',
      ({ engine }: Awaited<ReturnType<typeof openWorld>>) => {
        engine.registered('news', suspect.toUpperCase());
        return Promise.resolve();
      },
    ],
  ])('travels with the others again %s', async (_, clear) => {
    await using world = await openWorld({ rules: { tokens: { [suspect]: bad } } });
    const { engine, simulator } = world;
    await engine.send(jobOf(0, { token: suspect }));
    engine.registered('news', suspect, Date.now() - 60_000);
    expect(engine.stats().suspectDevices).toBe(1);
    await clear(world);
    expect(engine.stats().suspectDevices).toBe(0);
    await engine.send(jobOf(2, { token: suspect }));
    await engine.send(jobOf(3));
    expect(simulator.ledger.at(-2)?.connection).toBe(simulator.ledger.at(-1)?.connection);
  });

  it('is suspect for a day', async () => {
    const clock = new SkippingClock();
    await using world = await openWorld({ rules: { tokens: { [suspect]: bad } } }, { seams: { clock } });
    const { engine, simulator } = world;
    await engine.send(jobOf(0, { token: suspect }));
    // The gateway dates provider tokens, too.
    simulator.advanceClock(24 * 3_600_000);
    clock.skip(24 * 3_600_000 + 1);
    await engine.send(jobOf(1, { token: suspect }));
    await engine.send(jobOf(2));
    expect(simulator.ledger[1].connection).toBe(simulator.ledger[2].connection);
    // Refused again, it is suspect again.
    await engine.send(jobOf(3, { token: suspect }));
    expect(simulator.ledger[3].connection).not.toBe(simulator.ledger[2].connection);
  });

  it('is suspect for its topic only', async () => {
    await using world = await openWorld({
      rules: { tokens: { [suspect]: { kind: 'ok', topics: ['com.example.app'] } } },
    });
    const { engine, simulator } = world;
    const outcome = await engine.send(jobOf(0, { token: suspect, topic: 'com.example.other' }));
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'DeviceTokenNotForTopic' });
    expect(await engine.send(jobOf(1, { token: suspect }))).toMatchObject({ kind: 'accepted' });
    expect(new Set(simulator.ledger.map(({ connection }) => connection)).size).toBe(1);
  });

  it('is one of the oldest when there are too many, and forgotten', async () => {
    const others = [1, 2, 3].map((number) => tokenOf(2_000_000 + number));
    const tokens = Object.fromEntries([suspect, ...others].map((token) => [token, bad]));
    await using world = await openWorld({ rules: { tokens } }, { limits: { suspectDevicesMax: 3 } });
    for (const token of [suspect, ...others]) await world.engine.send(jobOf(0, { token }));
    expect(world.engine.stats().suspectDevices).toBe(3);
  });
});

describe('A source that is refused too often', () => {
  it('moves to probation in the middle of its call, and takes no clean call of its app with it', async () => {
    await using world = await openWorld({
      rules: { tokens: badTokens(10_000, 4_000) },
      http2: { dropsStreamsAfterRejection: true },
      referee: true,
    });
    const { engine, simulator } = world;
    const [dirtyJobs, cleanJobs] = [jobsFrom(10_000, 4_000), jobsFrom(0, 4_000)];
    const [dirty, clean] = await Promise.all([
      collect(engine.sendBytes([linesOf(dirtyJobs)])),
      collect(engine.sendBytes([linesOf(cleanJobs)])),
    ]);
    expect(outcomes(clean.flat())).toEqual({ accepted: 4_000 });
    expect(outcomes(dirty.flat())).toEqual({ accepted: 2_800, rejected: 1_200 });
    reconcile(world, [...dirtyJobs, ...cleanJobs], [...dirty.flat(), ...clean.flat()]);
    expect(world.eventsOf('probation')).toMatchObject([{ app: 'news', source: 'call', isOn: true }]);
    const isClean = new Set(cleanJobs.map(({ token }) => token));
    const ofClean = connectionsOf(simulator, (token) => isClean.has(token));
    const moved = simulator.ledger.filter(({ connection }) => !ofClean.has(connection));
    // What was on the wire when it turned dirty, one connection's streams or two, ended there.
    expect(moved.length).toBeGreaterThan(1_500);
    expect(new Set(moved.map(({ connection }) => connection)).size).toBe(1);
    const report = simulator.report();
    expect(report?.verdict, report === null ? '' : formatRefereeReport(report)).toBe('clean');
  });

  it('comes back when a thousand replies were hardly ever refusals', async () => {
    await using world = await openWorld({ rules: { tokens: badTokens(10_000, 100) } });
    const { engine, simulator } = world;
    await Promise.all(jobsFrom(10_000, 100).map((job) => engine.send(job)));
    expect(world.eventsOf('probation')).toMatchObject([{ source: 'app', isOn: true }]);
    await engine.send(jobOf(1));
    const own = simulator.ledger.at(-1)?.connection;
    await Promise.all(jobsFrom(20_000, 1_500).map((job) => engine.send(job)));
    expect(world.eventsOf('probation')).toMatchObject([{ isOn: true }, { source: 'app', isOn: false }]);
    await engine.send(jobOf(2));
    expect(simulator.ledger.at(-1)?.connection).not.toBe(own);
    expectEmpty(engine);
  });

  it('is an app whose short calls are all bad, too', async () => {
    await using world = await openWorld({ rules: { tokens: badTokens(0, 400) } });
    for (let call = 0; call < 4; call++) await collect(world.engine.sendAll(jobsFrom(call * 100, 60)));
    expect(world.eventsOf('probation').at(-1)).toMatchObject({ source: 'app', isOn: true });
  });

  it('lets others go first when its devices are gone, and has all connections while it is alone', async () => {
    const gone: Record<string, ScriptedToken> = {};
    for (let number = 10_000; number < 14_000; number++)
      if (number % 10 < 3) gone[tokenOf(number)] = { kind: 'unregistered' };
    await using world = await openWorld({ rules: { tokens: gone } });
    const { engine, simulator } = world;
    const alone = jobsFrom(10_000, 1_000);
    await collect(engine.sendAll(alone));
    expect(world.eventsOf('probation')).toMatchObject([{ source: 'call', isOn: true }]);
    expect(engine.stats().outlets[0].connections.some(({ isProbation }) => isProbation)).toBe(false);
    const clean = jobsFrom(0, 4_000);
    const [receipts] = await Promise.all([
      collect(engine.sendAll(jobsFrom(11_000, 3_000))),
      collect(engine.sendAll(clean)),
    ]);
    expect(outcomes(receipts)).toEqual({ accepted: 2_100, unregistered: 900 });
    // It moved while the clean call went on: a connection carried its pushes and none of those.
    const isClean = new Set(clean.map(({ token }) => token));
    const ofClean = connectionsOf(simulator, (token) => isClean.has(token));
    expect(simulator.ledger.some(({ connection }) => !ofClean.has(connection))).toBe(true);
    expectEmpty(engine);
  });

  it('waits at a door of its own while the other has room', async () => {
    // Nothing on probation is answered: what the dirty call has read stands still.
    const tokens: Record<string, ScriptedToken> = {};
    for (let number = 10_000; number < 13_000; number++)
      tokens[tokenOf(number)] = number < 10_050 ? bad : { kind: 'silence' };
    await using world = await openWorld(
      { rules: { tokens } },
      { limits: { jobsMax: 1_000 }, requestTimeoutMs: 60_000 },
    );
    const { engine } = world;
    async function* dirtyJobs(): AsyncGenerator<Job> {
      yield* jobsFrom(10_000, 50);
      await until('the call is on probation', () => world.eventsOf('probation').length > 0);
      yield* jobsFrom(10_050, 2_950);
    }
    const dirty = collect(engine.sendAll(dirtyJobs()));
    await until('its door is full', () => engine.stats().onProbation >= 500);
    expect(outcomes(await collect(engine.sendAll(jobsFrom(0, 5_000))))).toEqual({ accepted: 5_000 });
    // A batch may pass the door.
    expect(engine.stats().onProbation).toBeLessThan(500 + 257);
    await engine.close();
    const receipts = await dirty;
    expect(outcomes(receipts)).toEqual({ rejected: 50, abandoned: receipts.length - 50 });
  });
});

describe('Work on probation', () => {
  async function withSuspect(gateway = {}, options = {}): Promise<Awaited<ReturnType<typeof openWorld>>> {
    const world = await openWorld({ rules: { tokens: { [suspect]: bad } }, ...gateway }, options);
    await world.engine.send(jobOf(0, { token: suspect }));
    return world;
  }

  it('waits while its app is paused, and is cancelled with its call', async () => {
    await using world = await withSuspect();
    const { engine } = world;
    engine.pause('news');
    const cancel = new AbortController();
    const kept = engine.send(jobOf(1, { token: suspect }));
    const given = engine.send(jobOf(2, { token: suspect }), { signal: cancel.signal });
    await until('both wait', () => engine.stats().outlets[0].lanes[0].probationDepth === 2);
    expect(engine.stats()).toMatchObject({ onProbation: 2, waiting: 2 });
    cancel.abort();
    expect(await given).toMatchObject({ kind: 'abandoned', because: 'cancelled' });
    engine.resume('news');
    expect(await kept).toMatchObject({ kind: 'rejected' });
    expectEmpty(engine);
  });

  it('goes out with the new credential when that is replaced', async () => {
    const { keyId, teamId, keyPem: key, publicKeyPem } = createIdentity({ teamId: 'TEAM222222', keyId: 'KEY2222222' });
    await using world = await withSuspect({
      rules: { tokens: { [suspect]: bad }, keys: [{ keyId, teamId, publicKeyPem }] },
    });
    const { engine } = world;
    engine.pause('news');
    const outcome = engine.send(jobOf(1, { token: suspect }));
    await until('it waits', () => engine.stats().onProbation === 1);
    engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
    engine.resume('news');
    expect(await outcome).toMatchObject({ kind: 'rejected', reason: 'BadDeviceToken' });
    await until('the old connections are closed', () => engine.stats().outlets.length === 1);
  });

  it('is finished by drain, and settled by close', async () => {
    await using world = await withSuspect();
    const outcome = world.engine.send(jobOf(1, { token: suspect }));
    await world.engine.drain();
    expect(await outcome).toMatchObject({ kind: 'rejected' });

    await using silent = await withSuspect();
    const { engine, simulator } = silent;
    simulator.setToken(suspect, { kind: 'silence' });
    const onWire = engine.send(jobOf(1, { token: suspect }));
    await until('it is on the wire', () => engine.stats().onWire === 1);
    engine.pause('news');
    const waiting = engine.send(jobOf(2, { token: suspect }));
    await until('the other waits', () => engine.stats().waiting === 1);
    await engine.close();
    expect(await onWire).toMatchObject({ because: 'shutdown', processed: 'unknown' });
    expect(await waiting).toMatchObject({ because: 'shutdown', processed: 'no' });
    expectEmpty(engine);
  });

  it('is given up when its connection cannot be had, while the others go on', async () => {
    const hangUp = {
      id: 'hang-up',
      when: { on: 'accept', connections: [2, 3, 4, 5, 6, 7, 8, 9] },
      action: { kind: 'handshake-reset' },
    };
    await using world = await withSuspect({ faults: { faults: [hangUp] } }, { giveUpAfterMs: 1_500 });
    const { engine } = world;
    const outcome = engine.send(jobOf(1, { token: suspect }));
    let accepted = 0;
    const end = performance.now() + 2_500;
    while (performance.now() < end) {
      const { kind } = await engine.send(jobOf(accepted + 10));
      if (kind === 'accepted') accepted++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await outcome).toMatchObject({ kind: 'abandoned', because: 'unreachable' });
    expect(accepted).toBeGreaterThan(10);
  });

  it('is refused locally when its device is gone', async () => {
    await using world = await withSuspect();
    const { engine, simulator } = world;
    simulator.setToken(suspect, { kind: 'unregistered' });
    expect(await engine.send(jobOf(1, { token: suspect }))).toMatchObject({ kind: 'unregistered', status: 410 });
    const before = simulator.stats().requests;
    expect(await engine.send(jobOf(2, { token: suspect }))).toMatchObject({ reason: 'local.known-dead' });
    expect(simulator.stats().requests).toBe(before);
    engine.registered('news', suspect, Date.now() + 1_000);
    simulator.setToken(suspect, { kind: 'ok' });
    expect(await engine.send(jobOf(3, { token: suspect }))).toMatchObject({ kind: 'accepted' });
  });

  it('keeps within the rate of its app, together with the rest', async () => {
    await using world = await withSuspect(
      {},
      {
        apps: (simulator: Simulator) => ({ news: newsApp(simulator, { ratePerSecond: 50 }) }),
      },
    );
    const beganAt = performance.now();
    const jobs = jobsOf(60, (number) => (number % 2 === 0 ? { token: suspect } : {}));
    await collect(world.engine.sendAll(jobs));
    // Five at once, then 50 a second.
    expect(performance.now() - beganAt).toBeGreaterThan(950);
  });
});

describe('Tokens of the other environment', () => {
  it('are told apart from garbage in the receipt, as far as that can be', async () => {
    await using world = await openWorld(
      { rules: { tokens: { [suspect]: bad } } },
      {
        apps: (simulator) => ({ news: newsApp(simulator, { environment: 'production' }) }),
      },
    );
    const [receipt] = await collect(world.engine.sendAll([jobOf(0, { token: suspect })]));
    expect(receipt.message).toMatch(/apps that Xcode installed.*environment sandbox/u);
  });

  it('are named when another app of the engine knows them', async () => {
    await using sandbox = await openWorld();
    await using world = await openWorld(
      { rules: { tokens: { [suspect]: bad } } },
      {
        apps: (simulator) => ({
          news: newsApp(simulator, { environment: 'production' }),
          'news-dev': newsApp(sandbox.simulator, { environment: 'sandbox' }),
        }),
      },
    );
    const { engine } = world;
    expect(await engine.send(jobOf(0, { app: 'news-dev', token: suspect }))).toMatchObject({ kind: 'accepted' });
    expect(await engine.send(jobOf(1, { app: 'news', token: suspect }))).toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining('app news-dev of this engine knows it') as string,
    });
  });

  it('are an event when an app begins with nothing else', async () => {
    await using world = await openWorld(
      { rules: { unknownTokens: 'bad' } },
      {
        apps: (simulator) => ({ news: newsApp(simulator, { environment: 'production' }) }),
      },
    );
    await collect(world.engine.sendAll(jobsOf(30)));
    expect(world.eventsOf('environment-hint')).toMatchObject([{ app: 'news' }]);
    expect(world.eventsOf('environment-hint')[0].message).toContain('set its environment to sandbox');
  });
});

describe("An embedder's ledger", () => {
  class Page implements LedgerPage {
    readonly entries = new Map<string, number>();
    get size(): number {
      return this.entries.size;
    }
    find(scope: string, bytes: Buffer, start: number, end: number): number | null {
      return this.entries.get(`${scope} ${bytes.toString('latin1', start, end)}`) ?? null;
    }
    set(scope: string, token: string, at: number): void {
      this.entries.set(`${scope} ${token}`, at);
    }
    deleteBefore(scope: string, token: string, at: number): void {
      const key = `${scope} ${token}`;
      if ((this.entries.get(key) ?? Infinity) < at) this.entries.delete(key);
    }
  }

  it('is asked and told, and outlives the engine', async () => {
    const deviceLedger = { dead: new Page(), resting: new Page(), suspects: new Page() } satisfies DeviceLedger;
    const dead = tokenOf(3_000_000);
    const tokens = { [suspect]: bad, [dead]: { kind: 'unregistered' } } as const;
    await using world = await openWorld({ rules: { tokens } }, { deviceLedger });
    for (const token of [suspect, dead]) await world.engine.send(jobOf(0, { token }));
    const scope = `${world.simulator.endpoint.slice('https://'.length)} com.example.app`;
    expect([...deviceLedger.dead.entries.keys()]).toEqual([`${scope} ${dead}`]);
    expect([...deviceLedger.suspects.entries.keys()]).toEqual([`${scope} ${suspect}`]);

    const { createEngine } = await import('@carillon/engine');
    await using next = createEngine({ apps: { news: newsApp(world.simulator) }, deviceLedger });
    expect(await next.send(jobOf(1, { token: dead }))).toMatchObject({ reason: 'local.known-dead' });
    await next.send(jobOf(2, { token: suspect }));
    expect(next.stats().outlets[0].connections.map(({ isProbation }) => isProbation)).toEqual([true]);
    // Also before this engine has sent anything for the topic.
    next.registered('news', dead);
    next.registered('news', suspect);
    expect([deviceLedger.dead.size, deviceLedger.suspects.size]).toEqual([0, 0]);
  });
});
