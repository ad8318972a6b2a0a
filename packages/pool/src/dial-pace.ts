/**
 * How fast dials may begin: at most `intervalCap` in any `intervalMs`. Counts on monotonic time that the caller gives, so
 * a wall clock that steps holds nothing up.
 */
export class DialPace {
  readonly #intervalMs: number;
  /** When the last `intervalCap` dials began; the slot at `#next` is the oldest, and the next to be written. */
  readonly #beganAt: Float64Array;
  #next = 0;

  constructor(intervalCap: number, intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#beganAt = new Float64Array(intervalCap).fill(-Infinity);
  }

  /** When the next dial may begin; not after `now` when that is at once. */
  readyAt(): number {
    return this.#beganAt[this.#next] + this.#intervalMs;
  }

  /** One begins now. */
  note(now: number): void {
    this.#beganAt[this.#next] = now;
    this.#next = (this.#next + 1) % this.#beganAt.length;
  }
}
