// reliability.md N1 to N4 over pipes in memory and virtual time.
import { describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';

describe('A pool whose gateway sends GOAWAY', () => {
  it('N1: dials the replacement before the old connection has ended, and loses nothing', async () => {
    const world = new GatewayWorld(() => ({ answers: false }));
    await world.send(20);
    const [first] = world.gateways;
    expect(first.waiting.size).toBe(20);
    // Of 20 streams the gateway has taken the first 12.
    first.goAway(23);
    await world.clock.advance(30);
    expect(world.gateways).toHaveLength(2);
    const [, second] = world.gateways;
    expect(first.stream.destroyed).toBe(false);
    expect(second.requests.map(({ name }) => Number(name)).sort((a, b) => a - b)).toEqual([
      12, 13, 14, 15, 16, 17, 18, 19,
    ]);
    for (let id = 1; id <= 23; id += 2) first.answer(id);
    second.answerAll();
    await world.clock.advance(30);
    expect(world.jobs.replied.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, tag) => tag));
    expect(world.jobs).toMatchObject({ resent: 8, failed: [] });
    expect(world.jobs.told('closed').map(({ closure }) => closure.kind)).toEqual(['goaway']);
    expect(world.pool.connections).toHaveLength(1);
    await world.pool.drain();
  });
});
