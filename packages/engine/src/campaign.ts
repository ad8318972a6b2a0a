/**
 * A campaign: one notification to many recipients. It is what its receipts are read from, and the hand that holds it:
 *
 *            first `next`             source at its end, every receipt taken
 *   ready ──────────────▶ running ──────────────────────────────────────────▶ ended
 *                          │   ▲ resume                                         ▲
 *                    pause ▼   │                                                │
 *                         paused ── cancel, signal, leaving the loop ── cancelled
 */
import { compileNotification, NotificationError, RecipientsBuilder, TokenSet } from '@carillon/payload';
import type { CampaignNotification, CompiledNotification, Warning } from '@carillon/payload';
import type { App } from './app.ts';
import { CampaignLanes } from './campaign-lanes.ts';
import { CampaignRun } from './campaign-run.ts';
import type { CampaignCounts } from './campaign-run.ts';
import { EngineConfigError, RecipientsFullError } from './errors.ts';
import { CampaignFeed } from './feed-campaign.ts';
import type { Recipients } from './feed-campaign.ts';
import type { FeedContext } from './feed.ts';
import { objectOf, oneOf, positive } from './options.ts';
import type { Pipeline } from './pipeline.ts';
import type { Receipt } from './receipt.ts';

export interface CampaignOptions {
  /** Default: the only app there is. */
  readonly app?: string;
  /**
   * What the builders give, or the fields of a job that are the same for all. Strings in the payload may have slots:
   * `{{name}}` takes the recipient's variable of that name, as text; `"{{name:number}}"` takes a number.
   */
  readonly notification: CampaignNotification;
  /**
   * Device tokens, or objects with `token`, `id` and `variables`, one each; or the bytes of a list, one recipient a line
   * (docs/CAMPAIGNS.md). Pulled as there is room.
   */
  readonly recipients: Recipients | Uint8Array;
  /** Pushes a second at most, besides the caps of the app and the engine. Default: none of its own. */
  readonly ratePerSecond?: number;
  /**
   * A device token that comes again is not sent to again. `exact` (default) remembers 1,000,000 of them, `fingerprints`
   * 100,000,000 by 128 bits each; the campaign ends with `RecipientsFullError` at the first that it would have to forget
   * one for. `off` remembers none. docs/LIMITS.md has the memory.
   */
  readonly duplicates?: 'exact' | 'fingerprints' | 'off';
  /** How much there is, for the estimate: recipients, or bytes of lines. Default: known for an array, else not. */
  readonly total?: { readonly recipients: number } | { readonly bytes: number };
  /** Lines that an earlier run settled: they are remembered, and neither sent nor receipted. Numbers begin at 1. */
  readonly isSettled?: (line: number) => boolean;
  /** Named in the receipts. */
  readonly file?: string;
  /** Aborting is `cancel()`. */
  readonly signal?: AbortSignal;
  /** Aborting reads no more and finishes what was read. */
  readonly stop?: AbortSignal;
}

export interface CampaignProgress extends CampaignCounts {
  readonly state: 'ready' | 'running' | 'paused' | 'cancelled' | 'ended';
  /** Recipients read, each with its receipt or on the way to it; those of an earlier run are `skipped`. */
  readonly read: number;
  readonly skipped: number;
  readonly settled: number;
  /** Read and not settled: they wait, or are on the wire. */
  readonly underWay: number;
  /** Receipts a second, lately (a mean that forgets within seconds). */
  readonly perSecond: number;
  /** Recipients in all; an estimate where `total` has bytes, null where nothing was said. */
  readonly total: number | null;
  /** Until the last receipt, at that rate; null while there is no telling. */
  readonly leftMs: number | null;
}

/** What remembers how many device tokens. */
export const recipientsMax = { exact: 1_000_000, fingerprints: 100_000_000 } as const;

/** Between a bare device token and one with an id and some variables. */
const usualLineBytes = 128;

/** How the engine runs a feed, and hands out its receipts. */
export type Runner = (
  run: CampaignRun,
  options: Pick<CampaignOptions, 'signal' | 'stop'>,
  feed: (context: FeedContext) => Promise<void>,
) => AsyncGenerator<Receipt[], void, undefined>;

export class Campaign implements AsyncIterable<Receipt[]> {
  readonly #options: CampaignOptions;
  readonly #compiled: CompiledNotification;
  readonly #pipeline: Pipeline;
  readonly #runner: Runner;
  readonly #cancel = new AbortController();
  readonly #lanes: CampaignLanes;
  readonly #run: CampaignRun;
  #feed: CampaignFeed | null = null;
  #state: 'ready' | 'running' | 'cancelled' | 'ended' = 'ready';

  /** Throws `EngineConfigError`: what is wrong with notification and options is found before anything is sent. */
  constructor(options: CampaignOptions, app: App, pipeline: Pipeline, runner: Runner) {
    const { ratePerSecond = Infinity, duplicates = 'exact', file = null } = options;
    positive('ratePerSecond', ratePerSecond);
    oneOf('duplicates', duplicates, ['exact', 'fingerprints', 'off']);
    checkRecipients(options.recipients);
    this.#options = options;
    this.#compiled = compiled(options.notification, app.name, pipeline.settings.defaultPushType);
    this.#pipeline = pipeline;
    this.#runner = runner;
    this.#lanes = new CampaignLanes(app, ratePerSecond, pipeline);
    this.#run = new CampaignRun(pipeline, { file, hasLines: true }, this.#lanes);
  }

  /** What is probably not meant so in the notification, though it is sent: said here, and not in every receipt. */
  get warnings(): readonly Warning[] {
    return this.#compiled.warnings;
  }

  /** Receipts in the order of settling, some at a time. Sends nothing before the first is asked for; can be run once. */
  [Symbol.asyncIterator](): AsyncGenerator<Receipt[], void, undefined> {
    return this.#receipts();
  }

  /**
   * Reads no more and sends no more until `resume`: what waits is held, what is on the wire ends as it would. The app and
   * its other pushes go on. Deadlines go on, too.
   */
  pause(): void {
    this.#lanes.pause();
    if (this.#state === 'running') this.#pipeline.campaigns.set(this.#run, true);
  }

  resume(): void {
    this.#lanes.resume();
    if (this.#state === 'running') this.#pipeline.campaigns.set(this.#run, false);
  }

  /** Reads no more and gives up what waits (`abandoned`, `cancelled`); what is on the wire runs to its end. */
  cancel(): void {
    this.#cancel.abort();
  }

  progress(): CampaignProgress {
    const { counts, outstanding } = this.#run;
    const settled = counts.accepted + counts.rejected + counts.unregistered + counts.abandoned;
    const perSecond = this.#run.perSecond(this.#pipeline.clock.now());
    const [read, skipped] = this.#feed === null ? [0, 0] : [this.#feed.read, this.#feed.skipped];
    const total = this.#total(read + skipped);
    const left = total === null ? null : Math.max(0, total - skipped - settled);
    return {
      state: this.#stateNow,
      read,
      skipped,
      settled,
      underWay: outstanding,
      perSecond,
      total,
      leftMs: left === null || perSecond < 0.01 || this.#lanes.isPaused ? null : Math.round((left / perSecond) * 1000),
      ...counts,
    };
  }

  async *#receipts(): AsyncGenerator<Receipt[], void, undefined> {
    if (this.#state !== 'ready') throw new Error('a campaign can be run once');
    this.#state = 'running';
    this.#lanes.open();
    this.#pipeline.campaigns.set(this.#run, this.#lanes.isPaused);
    const { stop, signal } = this.#options;
    const cancelled = signal === undefined ? this.#cancel.signal : AbortSignal.any([this.#cancel.signal, signal]);
    // Unless it comes to its end: whoever leaves the loop gives up the rest.
    let end: 'cancelled' | 'ended' = 'cancelled';
    try {
      yield* this.#runner(this.#run, { signal: cancelled, ...(stop === undefined ? {} : { stop }) }, (context) =>
        this.#feedTo(context),
      );
      if (!cancelled.aborted) end = 'ended';
    } finally {
      this.#state = end;
      this.#pipeline.campaigns.delete(this.#run);
      this.#lanes.close();
    }
  }

  async #feedTo(context: FeedContext): Promise<void> {
    const { duplicates = 'exact', isSettled = null, recipients } = this.#options;
    const tokensMax = duplicates === 'off' ? 0 : recipientsMax[duplicates];
    const keeps = duplicates === 'exact' ? 'tokens' : 'fingerprints';
    const builder = new RecipientsBuilder(this.#compiled, {
      tokens: duplicates === 'off' ? null : new TokenSet({ keeps, tokensMax, expected: this.#expected }),
      isSettled,
      apnsIds: this.#pipeline.apnsIds,
    });
    this.#feed = new CampaignFeed(this.#run, builder, context);
    await this.#feed.feed(recipients instanceof Uint8Array ? [recipients] : recipients);
    if (builder.isStopped) throw new RecipientsFullError(builder.line, tokensMax);
  }

  /** About how many recipients there will be; 0: nobody says. */
  get #expected(): number {
    const { total } = this.#options;
    return total !== undefined && 'bytes' in total ? total.bytes / usualLineBytes : (this.#total(0) ?? 0);
  }

  #total(read: number): number | null {
    const { total, recipients } = this.#options;
    if (total === undefined) return Array.isArray(recipients) && isOfRecipients(recipients) ? recipients.length : null;
    if ('recipients' in total) return total.recipients;
    const readBytes = this.#feed?.readBytes ?? 0;
    return readBytes === 0 ? null : Math.round((read * total.bytes) / readBytes);
  }

  get #stateNow(): CampaignProgress['state'] {
    if (this.#state === 'running' && this.#run.isCancelled) return 'cancelled';
    if (this.#state === 'running' && this.#lanes.isPaused) return 'paused';
    return this.#state;
  }
}

function compiled(
  notification: CampaignNotification,
  app: string,
  defaultPushType: string | null,
): CompiledNotification {
  objectOf('notification', notification);
  try {
    return compileNotification(notification, { app, defaultPushType });
  } catch (error) {
    if (!(error instanceof NotificationError)) throw error;
    const field = error.path === 'notification' ? error.path : `notification.${error.path}`;
    throw new EngineConfigError(field, error.message, error);
  }
}

/** A text is an iterable of its characters, and would be so many bad device tokens. */
function checkRecipients(recipients: unknown): void {
  const isSource =
    typeof recipients === 'object' &&
    recipients !== null &&
    (Symbol.iterator in recipients || Symbol.asyncIterator in recipients);
  if (isSource) return;
  const message = 'recipients is no iterable; an array or stream of device tokens, of objects or of bytes is right';
  throw new EngineConfigError('recipients', message);
}

/** Not of bytes. */
function isOfRecipients(recipients: readonly unknown[]): boolean {
  return !(recipients[0] instanceof Uint8Array);
}
