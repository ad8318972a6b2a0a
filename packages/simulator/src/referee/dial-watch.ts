// `connections-steady` for one source (an address): how often it dials, how soon it gives connections up, and what it
// does while the gateway serves nobody. What the gateway ended by itself excuses one dial.
import { RecentEvents } from './recent-events.ts';
import type { RefereeLimits } from './rules.ts';

/** Excuses a source can hold: a gateway that sends a thousand GOAWAYs at once gets a thousand replacements. */
const excusesMax = 1_000;
/** Pauses below it are no pauses; timers are this inexact. */
const pauseMsMin = 20;
const timerMs = 4;

export class DialWatch {
  readonly #limits: RefereeLimits;
  readonly #unprovoked: RecentEvents;
  readonly #shortLives: RecentEvents;
  readonly #refused: RecentEvents;
  #excuses = 0;
  /** Connections in a row that ended by the gateway's doing and without a reply. */
  #barren = 0;
  #barrenAt: number | null = null;
  /** From the end of a barren connection to the next dial, the latest last. */
  readonly #pauses: number[] = [];

  constructor(limits: RefereeLimits) {
    this.#limits = limits;
    this.#unprovoked = new RecentEvents(limits.dialsMax, limits.dialsWindowMs);
    this.#shortLives = new RecentEvents(limits.shortLivesMax, limits.shortLivesWindowMs);
    this.#refused = new RecentEvents(limits.refusedDialsMax, limits.refusedDialsWindowMs);
  }

  /** What is wrong with this dial; null: nothing. */
  dialed(now: number): string | null {
    const pauseFault = this.#pauseFault(now);
    const isRefused = this.#barren >= this.#limits.barrenStreakMin && this.#refused.exceeds(now);
    const isUnprovoked = !this.#takeExcuse() && this.#unprovoked.exceeds(now);
    if (isRefused) {
      return `more than ${this.#limits.refusedDialsMax} dials in ${this.#limits.refusedDialsWindowMs} ms while none was served`;
    }
    if (isUnprovoked) return `more than ${this.#limits.dialsMax} dials in ${this.#limits.dialsWindowMs} ms`;
    return pauseFault;
  }

  /** The gateway ended a connection, or is about to, or spoiled it. */
  excuse(): void {
    this.#excuses = Math.min(excusesMax, this.#excuses + 1);
  }

  served(): void {
    this.#barren = 0;
    this.#barrenAt = null;
    this.#pauses.length = 0;
  }

  /** What is wrong with this end; null: nothing. */
  ended(
    end: { readonly lifeMs: number; readonly isExcused: boolean; readonly wasServed: boolean },
    now: number,
  ): string | null {
    if (end.isExcused) {
      if (end.wasServed) return null;
      this.#barren += 1;
      this.#barrenAt = now;
      return null;
    }
    if (end.lifeMs >= this.#limits.shortLifeMs || !this.#shortLives.exceeds(now)) return null;
    const { shortLivesMax, shortLifeMs, shortLivesWindowMs } = this.#limits;
    return `more than ${shortLivesMax} connections given up within ${shortLifeMs} ms in ${shortLivesWindowMs} ms`;
  }

  #takeExcuse(): boolean {
    if (this.#excuses === 0) return false;
    this.#excuses -= 1;
    return true;
  }

  #pauseFault(now: number): string | null {
    if (this.#barrenAt === null) return null;
    const pauses = this.#pauses;
    pauses.push(now - this.#barrenAt);
    this.#barrenAt = null;
    const { evenPausesMin, doublingPausesMin } = this.#limits;
    if (pauses.length > Math.max(evenPausesMin, doublingPausesMin)) pauses.shift();
    const fault = areEven(pauses.slice(-evenPausesMin), evenPausesMin)
      ? `the last ${evenPausesMin} pauses before a dial were alike (${Math.round(pauses.at(-1) ?? 0)} ms): no jitter`
      : areDoubling(pauses.slice(-doublingPausesMin), doublingPausesMin)
        ? `the last ${doublingPausesMin} pauses before a dial doubled exactly: no jitter`
        : null;
    if (fault !== null) pauses.length = 0; // one fault for so many pauses
    return fault;
  }
}

function areEven(pauses: readonly number[], min: number): boolean {
  if (pauses.length < min) return false;
  const shortest = Math.min(...pauses);
  const longest = Math.max(...pauses);
  return shortest >= pauseMsMin && longest - shortest <= timerMs + longest * 0.05;
}

/** 1 s, 2 s, 4 s …: whoever was refused together comes back together. */
function areDoubling(pauses: readonly number[], min: number): boolean {
  if (pauses.length < min || pauses[0] < pauseMsMin) return false;
  return pauses.every((pause, at) => at === 0 || Math.abs(pause - 2 * pauses[at - 1]) <= 2 * timerMs + pause * 0.05);
}
