// Engines that have more to send than anybody could carry, a gateway that is far away or slow, and time that passes as it is
// told: what `npm run bench -- latency` measures, without the machine. Nothing fails here.
import { ndjsonChunks, tokenCount } from '../../bench/src/load/traffic.ts';
import { createEngine } from '../../packages/engine/src/index.ts';
import type { ConnectionStats, Engine } from '../../packages/engine/src/index.ts';
import { createIdentity, embedGateway } from '../../packages/simulator/src/index.ts';
import type { EmbeddedGateway, EmbeddedGatewayOptions } from '../../packages/simulator/src/index.ts';
import { Dice } from './dice.ts';
import { MemoryLink } from './memory-link.ts';
import type { LinkWays } from './memory-link.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SaturatedOptions {
  readonly seed: number;
  readonly gateway: EmbeddedGatewayOptions;
  readonly oneWayMs: number;
  readonly connections: number;
  /** When each engine begins, ms; they know nothing of each other. */
  readonly beginAtMs: readonly number[];
  readonly seconds: number;
  /** What is done to the gateway, and when, s. */
  readonly turns?: readonly { readonly atSecond: number; readonly turn: (gateway: EmbeddedGateway) => void }[];
}

/** A tenth of a second of it. */
export interface Tenth {
  readonly endMs: number;
  readonly receipts: number;
  readonly inFlight: readonly number[];
  readonly latencyMs: number;
}

export interface Saturated {
  readonly tenths: readonly Tenth[];
  readonly statuses: Readonly<Record<string, number>>;
  /** Of each engine, as they were at the end. */
  readonly connections: readonly (readonly ConnectionStats[])[];
}

const tenthMs = 100;
const linesPerChunk = 50;
/** More than connections can have in flight, and little, so that little is left at the end. */
const jobsMax = 8000;
const eventsMax = 50_000_000;
const epochMs = Date.UTC(2026, 0, 1, 0, 0, 1);

/** A network that nothing happens to: octets arrive as they were written, a moment later. */
const ways = { jitterMs: 0, segments: 'whole', pieceBytes: 1, bufferBytes: 4_194_304 } as const;
const observer = { onBytes: () => undefined, onEnd: () => undefined };

export async function saturate(options: SaturatedOptions): Promise<Saturated> {
  const { seed, seconds, turns = [] } = options;
  const time = new VirtualTime(new Dice(seed, 'time'));
  const identity = createIdentity();
  const dice = new Dice(seed, 'gateway');
  const gateway = embedGateway(
    { identity, ...options.gateway },
    {
      clock: {
        epochMs: () => Math.floor(epochMs + time.now),
        setTimer: (delayMs, fire) => time.after(delayMs, 'gateway', fire),
        endOfTurn: (fire) => time.endOfTurn(fire),
      },
      random: { next: () => dice.next(), uuid: () => '0FA57000-0000-4000-8000-000000000000' },
    },
  );
  const links: LinkWays = { ...ways, latencyMs: options.oneWayMs };
  const endMs = seconds * 1000;
  const senders = options.beginAtMs.map((beginAtMs, at) => {
    const random = new Dice(seed + at, 'engine');
    const { keyPem: key, keyId, teamId, topic } = identity;
    const engine = createEngine({
      connectionsMax: options.connections,
      limits: { jobsMax },
      apps: { news: { topic, endpoint: 'https://gateway.example', credential: { kind: 'token', key, keyId, teamId } } },
      seams: {
        clock: {
          now: () => time.now,
          epochMs: () => Math.floor(epochMs + time.now),
          setTimer: (delayMs, fire) => time.after(delayMs, 'client', fire),
          endOfTurn: (fire) => time.endOfTurn(fire),
        },
        random: { next: () => random.next() },
        dialer: {
          async dial() {
            await time.sleep(options.oneWayMs * 6);
            const link = new MemoryLink({
              time,
              dice: new Dice(seed + at, 'network'),
              ways: links,
              latencyMs: () => options.oneWayMs,
              cuts: [],
              observer,
            });
            link.gateway.on('error', () => undefined);
            gateway.accept(link.gateway, { address: `198.51.100.${at}`, certificatePem: null });
            return { stream: link.client, address: '192.0.2.1' };
          },
        },
      },
    });
    return new Sender(engine, time, beginAtMs, endMs);
  });
  for (const { atSecond, turn } of turns) time.after(atSecond * 1000, 'gateway', () => turn(gateway));

  const tenths: Tenth[] = [];
  const cut = (): void => {
    tenths.push({
      endMs: time.now,
      receipts: senders.reduce((sum, sender) => sum + sender.takeCount(), 0),
      inFlight: senders.map(({ engine }) => engine.stats().onWire),
      latencyMs: senders.reduce((sum, sender) => sum + sender.takeLatencyMs(), 0) / senders.length,
    });
    if (time.now < endMs - tenthMs) time.after(tenthMs, 'gateway', cut);
  };
  time.after(tenthMs, 'gateway', cut);
  let isOver = false;
  // Looked at when time has passed: until then nobody waits for it.
  const all = Promise.allSettled(senders.map((sender) => sender.run())).finally(() => {
    isOver = true;
  });
  await time.pass({ isOver: () => isOver, limitMs: endMs + 60_000, eventsMax });
  if (!isOver) throw new Error('the engines did not end within a minute of their last push');
  for (const end of await all) if (end.status === 'rejected') throw end.reason as Error;
  const statuses: Record<string, number> = {};
  for (const sender of senders) {
    for (const [status, count] of Object.entries(sender.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
  }
  return { tenths, statuses, connections: senders.map((sender) => sender.connections) };
}

class Sender {
  readonly engine: Engine;
  readonly statuses: Record<string, number> = {};
  connections: readonly ConnectionStats[] = [];
  readonly #time: VirtualTime;
  readonly #beginAtMs: number;
  readonly #endMs: number;
  #count = 0;
  #latencies = 0;
  #latencySumMs = 0;

  constructor(engine: Engine, time: VirtualTime, beginAtMs: number, endMs: number) {
    this.engine = engine;
    this.#time = time;
    this.#beginAtMs = beginAtMs;
    this.#endMs = endMs;
  }

  async run(): Promise<void> {
    if (this.#beginAtMs > 0) await this.#time.sleep(this.#beginAtMs);
    for await (const receipts of this.engine.sendBytes(this.#lines())) {
      for (const { status, latencyMs } of receipts) {
        this.statuses[status ?? 0] = (this.statuses[status ?? 0] ?? 0) + 1;
        this.#count++;
        if (latencyMs === null) continue;
        this.#latencies++;
        this.#latencySumMs += latencyMs;
      }
    }
    this.connections = this.engine.stats().outlets.flatMap(({ connections }) => connections);
    await this.engine.drain();
  }

  takeCount(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** The mean since the last time; NaN of none. */
  takeLatencyMs(): number {
    const mean = this.#latencySumMs / this.#latencies;
    this.#latencySumMs = 0;
    this.#latencies = 0;
    return mean;
  }

  *#lines(): Generator<Buffer> {
    const chunks = ndjsonChunks(tokenCount, linesPerChunk);
    for (let at = 0; this.#time.now < this.#endMs; at = (at + 1) % chunks.length) yield chunks[at];
  }
}
