// `errors-rare` for one connection: of each thousand replies, how many were refusals, and how many of those the client
// could have spared everybody because it had been told before.
import type { RefereeLimits } from './rules.ts';

export interface RefusalShare {
  readonly fault: string | null;
  readonly notice: string | null;
}

export class RefusalWindow {
  readonly #limits: RefereeLimits;
  #replies = 0;
  #accepted = 0;
  #refusals = 0;
  #repeats = 0;
  /** Of the last full window; null before the first. */
  #wasAtFault: boolean | null = null;

  constructor(limits: RefereeLimits) {
    this.#limits = limits;
  }

  /** Pushes were answered here, and next to none of them were to tokens that the client knew to be refused. */
  get keepsRepeatsOut(): boolean {
    if (this.#wasAtFault === null && this.#replies === 0) return false;
    return this.#wasAtFault !== true && this.#repeats * 100 <= this.#limits.repeatsMaxPercent * this.#replies;
  }

  /** Null until a window is full. `isRepeat`: the client knew that this token is refused. */
  replied(status: number, isRepeat: boolean): RefusalShare | null {
    const { refusalsWindowReplies, refusalsMaxPercent, repeatsMaxPercent } = this.#limits;
    // HNR: 410 is no error; 429 and 403 have rules of their own.
    const isRefusal = status >= 400 && status < 500 && status !== 410 && status !== 429 && status !== 403;
    this.#replies += 1;
    if (status === 200) this.#accepted += 1;
    if (isRefusal) this.#refusals += 1;
    if (isRefusal && isRepeat) this.#repeats += 1;
    if (this.#replies < refusalsWindowReplies) return null;
    // A connection of mostly refused pushes is a probation connection: nobody clean is slowed down there.
    const isMixed = this.#accepted * 2 > this.#replies;
    const share = {
      fault:
        isMixed && this.#repeats * 100 > repeatsMaxPercent * this.#replies
          ? `${this.#repeats} of ${this.#replies} replies refused tokens that had been refused before`
          : null,
      notice:
        isMixed && this.#refusals * 100 > refusalsMaxPercent * this.#replies
          ? `${this.#refusals} of ${this.#replies} replies were refusals`
          : null,
    };
    this.#wasAtFault = share.fault !== null;
    this.#replies = this.#accepted = this.#refusals = this.#repeats = 0;
    return share;
  }
}
