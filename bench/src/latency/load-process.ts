/**
 * Keeps engines as busy as they let themselves be kept, for some seconds. Says how many receipts came when, how long the
 * answers took, and what the connections had in flight meanwhile.
 */
import type { ConnectionStats, Engine } from '@carillon/engine';
import { serve } from '../load/client.ts';
import { engineFor } from '../load/engine-for.ts';
import { ndjsonChunks, tokenCount } from '../load/traffic.ts';
import { sliceMs } from './load-task.ts';
import type { LoadReport, LoadTask, Slice } from './load-task.ts';
import { quantile } from './quantile.ts';

/** Few, so that little is in hand when the time is over. */
const linesPerChunk = 50;

class Load {
  readonly beganAt: number = performance.now();
  readonly statuses: Record<string, number> = {};
  readonly slices: Slice[] = [];
  readonly counted: number[] = [];
  readonly #task: LoadTask;
  readonly #engines: readonly Engine[];
  /** Of the slice in hand. */
  #latencies: number[] = [];
  #receipts = 0;

  constructor(task: LoadTask) {
    this.#task = task;
    this.#engines = Array.from({ length: task.engines }, () => engineFor(task, { prepare: 'inline' }));
  }

  async run(): Promise<Pick<LoadReport, 'falls' | 'fellBecause'>> {
    const slicing = setInterval(() => this.#cut(), sliceMs);
    await Promise.all(this.#engines.map((engine) => this.#feed(engine)));
    clearInterval(slicing);
    // Before the connections close.
    const connections = this.#connections();
    await Promise.all(this.#engines.map((engine) => engine.drain()));
    return {
      falls: connections.reduce((sum, { limitFalls }) => sum + limitFalls, 0),
      fellBecause: connections.flatMap(({ limitFellBecause }) => limitFellBecause ?? []),
    };
  }

  async #feed(engine: Engine): Promise<void> {
    const countFrom = this.beganAt + this.#task.countFromSecond * 1000;
    for await (const receipts of engine.sendBytes(this.#lines())) {
      const isCounted = performance.now() >= countFrom;
      this.#receipts += receipts.length;
      for (const { status, latencyMs } of receipts) {
        this.statuses[status ?? 0] = (this.statuses[status ?? 0] ?? 0) + 1;
        if (latencyMs === null) continue;
        this.#latencies.push(latencyMs);
        if (isCounted) this.counted.push(latencyMs);
      }
    }
  }

  /** The same lines round and round, until the time is over. */
  *#lines(): Generator<Buffer> {
    const chunks = ndjsonChunks(tokenCount, linesPerChunk);
    const endAt = this.beganAt + this.#task.seconds * 1000;
    for (let at = 0; performance.now() < endAt; at = (at + 1) % chunks.length) yield chunks[at];
  }

  #connections(): ConnectionStats[] {
    return this.#engines.flatMap((engine) => engine.stats().outlets.flatMap(({ connections }) => connections));
  }

  #cut(): void {
    this.slices.push({
      endMs: performance.now() - this.beganAt,
      receipts: this.#receipts,
      p50Ms: this.#latencies.length === 0 ? null : quantile(this.#latencies, 0.5),
      inFlight: this.#connections().map(({ openStreams }) => openStreams),
    });
    this.#latencies = [];
    this.#receipts = 0;
  }
}

serve(async (given): Promise<LoadReport> => {
  const load = new Load(given as LoadTask); // latency-bench.ts sends nothing else
  const beganAtMs = Date.now();
  const why = await load.run();
  const { statuses, slices, counted } = load;
  return { beganAtMs, statuses, slices, p50Ms: quantile(counted, 0.5), p99Ms: quantile(counted, 0.99), ...why };
});
