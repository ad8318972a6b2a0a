/**
 * Everything that may go wrong, mixed by a seed, in many short runs over real TLS. Asks the three questions: lost,
 * doubled, stuck? The network is real, so a seed gives the same faults and jobs, not the same timing.
 */
import type { Job, Receipt } from '@carillon/engine';
import { createIdentity } from '@carillon/simulator';
import type { SimulatorOptions } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { collect, jobOf, linesOf, newsApp, openWorld, reconcile, tokenOf } from './world.ts';
import type { World } from './world.ts';

/** CARILLON_RUNS=500 for a night. */
const runs = Number(process.env['CARILLON_RUNS'] ?? 20);
const jobsPerRun = 250;
/** A run that takes longer is stuck. */
const runMsMax = 12_000;

type Faults = NonNullable<SimulatorOptions['faults']>['faults'][number];

/** Mulberry32: numbers in [0, 1). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const faultsOf: readonly ((every: number) => Faults)[] = [
  (every) => ({ when: { on: 'reply', every: every * 4, times: 3 }, action: { kind: 'goaway', lastStreamId: 'exact' } }),
  (every) => ({
    when: { on: 'reply', every: every * 4, times: 3 },
    action: { kind: 'goaway', lastStreamId: 'two-step', stepMs: 5 },
  }),
  () => ({ when: { on: 'start', connections: [2] }, action: { kind: 'goaway', insteadOfSettings: true } }),
  (every) => ({ when: { on: 'request', every }, action: { kind: 'rst', code: 7 } }),
  (every) => ({ when: { on: 'request', every }, action: { kind: 'rst', code: 7, again: 5 } }),
  (every) => ({ when: { on: 'request', every }, action: { kind: 'rst', code: 2 } }),
  (every) => ({ when: { on: 'request', every }, action: { kind: 'rst', code: 2, afterHeaders: true } }),
  (every) => ({ when: { on: 'request', every, times: 10 }, action: { kind: 'no-answer' } }),
  (every) => ({ when: { on: 'request', every, times: 15 }, action: { kind: 'delay', delayMs: 40 } }),
  (every) => ({
    when: { on: 'request', every, times: 20 },
    action: { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '0' },
  }),
  (every) => ({
    when: { on: 'request', every, times: 20 },
    action: { kind: 'status', status: 500, reason: 'InternalServerError' },
  }),
  (every) => ({
    when: { on: 'request', every, times: 20 },
    action: { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '0' },
  }),
  () => ({
    when: { on: 'request', nth: 30, connections: [1] },
    action: { kind: 'status', status: 403, reason: 'ExpiredProviderToken' },
  }),
  (every) => ({ when: { on: 'request', every: every * 5, times: 2 }, action: { kind: 'tcp-reset' } }),
  (every) => ({ when: { on: 'request', every: every * 5, times: 2 }, action: { kind: 'truncate' } }),
  () => ({
    when: { on: 'reply', nth: 20 },
    action: { kind: 'settings', steps: [{ maxConcurrentStreams: 1 }, { afterMs: 60, maxConcurrentStreams: 100 }] },
  }),
  () => ({
    when: { on: 'reply', nth: 25 },
    action: { kind: 'settings', steps: [{ initialWindowSize: 0 }, { afterMs: 40, initialWindowSize: 65_535 }] },
  }),
  () => ({
    when: { on: 'reply', nth: 15 },
    action: { kind: 'settings', steps: [{ headerTableSize: 0 }, { afterMs: 20, headerTableSize: 4096 }] },
  }),
  () => ({ when: { on: 'start' }, action: { kind: 'segments', bytes: 3 } }),
  (every) => ({ when: { on: 'request', every }, action: { kind: 'interim', status: 103 } }),
];

function jobsFrom(random: () => number): Job[] {
  return Array.from({ length: jobsPerRun }, (_, number) => {
    const changes: Record<string, unknown> = { app: random() < 0.5 ? 'news' : 'chat' };
    if (random() < 0.2) changes['priority'] = random() < 0.5 ? 5 : 1;
    if (random() < 0.1) changes['onAmbiguous'] = 'report';
    if (random() < 0.05) changes['deadline'] = new Date(Date.now() + random() * 400);
    if (random() < 0.05) changes['token'] = tokenOf(1_000_000 + Math.floor(random() * 5));
    if (random() < 0.1) changes['payload'] = { aps: { alert: 'x'.repeat(Math.floor(random() * 3000)) } };
    return jobOf(number, changes);
  });
}

/** Turns that happen to the engine from outside while it sends. */
function meddle(world: World, random: () => number, second: ReturnType<typeof createIdentity>): () => void {
  const { engine } = world;
  const turns: readonly (() => void)[] = [
    () => engine.pause('news'),
    () => engine.resume('news'),
    () => engine.resume('news'),
    () => engine.registered('chat', tokenOf(1_000_001)),
    () =>
      engine.replaceCredential('chat', {
        kind: 'token',
        key: second.keyPem,
        keyId: second.keyId,
        teamId: second.teamId,
      }),
    () =>
      engine.replaceCredential('news', {
        kind: 'token',
        key: world.simulator.keyPem,
        keyId: world.simulator.keyId,
        teamId: world.simulator.teamId,
      }),
  ];
  const timer = setInterval(() => turns[Math.floor(random() * turns.length)]?.(), 20);
  return () => {
    clearInterval(timer);
    engine.resume('news');
  };
}

async function run(seed: number): Promise<void> {
  const random = randomOf(seed);
  const second = createIdentity({ teamId: 'TEAM222222', keyId: 'KEY2222222' });
  const { keyId, teamId, publicKeyPem } = second;
  const faults = faultsOf.filter(() => random() < 0.2).map((make) => make(5 + Math.floor(random() * 40)));
  await using world = await openWorld(
    {
      rules: { keys: [{ keyId, teamId, publicKeyPem }] },
      http2: { streamsMax: 1 + Math.floor(random() * 100) },
      faults: { faults },
    },
    {
      connectionsMax: 1 + Math.floor(random() * 3),
      requestTimeoutMs: 400,
      serverErrorDelayMs: 20,
      limits: { jobsMax: 50 + Math.floor(random() * 300), receiptsMax: 20 + Math.floor(random() * 300) },
      apps: (simulator) => ({
        news: newsApp(simulator),
        chat: newsApp(simulator, { topic: 'com.example.chat', weight: 2 }),
      }),
    },
  );
  world.simulator.setToken(tokenOf(1_000_000), { kind: 'unregistered' });
  world.simulator.setToken(tokenOf(1_000_001), { kind: 'bad' });
  const jobs = jobsFrom(random);
  const half = Math.floor(random() * jobsPerRun);
  const controller = new AbortController();
  const signal = random() < 0.3 ? controller.signal : undefined;
  const stopMeddling = meddle(world, random, second);
  const abortAfter = setTimeout(() => controller.abort(), 50 + random() * 300);
  const closeAfter = random() < 0.25 ? setTimeout(() => void world.engine.close(), 100 + random() * 400) : null;
  try {
    const receipts: Receipt[] = [];
    const bytes = collect(world.engine.sendBytes([linesOf(jobs.slice(0, half))])).then((batches) =>
      receipts.push(...batches.flat()),
    );
    const objects = collect(world.engine.sendAll(jobs.slice(half), signal === undefined ? {} : { signal })).then(
      (all) => receipts.push(...all),
    );
    await within(runMsMax, Promise.all([bytes, objects]), () => JSON.stringify(world.engine.stats()));
    // After a cancel or a close, those that were never pulled have no receipt.
    const seen = new Set(receipts.map(({ id }) => id));
    const isWhole = signal === undefined && closeAfter === null;
    if (isWhole) expect(seen.size).toBe(jobsPerRun);
    reconcile(world, isWhole ? jobs : jobs.filter(({ id }) => seen.has(id ?? '')), receipts);
    // Null: taken, and answered by a reset or not at all. What was refused by a status was not taken.
    const takenOnes = new Set(
      world.simulator.ledger.filter(({ status }) => status === 200 || status === null).map(({ apnsId }) => apnsId),
    );
    for (const { id, apnsId, because, processed } of receipts) {
      if (because === 'ambiguous') expect(processed).toBe('unknown');
      if (processed === 'no') expect(takenOnes.has(apnsId ?? ''), `${id} was surely not processed`).toBe(false);
    }
  } finally {
    clearTimeout(abortAfter);
    if (closeAfter !== null) clearTimeout(closeAfter);
    stopMeddling();
  }
}

async function within<T>(limitMs: number, promise: Promise<T>, describeState: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`stuck after ${limitMs} ms: ${describeState()}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe('Engine under a mix of faults', () => {
  // CARILLON_SEED=123 repeats one run.
  const given = process.env['CARILLON_SEED'];
  const first = given === undefined ? Date.now() % 1_000_000_000 : Number(given);
  const seeds = Array.from({ length: given === undefined ? runs : 1 }, (_, number) => first + number);

  it.each(seeds)('loses nothing, doubles nothing under another apns-id, and is never stuck (seed %i)', async (seed) => {
    const failure = await run(seed).catch((error: unknown) => error);
    expect(failure, `CARILLON_SEED=${seed} runs it again`).toBeUndefined();
  });
});
