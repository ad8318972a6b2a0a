/**
 * The lanes of a campaign: beside its app's, so that one notification to ten million devices and the one that somebody
 * waits for take turns, and that a pause of the campaign holds its own pushes and no others. Its rate cap is its own and
 * its app's together.
 */
import type { App } from './app.ts';
import { jointRate } from './joint-rate.ts';
import { Lane } from './lane.ts';
import type { Lanes } from './lane.ts';
import { rateCap } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

export class CampaignLanes implements Lanes {
  readonly lane: Lane;
  readonly probationLane: Lane;
  readonly #app: App;
  readonly #pipeline: Pipeline;
  #isPaused = false;

  /** `ratePerSecond` Infinity: no cap of its own. */
  constructor(app: App, ratePerSecond: number, pipeline: Pipeline) {
    const own = ratePerSecond === Infinity ? null : rateCap(ratePerSecond, pipeline.clock.now());
    const rate = jointRate(app.lane.rate, own);
    this.lane = new Lane(app.name, app.lane.weight, rate);
    this.probationLane = new Lane(app.name, app.lane.weight, rate);
    this.#app = app;
    this.#pipeline = pipeline;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Pushes a second at most, by the caps of campaign and app; Infinity: no cap. */
  get perSecondMax(): number {
    return this.lane.rate?.perSecond ?? Infinity;
  }

  /** Pushes come: the lanes take their turns from now on. */
  open(): void {
    this.#app.campaigns.add(this);
    this.#app.outlet.addLanes(this);
    this.look();
  }

  /** Nothing waits in them, and nothing comes any more. */
  close(): void {
    this.#app.campaigns.delete(this);
    this.#app.sentByCampaigns += this.lane.sent + this.probationLane.sent;
    this.#app.outlet.removeLanes(this);
    this.#pipeline.admission.takeBack(this);
  }

  /** What waits is held, and does not count at the door meanwhile: others have its room. */
  pause(): void {
    this.#isPaused = true;
    this.look();
  }

  resume(): void {
    this.#isPaused = false;
    this.look();
    this.#app.outlet.wake();
  }

  /** After a change here or of the app's own pause. */
  look(): void {
    const isPaused = this.#isPaused || this.#app.lane.isPaused;
    this.lane.isPaused = isPaused;
    this.probationLane.isPaused = isPaused;
    if (this.#isPaused) this.#pipeline.admission.setAside(this);
    else this.#pipeline.admission.takeBack(this);
  }
}
