// A gateway that restarts: who was connected is cut off, nobody gets in for a while, and then it knows what it knew.
import { describe, expect, it } from 'vitest';

import { embedGateway, startSimulator } from '../src/index.ts';
import { JudgedClient, pathOf } from './referee-client.ts';
import { goodToken, TestClient } from './test-client.ts';
import { until } from './until.ts';

const awayMs = 300;
const afterTwo = { on: 'request', nth: 2, inAll: true, times: 1 } as const;
const faults = { faults: [{ id: 'restart', when: afterTwo, action: { kind: 'restart', awayMs } }] } as const;

describe('a restart of the gateway', () => {
  it('cuts everybody off, refuses dials while it is away, and comes back on its port', async () => {
    await using simulator = await startSimulator({
      http2: { streamsBeforeAuthentication: 1_000 },
      ledger: { kind: 'memory' },
      faults,
    });
    const [first, idle] = [await TestClient.connect(simulator), await TestClient.connect(simulator)];
    await first.answer(first.push());
    first.push();
    await Promise.all([first.untilClosed(), idle.untilClosed()]);
    await expect(TestClient.connect(simulator)).rejects.toThrow('ECONNREFUSED');
    await until('the gateway to be back', () => simulator.stats().restarts[0]?.backAtMs !== null);
    const [restart] = simulator.stats().restarts;
    expect((restart.backAtMs ?? 0) - restart.atMs).toBeGreaterThanOrEqual(awayMs - 5);
    const again = await TestClient.connect(simulator);
    expect((await again.answer(again.push())).status).toBe('200');
    expect(simulator.stats()).toMatchObject({ fired: { restart: 1 }, connectionsOpen: 1 });
    // The push that met the restart was not taken; the first one was, in the first life.
    expect(simulator.ledger.map(({ life }) => life)).toEqual([undefined, 2]);
    again.close();
  });

  it('is nobody’s fault, and makes nobody forget what he was told', async () => {
    await using judged = await JudgedClient.start({
      faults,
      rules: { tokens: { [goodToken]: { kind: 'unregistered' } } },
    });
    const dead = { ':path': `/3/device/${goodToken}` };
    const first = await judged.dial();
    expect(await judged.pushed(first, dead)).toBe('410');
    await judged.known();
    judged.push(first, { ':path': pathOf(1) });
    await first.untilClosed();
    expect(judged.violations).toEqual({});
    await until('the gateway to be back', () => judged.simulator.stats().restarts[0]?.backAtMs !== null);
    const second = await judged.dial();
    expect(await judged.pushed(second, { ':path': pathOf(1) })).toBe('200');
    await judged.known();
    expect(judged.violations).toEqual({});
    expect(await judged.pushed(second, dead)).toBe('410');
    expect(judged.violations).toEqual({ 'dead-tokens-stay-dead': 1 });
    expect(judged.report.timeline).toMatchObject({
      faults: [{ id: 'restart', total: 1 }],
      replies: { unanswered: expect.arrayContaining([1]) as number[] },
    });
  });

  it('ends well when it is closed while it is away', async () => {
    const simulator = await startSimulator({ http2: { streamsBeforeAuthentication: 1_000 }, faults });
    const client = await TestClient.connect(simulator);
    client.push();
    client.push();
    await client.untilClosed();
    await simulator.close();
    await expect(TestClient.connect(simulator)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a gateway without a port', () => {
  it('does not take a script that would restart it', () => {
    const clock = { epochMs: () => 0, setTimer: () => ({ cancel: () => {} }), endOfTurn: () => {} };
    const seams = { clock, random: { next: () => 0, uuid: () => '' } };
    expect(() => embedGateway({ faults }, seams)).toThrow('a restart belongs to whoever makes the streams');
  });
});

describe('the count of a fault', () => {
  it('begins after what it is told to pass over', async () => {
    const when = { on: 'request', every: 3, skip: 4, inAll: true } as const;
    const action = { kind: 'status', status: 503 } as const;
    await using simulator = await startSimulator({
      http2: { streamsBeforeAuthentication: 1_000 },
      faults: { faults: [{ id: 'fault', when, action }] },
    });
    const client = await TestClient.connect(simulator);
    const statuses: string[] = [];
    for (let push = 0; push < 11; push += 1) statuses.push((await client.answer(client.push())).status);
    expect(statuses.flatMap((status, at) => (status === '503' ? [at + 1] : []))).toEqual([7, 10]);
    client.close();
  });
});
