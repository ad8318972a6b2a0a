// Events of the last so many milliseconds, counted up to a limit: memory is one number an event of the limit.

export class RecentEvents {
  readonly #windowMs: number;
  /** Times of the last `max` events; the slot at `#next` is the oldest. */
  readonly #at: Float64Array;
  #next = 0;

  constructor(max: number, windowMs: number) {
    this.#windowMs = windowMs;
    this.#at = new Float64Array(max).fill(Number.NEGATIVE_INFINITY);
  }

  /** Counts one. True: it is more than `max` within the window. */
  exceeds(now: number): boolean {
    const oldest = this.#at[this.#next];
    this.#at[this.#next] = now;
    this.#next = (this.#next + 1) % this.#at.length;
    return now - oldest < this.#windowMs;
  }
}
