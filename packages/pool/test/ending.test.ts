// drain() and close(): in every state, twice and together, they resolve, and each attempt has had exactly one end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GatewayOptions } from './gateway.ts';
import { GatewayWorld } from './gateway-world.ts';
import type { DialScript } from './gateway-world.ts';
import { TransportError } from '@carillon/pool';

const refused = (): Error =>
  new TransportError('ERR_TRANSPORT_DIAL_REFUSED', 'gateway.example:443', 'connection refused');

/** Resolves to false when `promise` does not settle within so much virtual time. */
async function settles(world: GatewayWorld, promise: Promise<void>, withinMs: number): Promise<boolean> {
  const ending = promise.then(() => true);
  for (let waited = 0; waited <= withinMs; waited += 500) {
    await world.clock.advance(500);
    if (await Promise.race([ending, Promise.resolve(false)])) return true;
  }
  return false;
}

function expectNothingLeft(world: GatewayWorld): void {
  expect(world.clock.pending).toBe(0);
  expect(world.dialing).toBe(0);
  expect(world.pool.connections).toHaveLength(0);
  expect(world.clientStreams.every(({ destroyed }) => destroyed)).toBe(true);
  expect(world.jobs.onWire.size).toBe(0);
}

const states: readonly [name: string, script: DialScript, prepare: (world: GatewayWorld) => Promise<void>][] = [
  ['never used', () => ({}), () => Promise.resolve()],
  ['asked for work in this very turn', () => ({}), (world) => Promise.resolve(world.jobs.add(3))],
  [
    'dialling',
    () => 'hang',
    async (world) => {
      world.jobs.add(3);
      await world.clock.advance(100);
      expect(world.dialing).toBe(1);
    },
  ],
  [
    'in backoff',
    refused,
    async (world) => {
      world.jobs.add(3);
      await world.clock.advance(300);
      expect(world.pool.stats()).toMatchObject({ dialing: 1, connections: 0 });
    },
  ],
  [
    'connecting',
    () => ({ settings: null }),
    async (world) => {
      world.jobs.add(3);
      await world.clock.advance(100);
      expect(world.pool.stats()).toMatchObject({ connections: 1, usable: 0 });
    },
  ],
  [
    'open and idle',
    () => ({}),
    async (world) => {
      await world.send(3);
      expect(world.jobs.replied).toHaveLength(3);
    },
  ],
  [
    'open with streams',
    () => ({ answers: false }),
    async (world) => {
      await world.send(3);
      expect(world.jobs.onWire.size).toBe(3);
    },
  ],
  [
    'draining',
    () => ({ answers: false }),
    async (world) => {
      await world.send(3);
      world.last.goAway(5);
      await world.clock.advance(1);
    },
  ],
];

describe.each(states)('A pool that is %s', (_, script, prepare) => {
  it('closes at once: what is on the wire fails as cancelled', async () => {
    const world = new GatewayWorld(script);
    await prepare(world);
    const onWire = world.jobs.onWire.size;
    const closed = world.pool.close();
    expect(world.jobs.onWire.size).toBe(0);
    expect(world.jobs.failed.map(({ failure }) => failure.kind)).toEqual(Array(onWire).fill('cancelled'));
    expect(await settles(world, closed, 2000)).toBe(true);
    expectNothingLeft(world);
    // Nothing comes to life again.
    world.jobs.add(1);
    await world.clock.advance(5000);
    expectNothingLeft(world);
  });

  it('drains: what is on the wire gets its end', async () => {
    const world = new GatewayWorld(script);
    await prepare(world);
    const onWire = world.jobs.onWire.size;
    const drained = world.pool.drain();
    await world.clock.advance(100);
    for (const gateway of world.gateways) gateway.answerAll();
    expect(await settles(world, drained, 2000)).toBe(true);
    expect(world.jobs.replied.length).toBeGreaterThanOrEqual(onWire);
    expect(world.jobs.failed).toEqual([]);
    expectNothingLeft(world);
  });

  it('drains also when the gateway never answers: requests time out', async () => {
    const world = new GatewayWorld(script);
    await prepare(world);
    expect(await settles(world, world.pool.drain(), 25_000)).toBe(true);
    expectNothingLeft(world);
  });

  it('resolves every one of several drains and closes', async () => {
    const world = new GatewayWorld(script);
    await prepare(world);
    const ends = [world.pool.drain(), world.pool.drain(), world.pool.close(), world.pool.drain(), world.pool.close()];
    expect(
      await settles(
        world,
        Promise.all(ends).then(() => undefined),
        2000,
      ),
    ).toBe(true);
    expect(
      await settles(
        world,
        Promise.all([world.pool.close(), world.pool.drain()]).then(() => undefined),
        0,
      ),
    ).toBe(true);
    expectNothingLeft(world);
  });
});

describe('A pool that is closed', () => {
  it('by its owner from inside any of its callbacks does not mind', async () => {
    for (const inside of ['fill', 'reply', 'failure', 'notice'] as const) {
      const world = new GatewayWorld(() => ({ answers: inside !== 'failure' }));
      const ends: Promise<void>[] = [];
      let isEnding = false;
      world.jobs.onEvent = (event) => {
        if (event !== inside || isEnding) return;
        isEnding = true;
        ends.push(world.pool.close());
      };
      await world.send(20);
      if (inside === 'failure') world.last.goAway(3);
      await world.clock.advance(2000);
      expect(ends, inside).toHaveLength(1);
      await ends[0];
      expectNothingLeft(world);
    }
  });

  it('closes what a dial brings that did not listen to its abort', async () => {
    const world = new GatewayWorld();
    const dial = world.dial.bind(world);
    world.dial = (target) => dial(target, new AbortController().signal);
    world.jobs.add(1);
    await world.clock.settle();
    expect(world.dialing).toBe(1);
    await world.pool.close();
    await world.clock.advance(100);
    expect(world.clientStreams).toHaveLength(1);
    expectNothingLeft(world);
  });

  it('lets a gateway go that never closes its side, after a second', async () => {
    const world = new GatewayWorld();
    await world.send(1);
    const { stream } = world.last;
    stream.removeAllListeners('end');
    const closed = world.pool.close();
    await world.clock.advance(900);
    expect(world.clientStreams[0].destroyed).toBe(false);
    await world.clock.advance(200);
    await closed;
    expectNothingLeft(world);
  });

  it('waits not a moment for a gateway that closes at once', async () => {
    const world = new GatewayWorld();
    await world.send(1);
    const closed = world.pool.close();
    await world.clock.advance(0);
    await closed;
    expect(world.last.goAways).toBe(1);
    expectNothingLeft(world);
  });
});

describe('A pool under any mix of events (property)', () => {
  type Step =
    | { do: 'add'; count: number }
    | { do: 'time'; ms: number }
    | {
        do: 'answer' | 'goaway' | 'goaway-error' | 'end' | 'destroy' | 'settings' | 'nonsense' | 'ping' | 'mute';
        gateway: number;
      }
    | { do: 'reset'; gateway: number; code: number }
    | { do: 'retire'; connection: number }
    | { do: 'hold' };
  const gateway = fc.nat(5);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 40 }) }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(0, 1, 20, 150, 3000, 30_000) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), gateway }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'goaway' as const,
          'goaway-error' as const,
          'end' as const,
          'destroy' as const,
          'settings' as const,
          'nonsense' as const,
          'ping' as const,
          'mute' as const,
        ),
        gateway,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), gateway, code: fc.constantFrom(2, 7, 8) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), connection: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const) }) },
  );
  const fate: fc.Arbitrary<GatewayOptions | 'refused' | 'hang'> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ answers: fc.boolean(), settings: fc.constantFrom([], [[3, 5]] as [number, number][]) }),
    },
    { weight: 1, arbitrary: fc.constant({ settings: null }) },
    { weight: 1, arbitrary: fc.constantFrom('refused' as const, 'hang' as const) },
  );

  it('ends every attempt exactly once, and always comes to its end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(fate, { minLength: 1, maxLength: 8 }),
        fc.constantFrom<'drain' | 'close' | 'both'>('drain', 'close', 'both'),
        fc.boolean(),
        async (steps, fates, end, resendsAll) => {
          const world = new GatewayWorld(
            (ordinal) => {
              const next = fates[(ordinal - 1) % fates.length];
              return next === 'refused' ? refused() : next;
            },
            { growAfterMs: 20, connectionsMax: 3, streamsMax: 10, shrinkAfterMs: 5000, ageMaxMs: 20_000 },
          );
          world.jobs.resendsAll = resendsAll;
          for (const one of steps) await play(world, one);
          const ended =
            end === 'drain'
              ? world.pool.drain()
              : end === 'close'
                ? world.pool.close()
                : Promise.all([world.pool.drain(), world.pool.close()]);
          expect(
            await settles(
              world,
              Promise.resolve(ended).then(() => undefined),
              40_000,
            ),
          ).toBe(true);
          expectNothingLeft(world);
          // Jobs throws when an attempt ends twice or elsewhere; here nobody may be missing.
          const { added, settled, waiting, replied } = world.jobs;
          expect(settled + waiting).toBe(added);
          expect(new Set(replied).size).toBe(replied.length);
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  async function play(world: GatewayWorld, one: Step): Promise<void> {
    switch (one.do) {
      case 'add':
        return world.jobs.add(one.count);
      case 'time':
        return world.clock.advance(one.ms);
      case 'hold':
        world.jobs.isHeld = !world.jobs.isHeld;
        return world.pool.wake();
      case 'retire': {
        const connection = world.pool.connections[one.connection];
        if (connection !== undefined) world.pool.retire(connection);
        return;
      }
      default: {
        const peer = world.gateways[one.gateway];
        if (peer === undefined) return;
        if (one.do === 'answer') peer.answerAll();
        else if (one.do === 'goaway') peer.goAway(Math.max(0, peer.lastStreamId - 4));
        else if (one.do === 'goaway-error') peer.goAway(peer.lastStreamId, 11, '{"reason":"Shutdown"}');
        else if (one.do === 'end') peer.stream.end();
        else if (one.do === 'destroy') peer.stream.destroy();
        else if (one.do === 'settings') peer.settings([[3, peer.requests.length % 3]]);
        else if (one.do === 'nonsense') peer.raw(Buffer.from('nonsense'.repeat(4)));
        else if (one.do === 'ping') peer.ping();
        else if (one.do === 'mute') peer.answers = !peer.answers;
        else if (one.do === 'reset') for (const id of peer.waiting) peer.reset(id, one.code);
      }
    }
  }
});
