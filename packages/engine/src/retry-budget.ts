/**
 * Conduct `retries-budgeted`: retries leave at a tenth of the rate at which jobs come in, and at least ten a second, so
 * that a gateway in trouble is not given more to do because it is in trouble. The budget paces; it ends no job. Resends
 * of what was surely not processed are outside it.
 */

/** Google SRE: a tenth of first attempts. */
const share = 0.1;
const perSecondMin = 10;
/** What a quiet time may save up: the pushes of one lost connection (1000 streams) go out again at once. */
const burst = 1000;

export class RetryBudget {
  #credit = burst;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  admitted(jobs: number): void {
    this.#credit = Math.min(burst, this.#credit + jobs * share);
  }

  tryTake(now: number): boolean {
    if (now > this.#at) {
      this.#credit = Math.min(burst, this.#credit + ((now - this.#at) / 1000) * perSecondMin);
      this.#at = now;
    }
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }
}
