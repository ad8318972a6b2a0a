// Who watches the watchers: bugs that are put between engine and world on purpose, each of which the checks must name. A
// check that convicts nobody of anything is worth nothing.
import { describe, expect, it } from 'vitest';
import type { Engine, EngineOptions, Receipt } from '../../packages/engine/src/index.ts';
import type { Dialer } from '../../packages/pool/src/index.ts';
import { tryPlan } from './hunt.ts';
import type { Plan, WorldFault } from './plan.ts';
import type { Sabotage } from './run.ts';
import { onlyToken, smallPlan } from './small-plan.ts';

/** The engine with some of its methods replaced. */
function changed(engine: Engine, changes: (engine: Engine) => Partial<Engine>): Engine {
  const replaced: Record<PropertyKey, unknown> = { ...changes(engine) };
  return new Proxy(engine, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Receipts as a broken engine would hand them out. */
function withReceipts(change: (receipts: Receipt[]) => Receipt[]): Sabotage {
  return {
    engine: (engine) =>
      changed(engine, () => ({
        sendBytes(...args) {
          return mapped(engine.sendBytes(...args), change);
        },
      })),
  };
}

async function* mapped(
  batches: AsyncIterable<Receipt[]>,
  change: (receipts: Receipt[]) => Receipt[],
): AsyncGenerator<Receipt[], void, undefined> {
  for await (const batch of batches) yield change(batch);
}

async function* misspelled(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString().replace('Hello 7', 'Hallo 7'));
}

function withOptions(change: (options: EngineOptions) => Partial<EngineOptions>): Sabotage {
  return { options: (options) => ({ ...options, ...change(options) }) };
}

function withLimits(options: EngineOptions, limits: EngineOptions['limits']): Partial<EngineOptions> {
  return { limits: { ...options.limits, ...limits } };
}

/** What the gateway grants, a thousand times over: every SETTINGS_MAX_CONCURRENT_STREAMS on its way to us is 1,000. */
function deafToLimits(dialer: Dialer): Dialer {
  return {
    async dial(target, signal) {
      const dialed = await dialer.dial(target, signal);
      const { stream } = dialed;
      const push = stream.push.bind(stream);
      stream.push = (chunk: Buffer | null) => push(chunk === null ? null : raised(chunk));
      return dialed;
    },
  };
}

function raised(chunk: Buffer): Buffer {
  const bytes = Buffer.from(chunk);
  // RFC 9113 §6.5: a SETTINGS frame of n entries of six octets; 3 is MAX_CONCURRENT_STREAMS.
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] !== 4) continue;
    for (let entry = at + 9; entry < at + 9 + bytes.readUIntBE(at, 3); entry += 6) {
      if (bytes.readUInt16BE(entry) === 3) bytes.writeUInt32BE(1_000, entry + 2);
    }
  }
  return bytes;
}

const [onlyCall] = smallPlan().calls;
const many = Array.from({ length: 40 }, (_, number) => ({
  id: `job-${number}`,
  app: 'news',
  token: onlyToken,
  payload: { aps: { alert: `Hello ${number}` } },
}));

function manyJobs(changes: Partial<Plan> = {}): Partial<Plan> {
  return { calls: [{ ...onlyCall, jobs: many }], ...changes };
}

function onRequest(
  action: (WorldFault & { part: 'gateway' })['fault']['action'],
  times: number,
): readonly WorldFault[] {
  return [{ part: 'gateway', gateway: 0, fault: { when: { on: 'request', times }, action } }];
}

const { engine } = smallPlan();

const plantedBugs: readonly (readonly [bug: string, invariant: string, world: Partial<Plan>, sabotage: Sabotage])[] = [
  [
    'loses a receipt',
    'one-receipt',
    manyJobs(),
    withReceipts((receipts) => receipts.filter(({ id }) => id !== 'job-7')),
  ],
  [
    'gives a receipt twice',
    'one-receipt',
    manyJobs(),
    withReceipts((receipts) => [...receipts, ...receipts.slice(0, 1)]),
  ],
  [
    'sends a push twice, under two ids',
    'one-receipt',
    manyJobs(),
    {
      engine: (real) =>
        changed(real, () => ({
          sendBytes(...args) {
            void real.send(many[0]);
            return real.sendBytes(...args);
          },
        })),
    },
  ],
  [
    'changes an octet of a payload',
    'as-given',
    manyJobs(),
    {
      engine: (real) =>
        changed(real, () => ({
          sendBytes: (chunks, options) => real.sendBytes(misspelled(chunks), options),
        })),
    },
  ],
  [
    'says accepted of what it gave up',
    'accepted-in-ledger',
    { faults: [{ part: 'outage', fromMs: 0, forMs: 600_000, dials: 'refuse', breaks: null }] },
    withReceipts((receipts) =>
      receipts.map((receipt) => Object.assign(receipt, { outcome: 'accepted', status: 200 } as const)),
    ),
  ],
  [
    'says surely not processed of what was in doubt',
    'not-processed',
    { engine: { ...engine, onAmbiguous: 'report' }, faults: onRequest({ kind: 'rst', code: 2 }, 1) },
    withReceipts((receipts) => receipts.map((receipt) => Object.assign(receipt, { processed: 'no' } as const))),
  ],
  [
    'sends again in doubt though it was told not to',
    'resend-allowed',
    { engine: { ...engine, onAmbiguous: 'report' }, faults: onRequest({ kind: 'rst', code: 2 }, 1) },
    withOptions(() => ({ onAmbiguous: 'resend' })),
  ],
  [
    'opens more streams than the gateway grants',
    'conduct',
    manyJobs({ gateways: [{ ...smallPlan().gateways[0], http2: { streamsMax: 3 } }] }),
    { options: (options) => ({ ...options, seams: { ...options.seams, dialer: deafToLimits(dialerOf(options)) } }) },
  ],
  [
    'comes back before the time the gateway asked for',
    'conduct',
    {
      engine: { ...engine, serverErrorDelayMs: 10_000 },
      faults: onRequest({ kind: 'status', status: 503, reason: 'ServiceUnavailable' }, 1),
    },
    withOptions(() => ({ serverErrorDelayMs: 1 })),
  ],
  [
    'forgets which devices are gone',
    'conduct',
    {
      devices: [{ token: onlyToken, state: { kind: 'unregistered' } }],
      calls: [onlyCall, { ...onlyCall, name: 'later', startsAtMs: 2_000, jobs: [{ ...many[0], id: 'later' }] }],
    },
    {
      engine: (real) =>
        changed(real, () => ({
          sendBytes(...args) {
            real.registered('news', onlyToken);
            return real.sendBytes(...args);
          },
        })),
    },
  ],
  [
    'names a device token in an event',
    'secrets-kept',
    {},
    withOptions(({ onEvent }) => ({
      onEvent: (event) =>
        onEvent?.(event.kind === 'connection-closed' ? { ...event, message: `lost ${onlyToken}` } : event),
    })),
  ],
  [
    'lets an error go',
    'contained',
    {},
    withOptions(() => ({
      onEvent: () => {
        throw new Error('nobody expects it');
      },
    })),
  ],
  [
    'takes more jobs than it may',
    'bytes-bounded',
    {
      engine: { ...engine, limits: { jobsMax: 1 } },
      calls: [
        {
          ...onlyCall,
          jobs: Array.from({ length: 900 }, (_, number) => ({ ...many[0], id: `job-${number}` })),
        },
      ],
    },
    withOptions((options) => withLimits(options, { jobsMax: 5_000 })),
  ],
  [
    'miscounts what is on the wire',
    'one-state',
    manyJobs(),
    {
      engine: (real) =>
        changed(real, () => ({ stats: () => ({ ...real.stats(), onWire: Math.max(0, real.stats().onWire - 1) }) })),
    },
  ],
  [
    'keeps the bytes of a job for ever',
    'stats-zero',
    {},
    { engine: (real) => changed(real, () => ({ stats: () => ({ ...real.stats(), jobBytes: 300 }) })) },
  ],
  [
    'forgets to cancel its timers',
    'stats-zero',
    {},
    {
      options: (options) => {
        const clock = options.seams?.clock;
        if (clock === undefined) throw new Error('a world without a clock');
        const setTimer: typeof clock.setTimer = (delayMs, fire) => {
          clock.setTimer(Math.max(delayMs, 20_000), () => undefined);
          return clock.setTimer(delayMs, fire);
        };
        return { ...options, seams: { ...options.seams, clock: { ...clock, setTimer } } };
      },
    },
  ],
  [
    'never ends',
    'ends',
    {},
    { engine: (real) => changed(real, () => ({ drain: () => new Promise(() => undefined) })) },
  ],
];

function dialerOf({ seams }: EngineOptions): Dialer {
  if (seams?.dialer === undefined) throw new Error('a world without a dialler');
  return seams.dialer;
}

describe('the checks of a world', () => {
  it.each(plantedBugs)('convict an engine that %s, by %s', async (_bug, invariant, world, sabotage) => {
    const { findings } = await tryPlan(smallPlan(world), { sabotage });
    expect(
      findings.map((finding) => finding.invariant),
      JSON.stringify(findings),
    ).toContain(invariant);
  });

  it.each(plantedBugs)('acquit the same world with an engine that is right: %s', async (_bug, _invariant, world) => {
    const { findings } = await tryPlan(smallPlan(world));
    expect(findings).toEqual([]);
  });
});
