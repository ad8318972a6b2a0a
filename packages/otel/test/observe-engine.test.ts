// A real engine, a real gateway (the simulator) and OpenTelemetry's own SDK: what a collection says after real pushes.
import { channel } from 'node:diagnostics_channel';

import { createEngine, eventChannelName } from '@carillon/engine';
import type { Engine, EngineStats } from '@carillon/engine';
import { startSimulator } from '@carillon/simulator';
import type { Simulator } from '@carillon/simulator';
import type { Attributes, Span } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';

import * as own from '../src/engine-event.ts';
import { observeEngine } from '../src/index.ts';

const payload = { aps: { alert: 'Hi' } };
const tokens = Array.from({ length: 10 }, (_, index) => index.toString(16).padStart(2, '0').repeat(32));
const [goneToken, badToken] = tokens;

/** Collects when it is told to. */
class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** One number of a collection. */
interface Point {
  name: string;
  attributes: Attributes;
  value: number;
}

class Scope {
  readonly reader: Reader = new Reader();
  readonly #provider = new MeterProvider({ readers: [this.reader] });
  readonly meter = this.#provider.getMeter('carillon');

  async points(): Promise<Point[]> {
    const { resourceMetrics, errors } = await this.reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'the collection failed');
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap((metric) => {
        const { name } = metric.descriptor;
        return metric.dataPoints.map(({ attributes, value }) => {
          if (typeof value !== 'number') throw new TypeError(`${name} is a histogram`);
          return { name, attributes, value };
        });
      }),
    );
  }
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startGateway(): Promise<Simulator> {
  const simulator = await startSimulator({
    profile: 'strict',
    rules: { tokens: { [goneToken]: { kind: 'unregistered', timestampMs: Date.now() }, [badToken]: { kind: 'bad' } } },
  });
  closing.push(() => simulator.close());
  return simulator;
}

function engineFor({ endpoint, ca, keyPem: key, keyId, teamId, identity }: Simulator, names = ['news']): Engine {
  const credential = { kind: 'token', key, keyId, teamId } as const;
  const app = { topic: identity.topic, endpoint, ca, credential };
  const engine = createEngine({ apps: Object.fromEntries(names.map((name) => [name, app])) });
  closing.push(() => engine.close());
  return engine;
}

async function sendTen(engine: Engine): Promise<void> {
  await Promise.all(tokens.map((token) => engine.send({ app: 'news', token, payload })));
}

/** As the engine calls it. */
function endpointOf(gateway: Simulator): string {
  return `127.0.0.1:${gateway.port}`;
}

function valueOf(points: readonly Point[], name: string, attributes: Attributes = {}): number | undefined {
  const found = points.filter(
    (point) =>
      point.name === name && Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
  );
  expect(found.length, `${name} ${JSON.stringify(attributes)}`).toBeLessThanOrEqual(1);
  return found[0]?.value;
}

describe('observeEngine', () => {
  it('gives a collection the figures of the engine', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway, ['news', 'alarm']);
    const scope = new Scope();
    using _ = observeEngine(engine, { meter: scope.meter });
    await sendTen(engine);
    await engine.send({ app: 'alarm', token: 'no token', payload });
    const odd = { aps: { alert: 'x'.repeat(5000), mine: 1 } };
    await engine.send({ app: 'news', token: tokens[5], truncate: true, payload: odd });

    const points = await scope.points();
    const endpoint = endpointOf(gateway);
    const settled = ['accepted', 'rejected', 'unregistered', 'abandoned', 'refused'].map((outcome) =>
      valueOf(points, 'carillon.jobs.settled', { outcome }),
    );
    expect(settled).toEqual([9, 1, 1, 0, 1]);
    expect(valueOf(points, 'carillon.pushes.warned', { code: 'local.unknown-aps-key' })).toBe(1);
    expect(valueOf(points, 'carillon.pushes.truncated')).toBe(1);
    expect(valueOf(points, 'carillon.attempts')).toBeGreaterThanOrEqual(10);
    expect(valueOf(points, 'carillon.jobs.active')).toBe(0);
    expect(valueOf(points, 'carillon.pushes', { state: 'on-wire' })).toBe(0);
    expect(valueOf(points, 'carillon.devices', { state: 'dead' })).toBe(1);
    expect(valueOf(points, 'carillon.refusals', { endpoint, reason: 'BadDeviceToken' })).toBe(1);
    expect(valueOf(points, 'carillon.refusals', { endpoint, reason: 'Unregistered' })).toBe(1);
    expect(valueOf(points, 'carillon.connections', { state: 'usable' })).toBeGreaterThanOrEqual(1);
    expect(valueOf(points, 'carillon.credentials', { endpoint, state: 'trusted' })).toBe(1);
    expect(valueOf(points, 'carillon.credentials', { endpoint, state: 'parked' })).toBe(0);
    expect(valueOf(points, 'carillon.breakers', { endpoint, state: 'closed' })).toBe(1);
    expect(valueOf(points, 'carillon.streams', { endpoint })).toBe(0);
    expect(valueOf(points, 'carillon.streams.limit', { endpoint })).toBeGreaterThanOrEqual(1);
    expect(valueOf(points, 'carillon.streams.own_limit', { endpoint })).toBeGreaterThanOrEqual(1);
    expect(valueOf(points, 'carillon.window', { endpoint })).toBeGreaterThan(0);
    expect(valueOf(points, 'carillon.latency', { endpoint, quantile: '0.99' })).toBeGreaterThan(0);
    expect(valueOf(points, 'carillon.lane.depth', { endpoint, app: 'news' })).toBe(0);
    expect(valueOf(points, 'carillon.lane.sent', { endpoint, app: 'news' })).toBeGreaterThanOrEqual(10);
    expect(valueOf(points, 'carillon.lane.sent', { endpoint, app: 'alarm' })).toBe(0);
  });

  it('shows a paused lane: its depth and how long it has waited', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway);
    const scope = new Scope();
    using _ = observeEngine(engine, { meter: scope.meter });
    engine.pause('news');
    const sent = sendTen(engine);
    const labels = { endpoint: endpointOf(gateway), app: 'news' };
    await expect.poll(async () => valueOf(await scope.points(), 'carillon.lane.oldest', labels)).toBeGreaterThan(0.001);
    const points = await scope.points();
    expect(valueOf(points, 'carillon.lane.depth', labels)).toBe(10);
    expect(valueOf(points, 'carillon.lane.paused', labels)).toBe(1);
    expect(valueOf(points, 'carillon.pushes', { state: 'waiting' })).toBe(10);
    engine.resume('news');
    await sent;
    expect(valueOf(await scope.points(), 'carillon.lane.depth', labels)).toBe(0);
  });

  it('labels nothing with a token, an id or an address', async () => {
    const gateway = await startGateway();
    gateway.setToken(tokens[2], { kind: 'reply', status: 400, reason: tokens[2] });
    gateway.setToken(tokens[3], { kind: 'reply', status: 400, reason: `Bad: <${tokens[3]}>` });
    const engine = engineFor(gateway);
    const scope = new Scope();
    using _ = observeEngine(engine, { meter: scope.meter });
    await sendTen(engine);
    const points = await scope.points();
    const keys = new Set(points.flatMap((point) => Object.keys(point.attributes)));
    expect([...keys].sort()).toEqual(['app', 'endpoint', 'event', 'outcome', 'quantile', 'reason', 'state']);
    const values = JSON.stringify(points.map((point) => point.attributes));
    for (const secret of [...tokens, gateway.keyId, gateway.teamId]) expect(values).not.toContain(secret);
    expect(valueOf(points, 'carillon.refusals', { reason: 'other' })).toBe(2);
  });

  it('counts an event once, however many engines share the meter', async () => {
    const gateway = await startGateway();
    const [first, second] = [engineFor(gateway), engineFor(gateway)];
    const scope = new Scope();
    const observations = [
      observeEngine(first, { meter: scope.meter, attributes: { engine: 'first' } }),
      observeEngine(second, { meter: scope.meter, attributes: { engine: 'second' } }),
    ];
    await sendTen(first);
    const points = await scope.points();
    for (const observation of observations) observation[Symbol.dispose]();
    expect(valueOf(points, 'carillon.events', { event: 'connection-opened' })).toBe(first.stats().connections);
    expect(valueOf(points, 'carillon.jobs.admitted', { engine: 'first' })).toBe(10);
    expect(valueOf(points, 'carillon.jobs.admitted', { engine: 'second' })).toBe(0);
  });

  it('counts a dial that failed under its code', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway);
    await gateway.close();
    const scope = new Scope();
    using _ = observeEngine(engine, { meter: scope.meter });
    const aborted = new AbortController();
    const sent = engine.send({ app: 'news', token: tokens[5], payload }, { signal: aborted.signal });
    await expect.poll(async () => valueOf(await scope.points(), 'carillon.dials.failed')).toBeGreaterThan(0);
    const failed = (await scope.points()).filter((point) => point.attributes.event === 'dial-failed');
    expect(failed.map((point) => point.attributes.reason)).toEqual([expect.stringMatching(/^[A-Z_]+$/)]);
    aborted.abort();
    expect(await sent).toMatchObject({ kind: 'abandoned' });
  });

  it('asks for the figures once a collection, and no more after it was disposed of', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway);
    const scope = new Scope();
    let asked = 0;
    const counting = {
      stats: (): EngineStats => {
        asked += 1;
        return engine.stats();
      },
    };
    const observation = observeEngine(counting, { meter: scope.meter });
    await scope.points();
    await scope.points();
    expect(asked).toBe(2);
    expect(channel(eventChannelName).hasSubscribers).toBe(true);
    observation[Symbol.dispose]();
    observation[Symbol.dispose]();
    await scope.points();
    expect(asked).toBe(2);
    expect(channel(eventChannelName).hasSubscribers).toBe(false);
  });

  it('keeps counting events for the others when one observation ends twice', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway);
    const scope = new Scope();
    const ended = observeEngine(engine, { meter: scope.meter });
    using _ = observeEngine(engine, { meter: scope.meter });
    ended[Symbol.dispose]();
    ended[Symbol.dispose]();
    await sendTen(engine);
    expect(valueOf(await scope.points(), 'carillon.events', { event: 'connection-opened' })).toBeGreaterThan(0);
  });

  it('adds events to the span it was given, while that records', async () => {
    const gateway = await startGateway();
    const engine = engineFor(gateway);
    const scope = new Scope();
    const span = new RecordingSpan();
    using _ = observeEngine(engine, { meter: scope.meter, span: span.asSpan() });
    await sendTen(engine);
    const endpoint = endpointOf(gateway);
    expect(span.events).toContainEqual(['carillon.connection-opened', { event: 'connection-opened', endpoint }]);
    const before = span.events.length;
    span.isEnded = true;
    await engine.drain();
    expect(span.events).toHaveLength(before);
  });

  it('leaves alone what others publish on the channel', async () => {
    const scope = new Scope();
    const span = new RecordingSpan();
    const engine = engineFor(await startGateway());
    using _ = observeEngine(engine, { meter: scope.meter, span: span.asSpan() });
    for (const message of [null, 'text', {}, { kind: 7, endpoint: 'x' }]) channel(eventChannelName).publish(message);
    expect((await scope.points()).filter((point) => point.name === 'carillon.events')).toEqual([]);
    expect(span.events).toEqual([]);
  });

  it('stops making labels after 64 different reasons', async () => {
    const scope = new Scope();
    const engine = engineFor(await startGateway());
    using _ = observeEngine(engine, { meter: scope.meter });
    for (let number = 0; number < 100; number++) {
      channel(eventChannelName).publish({
        kind: 'goaway',
        endpoint: 'x',
        connection: 1,
        reason: `Reason${number}`,
        message: '',
      });
    }
    const points = (await scope.points()).filter((point) => point.name === 'carillon.events');
    expect(points).toHaveLength(65);
    expect(valueOf(points, 'carillon.events', { reason: 'other' })).toBe(36);
  });
});

describe('The name of the channel', () => {
  it('is the one that the engine publishes on', () => {
    expect(own.eventChannelName).toBe(eventChannelName);
  });
});

/** The two methods of a span that are used, and what was said to them. */
class RecordingSpan {
  readonly events: [string, Attributes][] = [];
  isEnded = false;

  asSpan(): Span {
    const used: Pick<Span, 'isRecording' | 'addEvent'> = {
      isRecording: () => !this.isEnded,
      addEvent: (name, attributes) => {
        this.events.push([name, attributes as Attributes]); // always given by the package, never a time
        return used as Span;
      },
    };
    return used as Span; // the rest is not used
  }
}
