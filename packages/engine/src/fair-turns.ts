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

  add(lane: Lane): void {
    this.#lanes.push(lane);
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  /** The lane that may send now; null when none has work or all are paused. It keeps its turn until `spend` ends it. */
  current(): Lane | null {
    const lanes = this.#lanes;
    const { length } = lanes;
    for (let tried = 0; tried <= length; tried++) {
      const lane = lanes[this.#turn];
      if (lane !== undefined && this.#left > 0 && lane.depth > 0 && !lane.isPaused) return lane;
      this.#turn = this.#turn + 1 < length ? this.#turn + 1 : 0;
      this.#left = pushesPerTurn * (lanes[this.#turn]?.weight ?? 1);
    }
    return null;
  }

  spend(): void {
    this.#left--;
  }
}
