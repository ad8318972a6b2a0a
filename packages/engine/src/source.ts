/**
 * A source of pushes, and how often APNs refuses them: an app (for what is sent one by one), or one call of `sendAll` or
 * `sendBytes` with one app. Conduct `errors-rare`: refusals slow a connection down for all, so a source that is refused
 * too often travels on probation until it does better. Pure, and counts replies, not time.
 *
 *   clean ──more than 20 refusals in the last 1,000 replies──► dirty
 *     ▲                                                          │
 *     └───── 1,000 replies since, 10 refusals at most in them ───┘
 *
 * Costs a comparison and an increment a reply while nothing is refused; the window, a byte a reply, is made with the first
 * refusal.
 */
import { conductLimits } from '@carillon/apns';

const { refusalsWindowReplies, refusalsMaxPercent, refusalsReturnPercent } = conductLimits;
const refusalsMax = (refusalsWindowReplies * refusalsMaxPercent) / 100;
const returnMax = (refusalsWindowReplies * refusalsReturnPercent) / 100;

/** Why a source has to tell what it is: for events. */
export type SourceKind = 'app' | 'call';

export class Source {
  readonly kind: SourceKind;
  readonly app: string;
  isDirty: boolean;
  /** By reply, around: 1 is a refusal. Null while there is none in the window. */
  #window: Uint8Array | null = null;
  /** Where the next reply is noted: the oldest stands there. */
  #next = 0;
  /** Replies since the state changed, and refusals among the last 1,000 of them. */
  #replies = 0;
  #refusals = 0;
  /** Since the source began. */
  #repliesInAll = 0;
  #refusalsInAll = 0;

  constructor(kind: SourceKind, app: string, isDirty = false) {
    this.kind = kind;
    this.app = app;
    this.isDirty = isDirty;
  }

  /** How many of the last replies were refusals. */
  get share(): { readonly refusals: number; readonly replies: number } {
    return { refusals: this.#refusals, replies: Math.min(this.#replies, refusalsWindowReplies) };
  }

  /** APNs accepted one, or said that its device is gone, which is no error (Apple). True: the source is clean again. */
  accepted(): boolean {
    this.#replies++;
    this.#repliesInAll++;
    if (this.#refusals === 0 && !this.isDirty) return false;
    return this.#note(0);
  }

  /** APNs refused one. True: the source is clean or dirty from now on, and was not before. */
  refused(): boolean {
    this.#replies++;
    this.#repliesInAll++;
    this.#refusalsInAll++;
    return this.#note(1);
  }

  /**
   * A call is over: its app hears how it went. Half of what makes dirty at most: one bad call does not put everything on
   * probation that its app sends, three in a row do. True: the app's state changed.
   */
  foldInto(app: Source): boolean {
    if (this.#repliesInAll === 0) return false;
    const replies = Math.min(this.#repliesInAll, refusalsWindowReplies);
    const share = this.#refusalsInAll / this.#repliesInAll;
    const refusals = Math.min(Math.round(replies * share), returnMax);
    let hasChanged = false;
    for (let reply = 0; reply < replies; reply++) {
      // Evenly spread: the window forgets them as it would have.
      const isRefusal = Math.floor(((reply + 1) * refusals) / replies) > Math.floor((reply * refusals) / replies);
      if (isRefusal ? app.refused() : app.accepted()) hasChanged = !hasChanged;
    }
    return hasChanged;
  }

  #note(refusal: 0 | 1): boolean {
    this.#window ??= new Uint8Array(refusalsWindowReplies);
    this.#refusals += refusal - this.#window[this.#next];
    this.#window[this.#next] = refusal;
    this.#next = (this.#next + 1) % refusalsWindowReplies;
    if (!this.isDirty) {
      if (this.#refusals <= refusalsMax) return false;
      this.isDirty = true;
      // It starts again: what it was refused before is not held against it twice.
      this.#window.fill(0);
      this.#refusals = 0;
      this.#replies = 0;
      return true;
    }
    if (this.#replies < refusalsWindowReplies || this.#refusals > returnMax) return false;
    this.isDirty = false;
    return true;
  }
}
