// How near engines come to what round trips and slow gateways allow, on virtual time: the aims of `npm run bench -- latency`,
// whatever else the machine does.
import { describe, expect, it, vi } from 'vitest';
import { fairness } from '../../bench/src/latency/reckoning.ts';
import type { EmbeddedGateway } from '../../packages/simulator/src/index.ts';
import { saturate } from './saturated.ts';
import type { Saturated } from './saturated.ts';

// Some seconds of work on a quiet machine.
vi.setConfig({ testTimeout: 180_000 });

/** Receipts a second between two times. */
function rate({ tenths }: Saturated, fromSecond: number, toSecond: number): number {
  const some = tenths.filter(({ endMs }) => endMs > fromSecond * 1000 && endMs <= toSecond * 1000);
  return (some.reduce((sum, { receipts }) => sum + receipts, 0) / some.length) * 10;
}

function inFlight({ tenths }: Saturated, fromSecond: number, toSecond: number): number[] {
  const some = tenths.filter(({ endMs }) => endMs > fromSecond * 1000 && endMs <= toSecond * 1000);
  return some[0].inFlight.map((_, at) => some.reduce((sum, tenth) => sum + tenth.inFlight[at], 0) / some.length);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
/** 65,535 and the 32,822 that Apple was seen to add; bodies of 282 octets; round trips of 50 ms. */
const windowBodies = 98_357 / 282;
const far = { seed: 1, oneWayMs: 25, connections: 2, beginAtMs: [0], seconds: 3 };

describe('An engine 50 ms away from its gateway', () => {
  it('carries its windows in each round trip, and dials when they are used up though streams are free', async () => {
    const run = await saturate({ ...far, gateway: { http2: { windowUpdates: 'each-read' } } });
    expect(run.connections[0]).toHaveLength(2);
    expect(rate(run, 1.5, 3)).toBeGreaterThan(2 * Math.floor(windowBodies) * 20 * 0.97);
    expect(sum(run.connections[0].map(({ limitFalls }) => limitFalls))).toBe(0);
  });

  it('carries half of them when the gateway gives them back at half, for the rest waits there', async () => {
    const run = await saturate({ ...far, gateway: {} });
    expect(rate(run, 1.5, 3)).toBeGreaterThan(2 * Math.ceil(windowBodies / 2) * 20 * 0.97);
  });
});

describe('A gateway that gets slow beyond a knee', () => {
  const knee = 100;
  const perSecond = knee * 20;
  const slow = { profile: 'fast', load: { atOnce: knee, serviceMs: 50 } } as const;
  const near = { oneWayMs: 0.2, gateway: slow };

  it('is kept busy near its knee, and is dialled no more than once', async () => {
    const run = await saturate({ ...near, seed: 2, connections: 4, beginAtMs: [0], seconds: 8 });
    expect(run.connections[0]).toHaveLength(1);
    expect(rate(run, 2, 8)).toBeGreaterThan(perSecond * 0.9);
    const total = sum(inFlight(run, 2, 8));
    expect(total).toBeGreaterThan(knee * 0.9);
    expect(total).toBeLessThan(knee * 2.2);
  });

  it('is shared by engines that know nothing of each other and came one after the other', async () => {
    const beginAtMs = [0, 700, 1400, 2100];
    const run = await saturate({ ...near, seed: 3, connections: 1, beginAtMs, seconds: 24 });
    expect(rate(run, 14, 24)).toBeGreaterThan(perSecond * 0.9);
    expect(sum(inFlight(run, 14, 24))).toBeLessThan(knee * 2.4);
    expect(fairness(inFlight(run, 14, 24))).toBeGreaterThan(0.9);
  });

  it('is left alone within seconds when it loses three quarters, and used again within seconds', async () => {
    const turns = [
      { atSecond: 4, turn: (gateway: EmbeddedGateway) => gateway.setLoad({ atOnce: 25 }) },
      {
        atSecond: 10,
        turn: (gateway: EmbeddedGateway) => gateway.setLoad({ atOnce: 100 }),
      },
    ];
    const run = await saturate({ ...near, seed: 5, connections: 1, beginAtMs: [0], seconds: 15, turns });
    expect(sum(inFlight(run, 7, 10))).toBeLessThan(25 * 2.5);
    expect(rate(run, 7, 10)).toBeGreaterThan((perSecond / 4) * 0.85);
    expect(rate(run, 12, 15)).toBeGreaterThan(perSecond * 0.9);
  });

  it('is refused to rarely when it refuses beyond a bound, and every push arrives', async () => {
    const gateway = { profile: 'fast', load: { atOnce: knee, serviceMs: 50, refusesAbove: 130 } } as const;
    const run = await saturate({ ...near, gateway, seed: 6, connections: 1, beginAtMs: [0, 0], seconds: 8 });
    expect(Object.keys(run.statuses)).toEqual(['200']);
    expect(rate(run, 2, 8)).toBeGreaterThan(perSecond * 0.9);
  });
});
