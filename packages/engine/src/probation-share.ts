/**
 * How much of what the engine sends may be on probation: all it likes while it is alone, and a small share while clean
 * pushes wait for their turn, so that those are not slowed by what is not worth it (conduct `errors-rare`). One for all
 * outlets: they share this thread and the way out. Never nothing: probation goes on, however busy the engine is. Pure;
 * time is an argument.
 *
 *   clean pushes sent ──6 in 100──► credit ──one each──► probation
 *   time ────────────50 a second──────▲
 */
import { conductLimits } from '@carillon/apns';

/** A clean push that waited for its turn so lately: clean pushes wait. Two round trips to anywhere on earth. */
const busyForMs = 500;
/** Goes on at this rate though clean pushes take all there is: a guess, 0.1 % of what a busy engine sends. */
const perSecondMin = 50;
/** Of credit: some milliseconds of a busy engine. */
const creditMax = 128;

export class ProbationShare {
  #credit = creditMax;
  /** Monotonic ms up to which time was given for. */
  #at = -Infinity;
  /** Monotonic ms at which clean pushes last were left waiting. */
  #busyAt = -Infinity;

  /** So many clean pushes went out in a turn; `isBusy`: others wait for the next, and not only stale ones. */
  cleanSent(sent: number, isBusy: boolean, now: number): void {
    if (isBusy) this.#busyAt = now;
    this.#credit = Math.min(creditMax, this.#credit + (sent * conductLimits.probationShareMaxPercent) / 100);
  }

  /** A source went on probation: what waited may have been its own. */
  lookAgain(): void {
    this.#busyAt = -Infinity;
  }

  /** Clean pushes wait for their turn. */
  isBusy(now: number): boolean {
    return now - this.#busyAt <= busyForMs;
  }

  /** How many pushes may go on probation now. */
  room(now: number): number {
    if (!this.isBusy(now)) return Infinity;
    if (now > this.#at) {
      const elapsedMs = Math.min(now - this.#at, busyForMs);
      this.#credit = Math.min(creditMax, this.#credit + (elapsedMs / 1000) * perSecondMin);
      this.#at = now;
    }
    return Math.floor(this.#credit);
  }

  /** So many went. */
  sent(count: number): void {
    this.#credit = Math.max(0, this.#credit - count);
  }
}
