// How much work the gateway can do at once, over all its connections: so many requests are served side by side, the others
// wait in one queue, and above a bound more are refused. Pure; time is an argument.
//
//   arrive ──► fewer than `atOnce` in hand: served for `serviceMs`
//          ──► else: begins when the one `atOnce` places before it is done, so the answers to n requests take n ÷ atOnce
//          ──► `refusesAbove` in hand: refused
import type { LoadOptions } from '../simulator-options.ts';

export class LoadQueue {
  #options: LoadOptions;
  /** When each request in hand will have been served, soonest first; those before `#first` are done. */
  #dues: number[] = [];
  #first = 0;
  /** The most that were in hand at once. */
  peak = 0;
  refused = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** From now on. Those in hand keep their time, and nobody overtakes them. */
  change(options: Partial<LoadOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  get options(): LoadOptions {
    return this.#options;
  }

  inHand(now: number): number {
    const dues = this.#dues;
    while (this.#first < dues.length && dues[this.#first] <= now) this.#first++;
    // Half of it is over: then moving the rest costs no more than what was taken out.
    if (this.#first * 2 > dues.length) {
      dues.splice(0, this.#first);
      this.#first = 0;
    }
    return dues.length - this.#first;
  }

  /** A request has come: for how long it waits and is served, ms. Null: it is refused. */
  arrive(now: number): number | null {
    const { atOnce, serviceMs, refusesAbove = Infinity } = this.#options;
    const inHand = this.inHand(now);
    if (inHand >= refusesAbove) {
      this.refused += 1;
      return null;
    }
    const dues = this.#dues;
    const begins = inHand < atOnce ? now : dues[dues.length - atOnce];
    const due = Math.max(begins + serviceMs, dues.at(-1) ?? 0);
    dues.push(due);
    this.peak = Math.max(this.peak, inHand + 1);
    return due - now;
  }
}
