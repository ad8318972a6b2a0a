/** The embeddable sending core: apps in, jobs in, one outcome or receipt out for each. */
import { systemClock, systemRandom } from '@carillon/pool';
import type { Timer } from '@carillon/pool';
import { InlinePreparer } from '@carillon/payload';
import type { JobObject, Preparer } from '@carillon/payload';
import { configure } from './configure.ts';
import { EngineClosedError } from './errors.ts';
import { feedBytes, feedJobs } from './feed.ts';
import type { FeedContext } from './feed.ts';
import { settingsOf } from './options.ts';
import type { EngineOptions } from './options.ts';
import type { Outcome } from './outcome.ts';
import type { Outlet } from './outlet.ts';
import { Pipeline } from './pipeline.ts';
import type { Sink } from './push.ts';
import type { Receipt } from './receipt.ts';
import type { Apps } from './route.ts';
import { Run } from './run.ts';
import { Sender } from './sender.ts';
import type { SendOptions } from './sender.ts';
import { statsOf } from './stats.ts';
import type { EngineStats } from './stats.ts';

export interface SendAllOptions {
  /** Aborting reads no more and gives up what waits (`abandoned`, `cancelled`); every job read still gets its receipt. */
  readonly signal?: AbortSignal;
  /** Aborting reads no more and finishes what was read. A line that was read in part is not sent. */
  readonly stop?: AbortSignal;
}

export interface SendBytesOptions extends SendAllOptions {
  /** Named in the receipts. */
  readonly file?: string;
  /** Number of the first line; default 1. */
  readonly firstLine?: number;
}

/** Delayed pushes, deadlines and giving up are looked at this often while there are jobs. */
const tickMs = 100;

/** Opens no connection before there is work. Throws `EngineConfigError` when the options make no sense. */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}

export class Engine implements AsyncDisposable {
  readonly #pipeline: Pipeline;
  readonly #apps: Apps;
  readonly #outlets: readonly Outlet[];
  readonly #preparer: Preparer;
  readonly #sender: Sender;
  /** Aborted when the engine begins to close: the feeders stop. */
  readonly #stop = new AbortController();
  #ticker: Timer | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    const { clock = systemClock, random = systemRandom, preparer = new InlinePreparer() } = options.seams ?? {};
    this.#pipeline = new Pipeline(settingsOf(options), clock, random, options.onEvent ?? (() => undefined));
    const { apps, outlets } = configure(options, this.#pipeline);
    this.#apps = apps;
    this.#outlets = outlets;
    this.#preparer = preparer;
    this.#sender = new Sender(this.#pipeline, apps, (sink) => this.#cancel(sink));
    this.#pipeline.onFirstJob = () => this.#startTicker();
  }

  /** One job. Resolves with what became of it; rejects only when the engine is closed, or full and told to refuse. */
  send(job: JobObject, options: SendOptions = {}): Promise<Outcome> {
    return this.#sender.send(job, options);
  }

  /** Many jobs, pulled as there is room; receipts in the order of settling. An error of the source comes after the last receipt. */
  sendAll(jobs: Iterable<JobObject> | AsyncIterable<JobObject>, options: SendAllOptions = {}): AsyncIterable<Receipt> {
    const run = new Run(this.#pipeline, { file: null, hasLines: false });
    return flatten(this.#receipts(run, options, (context) => feedJobs(run, jobs, context)));
  }

  /** NDJSON bytes, cut anywhere: the fast path. An empty line is skipped and counted. */
  sendBytes(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options: SendBytesOptions = {}): AsyncIterable<Receipt[]> {
    const { file = null, firstLine = 1 } = options;
    const run = new Run(this.#pipeline, { file, hasLines: true });
    return this.#receipts(run, options, (context) => feedBytes(run, chunks, firstLine, context));
  }

  stats(): EngineStats {
    return statsOf(this.#pipeline, this.#outlets);
  }

  /** Takes no more jobs, settles those it has, closes the connections. Safe to call twice, and before `close`. */
  drain(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  /** Stops now: what waits is abandoned (`shutdown`), what is on the wire too, as unknown. Every job is settled before it resolves. */
  async close(): Promise<void> {
    this.#stopFeeding();
    for (const outlet of this.#outlets) outlet.abandonWaiting('shutdown');
    await Promise.all(this.#outlets.map((outlet) => outlet.pool.close()));
    for (const outlet of this.#outlets) outlet.abandonWaiting('shutdown');
    await this.drain();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  async #drain(): Promise<void> {
    this.#stopFeeding();
    await this.#pipeline.allSettled();
    await Promise.all(this.#outlets.map((outlet) => outlet.pool.drain()));
    await this.#preparer.close();
    this.#ticker?.cancel();
  }

  #stopFeeding(): void {
    this.#stop.abort();
    this.#sender.close();
    this.#pipeline.admission.wakeAll();
  }

  async *#receipts(run: Run, options: SendAllOptions, feed: (context: FeedContext) => Promise<void>): AsyncGenerator<Receipt[], void, undefined> {
    if (this.#stop.signal.aborted) throw new EngineClosedError();
    const left = new AbortController();
    const signals = [this.#stop.signal, left.signal, options.signal, options.stop].filter((signal) => signal !== undefined);
    const cancel = (): void => this.#cancel(run);
    options.signal?.addEventListener('abort', cancel, { once: true });
    const context = { pipeline: this.#pipeline, apps: this.#apps, preparer: this.#preparer, stop: AbortSignal.any(signals) };
    // The feeder runs beside the consumer; its failure is handed to the consumer, after the last receipt.
    feed(context).then(
      () => run.fed(null),
      (error: unknown) => run.fed({ error }),
    );
    try {
      for (let receipts = await run.take(); receipts !== null; receipts = await run.take()) yield receipts;
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      left.abort();
      run.leave();
      this.#cancel(run);
    }
  }

  #cancel(sink: Sink): void {
    for (const outlet of this.#outlets) outlet.cancel(sink);
  }

  #startTicker(): void {
    if (this.#ticker !== null) return;
    this.#ticker = this.#pipeline.clock.setTimer(tickMs, () => {
      this.#ticker = null;
      const now = this.#pipeline.clock.now();
      for (const outlet of this.#outlets) outlet.tick(now);
      if (this.#pipeline.admission.jobs > 0) this.#startTicker();
    });
  }
}

async function* flatten(batches: AsyncIterable<Receipt[]>): AsyncGenerator<Receipt, void, undefined> {
  for await (const receipts of batches) yield* receipts;
}
