/** The referee of the simulator over the real engine: clean, whatever the gateway does to it. */
import type { EngineOptions } from '@carillon/engine';
import { formatRefereeReport } from '@carillon/simulator';
import type { Fault, RefereeReport, ScriptedToken, SimulatorOptions } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { collect, jobOf, jobsOf, linesOf, openWorld, outcomes, reconcile, tokenOf, until } from './world.ts';
import type { World } from './world.ts';

/** Waits of seconds, not of a quarter of an hour; the referee is told the same. */
const serverErrorDelayMs = 300;
const referee = { limits: { serverErrorDelayMs, deviceDelayMs: 1_000 } };

function openJudged(gateway: SimulatorOptions, options: Omit<EngineOptions, 'apps'> = {}): Promise<World> {
  return openWorld({ referee, ...gateway }, { serverErrorDelayMs, ...options });
}

function tokensOf(
  states: readonly (readonly [every: number, state: ScriptedToken])[],
  jobs: number,
): Record<string, ScriptedToken> {
  const tokens: Record<string, ScriptedToken> = {};
  for (let number = 1; number < jobs; number += 1) {
    const scripted = states.find(([every]) => number % every === 0);
    if (scripted !== undefined) tokens[tokenOf(number)] = scripted[1];
  }
  return tokens;
}

/** Waits until the referee could prove something at all. */
async function expectClean(world: World): Promise<RefereeReport> {
  // After a GOAWAY the last connection may have ended with the last job: somebody has to be there to answer.
  if (world.engine.stats().usableConnections === 0) await world.engine.send(jobOf(1_000_000));
  await until('the engine answers a mark', () => (world.simulator.report()?.observed.marksAnswered ?? 0) > 0);
  const report = world.simulator.report();
  if (report === null) throw new Error('there is no referee');
  expect(report.verdict, formatRefereeReport(report)).toBe('clean');
  return report;
}

function fired(world: World): Record<string, number> {
  return { ...world.simulator.stats().fired };
}

describe('The referee', () => {
  it('finds nothing against the engine when all goes well', async () => {
    await using world = await openJudged({});
    const jobs = jobsOf(5_000);
    const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
    expect(outcomes(receipts)).toEqual({ accepted: 5_000 });
    expect((await expectClean(world)).observed.requests).toBe(5_000);
  });

  it('finds nothing under GOAWAY, 410, 429 and 503 together', async () => {
    const goaway: Fault = {
      id: 'goaway',
      when: { on: 'reply', every: 2_000, inAll: true },
      action: { kind: 'goaway' },
    };
    const busy: Fault = {
      id: 'busy',
      when: { on: 'request', every: 50 },
      action: { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '1' },
    };
    const jobs = jobsOf(10_000);
    const tokens = tokensOf(
      [
        [50, { kind: 'unregistered' }],
        [101, { kind: 'throttled', retryAfter: '1', times: 1 }],
      ],
      jobs.length,
    );
    await using world = await openJudged({ faults: { faults: [goaway, busy] }, rules: { tokens } });
    const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
    const ended = outcomes(receipts);
    expect(ended['unregistered']).toBe(199);
    expect(ended['accepted']).toBe(10_000 - 199);
    reconcile(world, jobs, receipts);
    for (const [id, times] of Object.entries(fired(world))) expect(times, id).toBeGreaterThan(0);
    await expectClean(world);
  });

  it.each<[string, Fault['action'], Fault['when']]>([
    ['refused streams', { kind: 'rst', code: 7 }, { on: 'request', every: 10 }],
    ['streams that are reset', { kind: 'rst', code: 2 }, { on: 'request', every: 50 }],
    ['a connection that is reset', { kind: 'tcp-reset' }, { on: 'reply', nth: 700, connections: [1] }],
    [
      'a limit that falls to one and comes back',
      { kind: 'settings', steps: [{ maxConcurrentStreams: 1 }, { afterMs: 100, maxConcurrentStreams: 1_000 }] },
      { on: 'reply', nth: 500 },
    ],
    ['a graceful end in two steps', { kind: 'goaway', lastStreamId: 'two-step' }, { on: 'reply', nth: 1_000 }],
    [
      'errors without Retry-After',
      { kind: 'status', status: 500, reason: 'InternalServerError' },
      { on: 'request', every: 100 },
    ],
    ['a shutdown', { kind: 'status', status: 503, reason: 'Shutdown' }, { on: 'request', nth: 300, connections: [1] }],
    [
      'an expired provider token, as it says',
      { kind: 'status', status: 403, reason: 'ExpiredProviderToken' },
      { on: 'request', nth: 300, connections: [1] },
    ],
    ['refused handshakes', { kind: 'handshake-reset' }, { on: 'accept', connections: [1, 2, 3, 4] }],
  ])('finds nothing under %s', async (_, action, when) => {
    await using world = await openJudged({ faults: { faults: [{ id: 'fault', when, action }] } });
    const jobs = jobsOf(3_000);
    const receipts = (await collect(world.engine.sendBytes([linesOf(jobs)]))).flat();
    expect(outcomes(receipts)).toEqual({ accepted: 3_000 });
    reconcile(world, jobs, receipts);
    expect(fired(world)['fault']).toBeGreaterThan(0);
    await expectClean(world);
  });
});
