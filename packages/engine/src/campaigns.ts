/** The campaigns under way: what they share is half of the door. Owner: the pipeline. */
import type { CampaignRun } from './campaign-run.ts';

export class Campaigns {
  /** Of each, whether it is paused. */
  readonly #runs = new Map<CampaignRun, boolean>();

  /** Those that are not paused. */
  get flowing(): number {
    let flowing = 0;
    for (const isPaused of this.#runs.values()) if (!isPaused) flowing++;
    return flowing;
  }

  set(run: CampaignRun, isPaused: boolean): void {
    this.#runs.set(run, isPaused);
    this.#wakeAll();
  }

  delete(run: CampaignRun): void {
    this.#runs.delete(run);
    this.#wakeAll();
  }

  /** The others may have more room now. */
  #wakeAll(): void {
    for (const run of this.#runs.keys()) run.wakeFeeder();
  }
}
