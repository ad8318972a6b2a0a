/**
 * How many a second, lately: a count that only rises, looked at now and then, as a mean that forgets. After 5 s a change
 * is two thirds of the way into it. Looking costs nothing on the hot path; time is an argument.
 */
const forgetsInMs = 5000;
/** Looks closer together than this are one: a burst of a few ms is no rate. */
const lookEveryMs = 500;

export class RateMeter {
  #at = NaN;
  #count = 0;
  #perSecond = 0;

  /** `count`: all so far. `now`: monotonic ms. */
  look(count: number, now: number): void {
    if (Number.isNaN(this.#at)) {
      this.#at = now;
      this.#count = count;
      return;
    }
    const elapsedMs = now - this.#at;
    if (elapsedMs < lookEveryMs) return;
    const perSecond = ((count - this.#count) / elapsedMs) * 1000;
    this.#perSecond += (perSecond - this.#perSecond) * (1 - Math.exp(-elapsedMs / forgetsInMs));
    this.#at = now;
    this.#count = count;
  }

  get perSecond(): number {
    return this.#perSecond;
  }
}
