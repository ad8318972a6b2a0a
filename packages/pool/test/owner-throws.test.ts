// An owner whose callbacks throw: the error surfaces as an uncaught exception, and the pool goes on.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayWorld } from './gateway-world.ts';

describe('A pool whose owner throws', () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  let listeners: NodeJS.UncaughtExceptionListener[] = [];

  beforeEach(() => {
    uncaught.length = 0;
    listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', note);
  });

  afterEach(() => {
    process.off('uncaughtException', note);
    for (const listener of listeners) process.on('uncaughtException', listener);
  });

  it.each(['fill', 'reply', 'failure', 'notice'] as const)('in %s loses no stream and stays alive', async (event) => {
    const world = new GatewayWorld(() => ({ answers: false }), { connectionsMax: 1 });
    let thrown = 0;
    world.jobs.onEvent = (one) => {
      if (one !== event || thrown >= 3) return;
      thrown++;
      throw new Error(`bug in ${event}`);
    };
    world.jobs.add(10);
    for (let round = 0; round < 10; round++) {
      await world.clock.advance(50);
      // What `fill` did not get to do is not retried by itself: the owner says that work waits.
      world.pool.wake();
    }
    expect(world.jobs.onWire.size).toBe(10);
    world.last.goAway(9);
    await world.clock.advance(100);
    for (const gateway of world.gateways) gateway.answerAll();
    await world.clock.advance(1000);
    for (const gateway of world.gateways) gateway.answerAll();
    await world.clock.advance(100);
    expect(world.jobs.replied).toHaveLength(10);
    expect(uncaught.map((error) => (error as Error).message)).toEqual(Array(thrown).fill(`bug in ${event}`));
    expect(thrown).toBeGreaterThan(0);
    const drained = world.pool.drain();
    await world.clock.advance(2000);
    await drained;
    expect(world.clock.pending).toBe(0);
  });

  it('in every callback still comes to its end', async () => {
    const world = new GatewayWorld(() => ({ answers: false }), { connectionsMax: 1 });
    await world.send(10);
    world.jobs.onEvent = (event) => {
      throw new Error(`bug in ${event}`);
    };
    const closed = world.pool.close();
    await world.clock.advance(2000);
    await closed;
    expect(world.jobs.failed).toHaveLength(10);
    expect(uncaught).toHaveLength(11);
  });
});
