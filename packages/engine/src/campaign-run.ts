/**
 * A campaign's call: a run that counts what becomes of its pushes, holds its feeder while it is paused, and lets it be
 * only so far ahead of the wire that the door stays open for others.
 */
import type { CampaignLanes } from './campaign-lanes.ts';
import type { Outcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';
import { RateMeter } from './rate-meter.ts';
import type { Origin, Receipt, Refused } from './receipt.ts';
import { Run } from './run.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Under a rate cap, what waits is so much work at most: a pause, a new deadline or a cancelled campaign find little. */
const aheadSeconds = 5;
/** … but a batch that is worth its while. */
const aheadMin = 64;

export interface CampaignCounts {
  readonly accepted: number;
  readonly rejected: number;
  readonly unregistered: number;
  readonly abandoned: number;
  /** Of the rejected: device tokens that were there before. */
  readonly duplicates: number;
}

export class CampaignRun extends Run {
  readonly #pipeline: Pipeline;
  readonly #lanes: CampaignLanes;
  readonly #feeder = new WaitingRoom();
  readonly #counts = { accepted: 0, rejected: 0, unregistered: 0, abandoned: 0, duplicates: 0 };
  readonly #meter = new RateMeter();
  /** The feeder waits until so few are outstanding; -1 when it does not. */
  #wakeAt = -1;

  constructor(pipeline: Pipeline, origin: Origin, lanes: CampaignLanes) {
    super(pipeline, origin, lanes);
    this.#pipeline = pipeline;
    this.#lanes = lanes;
  }

  get counts(): CampaignCounts {
    return { ...this.#counts };
  }

  /** Receipts so far, lately a second. */
  perSecond(now: number): number {
    this.#meter.look(this.#settledCount, now);
    return this.#meter.perSecond;
  }

  override settled(push: Push, outcome: Outcome, latencyMs: number | null): void {
    super.settled(push, outcome, latencyMs);
    this.#counts[outcome.kind]++;
    if (this.outstanding <= this.#wakeAt) this.wakeFeeder();
  }

  override take(): Promise<Receipt[] | null> {
    // As often as receipts are taken, not once a push.
    this.#meter.look(this.#settledCount, this.#pipeline.clock.now());
    return super.take();
  }

  override refuse(refused: readonly Refused[]): void {
    super.refuse(refused);
    this.#counts.rejected += refused.length;
    for (const one of refused) if (one.duplicateOf !== undefined) this.#counts.duplicates++;
  }

  /** Recipients that the feeder may add now: 0 while it is paused, or far enough ahead. */
  get room(): number {
    return this.#lanes.isPaused ? 0 : Math.max(0, this.#aheadMax - this.outstanding);
  }

  /** Resolves when there may be room again, or `stop` is aborted. */
  async roomAhead(stop: AbortSignal): Promise<void> {
    while (this.room === 0 && !stop.aborted) {
      // Half: waking a feeder for each push that settles would make batches of one.
      this.#wakeAt = Math.floor(this.#aheadMax / 2);
      await this.#feeder.wait(stop);
    }
    this.#wakeAt = -1;
  }

  wakeFeeder(): void {
    this.#feeder.wakeAll();
  }

  /** Half of the door is for campaigns, in equal parts; one with a rate cap takes less. */
  get #aheadMax(): number {
    const { settings, campaigns } = this.#pipeline;
    const share = Math.floor(settings.limits.jobsMax / 2 / Math.max(1, campaigns.flowing));
    const perSecond = Math.min(settings.ratePerSecond, this.#lanes.perSecondMax);
    return Math.max(1, Math.min(share, Math.max(aheadMin, Math.ceil(perSecond * aheadSeconds))));
  }

  get #settledCount(): number {
    const { accepted, rejected, unregistered, abandoned } = this.#counts;
    return accepted + rejected + unregistered + abandoned;
  }
}
