/**
 * Probation (conduct `errors-rare`): APNs slows a connection down whose pushes it refuses, so those that it is likely to
 * refuse travel on a connection of their own: pushes of suspects, and of sources that are dirty. Those of a source that is
 * only stale go there while others wait. This decides which, when a push is routed and again when its turn comes, and keeps
 * the books: what is on probation is counted apart at the door. While nothing is suspect it costs three comparisons a push.
 */
import { conductLimits } from '@carillon/apns';
import type { Clock } from '@carillon/pool';
import type { Admission } from './admission.ts';
import { notedOf } from './device-ledger.ts';
import type { LedgerPage } from './device-ledger.ts';
import type { EngineEvent } from './events.ts';
import { ProbationShare } from './probation-share.ts';
import { giveOwnArena } from './own-arena.ts';
import { Standing } from './push.ts';
import type { Push, StandingCode } from './push.ts';
import type { Source } from './source.ts';

const { suspectForMs, refusalsReturnPercent, goneMaxPercent } = conductLimits;

export class Probation {
  readonly share: ProbationShare = new ProbationShare();
  readonly #suspects: LedgerPage;
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #emit: (event: EngineEvent) => void;

  constructor(suspects: LedgerPage, admission: Admission, clock: Clock, emit: (event: EngineEvent) => void) {
    this.#suspects = suspects;
    this.#admission = admission;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Its standing may be, or become, another than clean: worth a look. The common case is a few comparisons, and false. */
  concerns(push: Push): boolean {
    return push.source.isWatched || push.standing !== Standing.clean || this.#suspects.size > 0;
  }

  standingOf(push: Push): StandingCode {
    if (this.#suspects.size > 0 && this.#isSuspect(push)) return Standing.suspect;
    return this.isOn(push.source) ? Standing.dirty : Standing.clean;
  }

  /** What the source sends travels on probation now. */
  isOn(source: Source): boolean {
    return source.isDirty || (source.isStale && this.share.isBusy(this.#clock.now()));
  }

  /** Writes down how `push` travels from now on, and what that changes in the books. */
  place(push: Push): void {
    const standing = this.standingOf(push);
    const wasClean = push.standing === Standing.clean;
    push.standing = standing;
    if (standing === Standing.clean) {
      if (!wasClean) this.#comeBack(push);
    } else if (wasClean) this.#putOn(push);
  }

  /** `push` is settled while it is on probation. */
  left(): void {
    this.#admission.moveToProbation(-1, 0);
  }

  /** An arena whose bytes are counted with what is on probation is let go. */
  letGo(bytes: number): void {
    this.#admission.moveToProbation(0, -bytes);
  }

  accepted(push: Push): void {
    if (push.standing === Standing.suspect) this.#forgive(push);
    // What a suspect does says nothing of its source, either way.
    else if (push.source.accepted()) this.#report(push.source, push.head.app.outlet.endpoint);
  }

  /** APNs refused it for good, or said that its device is gone. */
  refused(push: Push, isGone: boolean): void {
    const { standing, source, head } = push;
    if (standing === Standing.suspect) return;
    if (isGone ? source.gone() : source.refused()) this.#report(source, head.app.outlet.endpoint);
  }

  /** Its device token is refused: from now on, for a day, it travels on probation. */
  suspect({ head, arena, at }: Push): void {
    // Of a broadcast: it has no device.
    if (head.isBroadcast) return;
    this.#suspects.set(head.scope, arena.token(at), this.#clock.epochMs() + suspectForMs);
  }

  /** The device registered at `at`, EpochMs: what was noted up to then no longer holds. */
  registered(scope: string, token: string, at: number): void {
    this.#suspects.deleteBefore(scope, token, at + suspectForMs + 1);
  }

  /** A call has ended: its app hears how it went. */
  ended(source: Source, app: Source, endpoint: string): void {
    if (source.foldInto(app)) this.#report(app, endpoint);
  }

  /** Forgets what is over. */
  tidy(): void {
    if (this.#suspects.size > 0) this.#suspects.forgetUntil?.(this.#clock.epochMs());
  }

  #isSuspect(push: Push): boolean {
    const until = notedOf(this.#suspects, push);
    return until !== null && until > this.#clock.epochMs();
  }

  #forgive({ head, arena, at }: Push): void {
    this.#suspects.deleteBefore(head.scope, arena.token(at), Infinity);
  }

  /** Its bytes go with it: a whole batch if it is of one source, and one that is dirty; else its own alone. */
  #putOn(push: Push): void {
    this.#admission.moveToProbation(1, 0);
    const { arena } = push;
    if (arena.isOnProbation) return;
    if (arena.isOfOne || (push.standing === Standing.dirty && arena.source === push.source)) {
      arena.isOnProbation = true;
      this.#admission.moveToProbation(0, arena.heldBytes);
      return;
    }
    giveOwnArena(push, true, this.#admission);
  }

  #comeBack({ arena }: Push): void {
    this.#admission.moveToProbation(-1, 0);
    if (!arena.isOnProbation) return;
    arena.isOnProbation = false;
    this.#admission.moveToProbation(0, -arena.heldBytes);
  }

  #report(source: Source, endpoint: string): void {
    const { app, kind, isDirty, isStale } = source;
    const what = kind === 'app' ? `app ${app}` : `a call of app ${app}`;
    const isOn = isDirty || isStale;
    let message = `${what} is hardly refused any more; its pushes travel with the others again`;
    if (isStale)
      message = `more than ${goneMaxPercent} % of the devices of ${what} are gone; while others wait its pushes let them go first`;
    if (isDirty)
      message = `too many pushes of ${what} are refused; they travel on a connection of their own until no more than ${refusalsReturnPercent} % are`;
    this.#emit({ kind: 'probation', endpoint, app, source: kind, isOn, message });
    if (isOn) this.share.lookAgain();
    // Its feeder may wait at the door for dirty sources.
    else this.#admission.wakeAll();
  }
}
