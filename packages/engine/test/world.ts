/**
 * A gateway and an engine in one process, over real TLS, for tests: how jobs are made, how receipts are collected, and
 * the invariants that hold after every run whatever went wrong in it (`reconcile`).
 */
import { createEngine } from '@carillon/engine';
import type { AppOptions, Engine, EngineEvent, EngineOptions, Job, Receipt } from '@carillon/engine';
import { startSimulator } from '@carillon/simulator';
import type { Simulator, SimulatorOptions } from '@carillon/simulator';
import { expect } from 'vitest';

export interface World extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly engine: Engine;
  readonly events: EngineEvent[];
  /** Of one kind. */
  eventsOf<K extends EngineEvent['kind']>(kind: K): Extract<EngineEvent, { kind: K }>[];
}

export type WorldOptions = Omit<EngineOptions, 'apps'> & {
  readonly apps?: (simulator: Simulator) => EngineOptions['apps'];
};

/** One app, `news`, with the simulator's own key, unless told otherwise. */
export async function openWorld(gateway: SimulatorOptions = {}, options: WorldOptions = {}): Promise<World> {
  const simulator = await startSimulator({ ledger: { kind: 'memory' }, ...gateway });
  const events: EngineEvent[] = [];
  const { apps, ...others } = options;
  const engine = createEngine({
    apps: apps === undefined ? { news: newsApp(simulator) } : apps(simulator),
    giveUpAfterMs: 10_000,
    ...others,
    onEvent: (event) => events.push(event),
  });
  return {
    simulator,
    engine,
    events,
    eventsOf: (kind) =>
      events.filter((event): event is Extract<EngineEvent, { kind: typeof kind }> => event.kind === kind),
    async [Symbol.asyncDispose]() {
      await engine.close();
      await simulator.close();
    },
  };
}

export function newsApp(simulator: Simulator, changes: Partial<AppOptions> = {}): AppOptions {
  const { endpoint, ca, keyPem: key, keyId, teamId } = simulator;
  return { topic: 'com.example.app', endpoint, ca, credential: { kind: 'token', key, keyId, teamId }, ...changes };
}

/** A device token of 64 digits, different for each number. */
export function tokenOf(number: number): string {
  return `c0ffee${number.toString(16).padStart(58, '0')}`;
}

export function jobOf(number: number, changes: Job = {}): Job {
  return { id: `job-${number}`, token: tokenOf(number), payload: { aps: { alert: `Hello ${number}` } }, ...changes };
}

export function jobsOf(count: number, changes: (number: number) => Job = () => ({})): Job[] {
  return Array.from({ length: count }, (_, number) => jobOf(number, changes(number)));
}

export function linesOf(jobs: readonly unknown[]): Buffer {
  return Buffer.from(jobs.map((job) => `${typeof job === 'string' ? job : JSON.stringify(job)}\n`).join(''));
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

export function outcomes(receipts: readonly Receipt[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of receipts) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** How often the gateway took each apns-id. */
export function taken(simulator: Simulator): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { apnsId } of simulator.ledger) counts.set(apnsId, (counts.get(apnsId) ?? 0) + 1);
  return counts;
}

/**
 * What holds after every run: each job has one receipt; what was accepted, the gateway took; what it took more than
 * once, it took under one apns-id; the engine holds nothing any more. Returns how many pushes were taken twice or more.
 */
export function reconcile(world: World, jobs: readonly Job[], receipts: readonly Receipt[]): number {
  const { simulator, engine } = world;
  expect(sortedIds(receipts)).toEqual(sortedIds(jobs));
  const counts = taken(simulator);
  const apnsIdOf = new Map<string, string>();
  for (const receipt of receipts) {
    if (receipt.outcome === 'accepted')
      expect(counts.get(receipt.apnsId ?? ''), `${receipt.id} was accepted`).toBeGreaterThanOrEqual(1);
    if (receipt.apnsId !== null) apnsIdOf.set(receipt.apnsId, receipt.id ?? '');
  }
  for (const apnsId of counts.keys()) expect(apnsIdOf.has(apnsId), `${apnsId} was taken and has a receipt`).toBe(true);
  expectEmpty(engine);
  return [...counts.values()].filter((count) => count > 1).length;
}

function sortedIds(all: readonly { readonly id?: string | null | undefined }[]): string[] {
  return all.map(({ id }) => id ?? '').sort((a, b) => (a < b ? -1 : 1));
}

/** Nothing is under way, and no byte is held. */
export function expectEmpty(engine: Engine): void {
  const { jobs, jobBytes, waiting, onWire, putOff, onProbation } = engine.stats();
  expect({ jobs, jobBytes, waiting, onWire, putOff, onProbation }).toEqual({
    onProbation: 0,
    jobs: 0,
    jobBytes: 0,
    waiting: 0,
    onWire: 0,
    putOff: 0,
  });
}

/** Resolves when `isTrue`; looks every few milliseconds. Fails after `withinMs`. */
export async function until(what: string, isTrue: () => boolean, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`it did not come to pass within ${withinMs} ms that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
