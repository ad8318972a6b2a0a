/** The embeddable sending core: apps in, jobs in, one outcome or receipt out for each. */
import { isFault, parseDeviceToken, pushTypes, topicFor } from '@carillon/apns';
import { systemClock, systemRandom } from '@carillon/pool';
import type { Timer } from '@carillon/pool';
import type { JobObject, Preparer } from '@carillon/payload';
import { apnsIdsOf } from './apns-ids.ts';
import type { App } from './app.ts';
import { Channels } from './channels.ts';
import { Campaign } from './campaign.ts';
import type { CampaignOptions } from './campaign.ts';
import { choosePreparer } from './choose-preparer.ts';
import { Configuration } from './configure.ts';
import { EngineClosedError, EngineConfigError } from './errors.ts';
import { feedBytes, feedJobs } from './feed.ts';
import type { FeedContext } from './feed.ts';
import { settingsOf } from './options.ts';
import type { CredentialOptions, EngineOptions } from './options.ts';
import { scopeOf } from './head.ts';
import type { SendOutcome } from './outcome.ts';
import { Pipeline } from './pipeline.ts';
import type { Outlet } from './outlet.ts';
import type { Receipt } from './receipt.ts';
import { Run } from './run.ts';
import { Sender } from './sender.ts';
import type { SendOptions } from './sender.ts';
import { statsOf } from './stats.ts';
import type { EngineStats } from './stats.ts';
import { teller } from './tell.ts';

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
/**
 * `close` is over within 5 s: batches in preparation have half of them, then what the preparer keeps running has nearly
 * the other half to end.
 */
const hurryMs = 2500;
const preparerCloseMs = 2000;
/** Whether certificates are about to end. */
const warnEveryMs = 3_600_000;

/** Opens no connection before there is work. Throws `EngineConfigError` when the options make no sense. */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}

export class Engine implements AsyncDisposable {
  /** Broadcast channels: make, look at, list, delete. */
  readonly channels: Channels;
  readonly #pipeline: Pipeline;
  readonly #configuration: Configuration;
  readonly #preparer: Preparer;
  readonly #sender: Sender;
  /** Aborted when the engine begins to close: the feeders stop. */
  readonly #stop = new AbortController();
  /** Outlets of credentials that were replaced, on their way to an end. */
  readonly #retiring = new Set<Outlet>();
  /** Feeders at work. They never reject. */
  readonly #feeds = new Set<Promise<void>>();
  #ticker: Timer | null = null;
  #warnAt = 0;
  #closing: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    const { clock = systemClock, random = systemRandom } = options.seams ?? {};
    const settings = settingsOf(options);
    const apnsIds = apnsIdsOf(options.seams?.random);
    this.#pipeline = new Pipeline(settings, clock, random, apnsIds, teller(options.onEvent), options.deviceLedger);
    this.#configuration = new Configuration(options, this.#pipeline);
    this.channels = new Channels(this.#configuration, this.#pipeline);
    this.#preparer = choosePreparer(settings, options.seams ?? {}, apnsIds);
    this.#sender = new Sender(this.#pipeline, this.#configuration.apps, () => this.#sweep());
    this.#pipeline.onFirstJob = () => this.#startTicker();
  }

  /** One job. Resolves with what became of it; rejects only when the engine is closed, or full and told to refuse. */
  send(job: JobObject, options: SendOptions = {}): Promise<SendOutcome> {
    return this.#sender.send(job, options);
  }

  /** Many jobs, pulled as there is room; receipts in the order of settling. An error of the source comes after the last receipt. */
  sendAll(jobs: Iterable<JobObject> | AsyncIterable<JobObject>, options: SendAllOptions = {}): AsyncIterable<Receipt> {
    const run = new Run(this.#pipeline, { file: null, hasLines: false });
    return flatten(this.#receipts(run, options, (context) => feedJobs(run, jobs, context)));
  }

  /** NDJSON bytes, cut anywhere: the fast path. An empty line is skipped and counted. */
  sendBytes(
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: SendBytesOptions = {},
  ): AsyncIterable<Receipt[]> {
    const { file = null, firstLine = 1 } = options;
    const run = new Run(this.#pipeline, { file, hasLines: true });
    return this.#receipts(run, options, (context) => feedBytes(run, chunks, firstLine, context));
  }

  /**
   * One notification to many recipients: its receipts, `Receipt[]` at a time, and the hand that holds it. Throws
   * `EngineConfigError` when the notification or the options are not right; nothing is sent before the first receipts are
   * asked for. A source that fails, or more recipients than are remembered, come after the last receipt as an error.
   */
  campaign(options: CampaignOptions): Campaign {
    const { apps } = this.#configuration;
    const only = apps.size === 1 ? apps.keys().next().value : undefined;
    const name = options.app ?? only;
    if (name === undefined) {
      throw new EngineConfigError('app', `app is missing, and there are several: ${[...apps.keys()].join(', ')}`);
    }
    const app = this.#appOf(name);
    return new Campaign(options, app, this.#pipeline, (run, ends, feed) => this.#receipts(run, ends, feed));
  }

  /** The app's pushes wait until `resume`; deadlines go on. What is on the wire ends as it would. */
  pause(app: string): void {
    this.#setPaused(app, true);
  }

  resume(app: string): void {
    this.#setPaused(app, false);
    this.#appOf(app).outlet.wake();
  }

  /** Another credential for an app, without losing a push. Throws `EngineConfigError` when it cannot be used; the old one stays. */
  replaceCredential(app: string, credential: CredentialOptions): void {
    const unused = this.#configuration.replaceCredential(app, credential);
    if (unused === null) return;
    this.#retiring.add(unused);
    void unused.drain().finally(() => this.#retiring.delete(unused));
  }

  /** The device registered again: what is known of it from before `at` (default now) no longer holds. */
  registered(app: string, token: string, at: number = this.#pipeline.clock.epochMs()): void {
    const { heads, ledger, probation } = this.#pipeline;
    const known = this.#appOf(app);
    const parsed = parseDeviceToken(token);
    if (isFault(parsed)) return;
    // Those it has sent to, and the usual ones: a ledger may know more than this process has sent.
    for (const scope of new Set([...heads.scopesOf(app), ...usualScopes(known)])) {
      ledger.dead.deleteBefore(scope, parsed, at);
      probation.registered(scope, parsed, at);
    }
  }

  stats(): EngineStats {
    return statsOf(this.#pipeline, this.#outlets, this.#configuration.channelOutlets);
  }

  /**
   * Takes no more jobs, settles those it has, closes the connections. Safe to call twice, and before `close`. Waits for
   * a preparer two minutes at most: the calls whose lines it kept end with `PreparationError`, after their last receipt.
   */
  drain(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  /**
   * Stops now: what waits is abandoned (`shutdown`), what is on the wire too, as unknown. Every job is settled before it
   * resolves, within 5 s: lines that are not prepared by then are named by the `PreparationError` of their call.
   */
  async close(): Promise<void> {
    this.#pipeline.isClosing = true;
    this.#stopFeeding();
    for (const outlet of this.#outlets) outlet.abandonWaiting('shutdown');
    this.#pipeline.abandonDelayed(() => true, 'shutdown');
    this.#pipeline.preparation.hurry(hurryMs);
    await Promise.all([this.channels.close(), ...this.#outlets.map((outlet) => outlet.close())]);
    await this.drain();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  async #drain(): Promise<void> {
    this.#stopFeeding();
    // What they have read comes in yet.
    await Promise.all(this.#feeds);
    await this.#pipeline.allSettled();
    await this.channels.drain();
    await Promise.all(this.#outlets.map((outlet) => outlet.drain()));
    this.#ticker?.cancel();
    await this.#closePreparer();
  }

  /** One that does not end is left to itself: every job is settled, and nothing of ours runs any more. */
  #closePreparer(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#pipeline.clock.setTimer(preparerCloseMs, resolve);
      const closed = this.#preparer.close().finally(() => timer.cancel());
      closed.then(resolve, reject);
    });
  }

  #stopFeeding(): void {
    this.#stop.abort();
    this.#sender.close();
    this.#pipeline.admission.wakeAll();
  }

  async *#receipts(
    run: Run,
    options: SendAllOptions,
    feed: (context: FeedContext) => Promise<void>,
  ): AsyncGenerator<Receipt[], void, undefined> {
    if (this.#stop.signal.aborted) throw new EngineClosedError();
    const left = new AbortController();
    const signals = [this.#stop.signal, left.signal, options.signal, options.stop].filter(
      (signal) => signal !== undefined,
    );
    const cancel = (): void => {
      run.isCancelled = true;
      this.#sweep();
    };
    options.signal?.addEventListener('abort', cancel, { once: true });
    const context = {
      pipeline: this.#pipeline,
      apps: this.#configuration.apps,
      preparer: this.#preparer,
      stop: AbortSignal.any(signals),
    };
    // The feeder runs beside the consumer; its failure is handed to the consumer, after the last receipt.
    const fed = feed(context)
      .then(
        () => run.fed(null),
        (error: unknown) => run.fed({ error }),
      )
      .finally(() => this.#feeds.delete(fed));
    this.#feeds.add(fed);
    try {
      for (let receipts = await run.take(); receipts !== null; receipts = await run.take()) yield receipts;
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      left.abort();
      run.leave();
      this.#sweep();
    }
  }

  #setPaused(name: string, isPaused: boolean): void {
    const app = this.#appOf(name);
    app.lane.isPaused = isPaused;
    app.probationLane.isPaused = isPaused;
    for (const lanes of app.campaigns) lanes.look();
  }

  #appOf(app: string): App {
    const known = this.#configuration.apps.get(app);
    if (known === undefined) throw new EngineConfigError(`apps.${app}`, `app ${JSON.stringify(app)} is not configured`);
    return known;
  }

  /** Those of replaced credentials too. */
  get #outlets(): readonly Outlet[] {
    return [...this.#configuration.outlets, ...this.#retiring];
  }

  /** Abandons what waits for callers that gave it up. */
  #sweep(): void {
    for (const outlet of this.#configuration.outlets) outlet.sweep();
    this.#pipeline.abandonDelayed((push) => push.sink.isCancelled, 'cancelled');
  }

  #startTicker(): void {
    if (this.#ticker !== null) return;
    this.#ticker = this.#pipeline.clock.setTimer(tickMs, () => {
      this.#ticker = null;
      const now = this.#pipeline.clock.now();
      this.#pipeline.releaseDue(now);
      if (now >= this.#warnAt) {
        this.#warnAt = now + warnEveryMs;
        this.#configuration.warnOfExpiry(this.#pipeline.clock.epochMs());
      }
      for (const outlet of this.#configuration.outlets) outlet.tick(now);
      if (this.#pipeline.admission.jobs > 0) this.#startTicker();
    });
  }
}

/** The app's bundle id with the suffix of each push type. */
function usualScopes(app: App): string[] {
  const topics = Object.values(pushTypes).map((pushType) => topicFor(app.topic, pushType));
  return topics.flatMap((topic) => (isFault(topic) ? [] : [scopeOf(app, topic)]));
}

async function* flatten(batches: AsyncIterable<Receipt[]>): AsyncGenerator<Receipt, void, undefined> {
  for await (const receipts of batches) yield* receipts;
}
