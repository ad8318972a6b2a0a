/**
 * Whose turn it is among the lanes of a pool: deficit round robin. A lane keeps its turn for `weight` × 16 pushes, then
 * the next that has work goes on; an app that waits with ten pushes is served beside one that waits with a million.
 */
import type { Lane } from './lane.ts';

const pushesPerTurn = 16;

export class FairTurns {
  readonly #lanes: Lane[] = [];
  #turn = 0;
  #left = 0;
  /** Why `current` found none: lanes have work, but their rate caps hold it. */
  isRateBound = false;
  /** Since it was set to false a push had its turn that stale ones yield to. */
  hasFresh = false;

  add(lane: Lane): void {
    this.#lanes.push(lane);
  }

  remove(lane: Lane): void {
    const at = this.#lanes.indexOf(lane);
    if (at >= 0) this.#lanes.splice(at, 1);
    this.#turn = 0;
    this.#left = 0;
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  /** The lane that may send now; null when there is none. It keeps its turn until `spend` ends it. */
  current(now: number): Lane | null {
    const lanes = this.#lanes;
    const { length } = lanes;
    this.isRateBound = false;
    for (let tried = 0; tried <= length; tried++) {
      const lane = lanes[this.#turn];
      if (lane !== undefined && this.#left > 0 && lane.depth > 0 && !lane.isPaused) {
        if (lane.rate === null || lane.rate.has(now)) return lane;
        this.isRateBound = true;
      }
      this.#turn = this.#turn + 1 < length ? this.#turn + 1 : 0;
      this.#left = pushesPerTurn * (lanes[this.#turn]?.weight ?? 1);
    }
    return null;
  }

  /** The lane that had its turn sent one push. */
  spend(lane: Lane, now: number): void {
    this.#left--;
    lane.sent++;
    lane.rate?.tryTake(now);
  }
}
