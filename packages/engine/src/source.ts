/**
 * A source of pushes, and how often APNs refuses them: an app (for what is sent one by one), or one call of `sendAll` or
 * `sendBytes` with one app. Conduct `errors-rare`: refusals slow a connection down for all, so a source that is refused
 * too often travels on probation until it does better. Pure, and counts replies, not time.
 *
 *   clean ──more than 20 refusals in the last 1,000 replies──► dirty
 *     ▲                                                          │
 *     └───── 1,000 replies since, 10 refusals at most in them ───┘
 *
 * Apart from that it is stale while more than 100 of the last 1,000 replies said that the device is gone (then until 50 do):
 * that slows nothing down, but it has to yield to others.
 *
 * Costs a comparison and an increment a reply while nothing is refused; the window, a byte a reply, is made with the first
 * refusal.
 */
import { conductLimits } from '@carillon/apns';

const { refusalsWindowReplies, refusalsMaxPercent, refusalsReturnPercent, goneMaxPercent } = conductLimits;
const refusalsMax = (refusalsWindowReplies * refusalsMaxPercent) / 100;
const goneMax = (refusalsWindowReplies * goneMaxPercent) / 100;
const returnMax = (refusalsWindowReplies * refusalsReturnPercent) / 100;

/** For events. */
export type SourceKind = 'app' | 'call';

/** In the window. */
const Said = { accepted: 0, refused: 1, gone: 2 } as const;

export class Source {
  readonly kind: SourceKind;
  readonly app: string;
  isDirty: boolean;
  isStale = false;
  /** It is either. */
  isWatched: boolean;
  /** By reply, around. Null while nothing but acceptances came. */
  #window: Uint8Array | null = null;
  /** Where the next reply is noted: the oldest stands there. */
  #next = 0;
  /** Replies since the state changed, and refusals and gone devices among the last 1,000 of them. */
  #replies = 0;
  #refusals = 0;
  #gone = 0;
  /** Since the source began. */
  #repliesInAll = 0;
  #refusalsInAll = 0;

  constructor(kind: SourceKind, app: string, isDirty = false) {
    this.kind = kind;
    this.app = app;
    this.isDirty = isDirty;
    this.isWatched = isDirty;
  }

  /** How many of the last replies were refusals. */
  get share(): { readonly refusals: number; readonly replies: number } {
    return { refusals: this.#refusals, replies: Math.min(this.#replies, refusalsWindowReplies) };
  }

  /** APNs accepted one. True: the source is clean again, or stale no more. */
  accepted(): boolean {
    this.#replies++;
    this.#repliesInAll++;
    if (this.#refusals === 0 && this.#gone === 0 && !this.isDirty) return false;
    return this.#note(Said.accepted);
  }

  /** Its device is gone, which is no error (Apple). True as above, or it is stale from now on. */
  gone(): boolean {
    this.#replies++;
    this.#repliesInAll++;
    return this.#note(Said.gone);
  }

  /** APNs refused one. True: the source is clean or dirty from now on, and was not before. */
  refused(): boolean {
    this.#replies++;
    this.#repliesInAll++;
    this.#refusalsInAll++;
    return this.#note(Said.refused);
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

  #note(said: number): boolean {
    this.#window ??= new Uint8Array(refusalsWindowReplies);
    const forgotten = this.#window[this.#next];
    this.#window[this.#next] = said;
    this.#next = (this.#next + 1) % refusalsWindowReplies;
    this.#refusals += Number(said === Said.refused) - Number(forgotten === Said.refused);
    this.#gone += Number(said === Said.gone) - Number(forgotten === Said.gone);
    const hasChanged = this.#judgeRefusals() || this.#judgeGone();
    this.isWatched = this.isDirty || this.isStale;
    return hasChanged;
  }

  #judgeGone(): boolean {
    if (this.isStale ? this.#gone > goneMax / 2 : this.#gone <= goneMax) return false;
    this.isStale = !this.isStale;
    return true;
  }

  #judgeRefusals(): boolean {
    if (!this.isDirty) {
      if (this.#refusals <= refusalsMax) return false;
      this.isDirty = true;
      // It starts again: what it was refused before is not held against it twice.
      this.#window?.fill(Said.accepted);
      this.#refusals = 0;
      this.#gone = 0;
      this.isStale = false;
      this.#replies = 0;
      return true;
    }
    if (this.#replies < refusalsWindowReplies || this.#refusals > returnMax) return false;
    this.isDirty = false;
    return true;
  }
}
