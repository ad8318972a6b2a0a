/**
 * A circuit breaker: after so many refusals in a row nothing passes for a while, then one probe, whose answer decides.
 * Pure; time is an argument.
 *
 *   closed ──refusalsMax in a row──► open(until) ──time──► half-open ──refused──► open, longer
 *      ▲                                                       │
 *      └───────────────────── any success ◄────────────────────┘
 */
import type { Random } from '@carillon/pool';

export interface BreakerLimits {
  /** Refusals in a row that open it. */
  readonly refusalsMax: number;
  /** First wait; it doubles up to `capMs`, each with full jitter. */
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * 10: so many 5xx in a row are no accident on a connection with hundreds in flight. 4 s: recovery is noticed within 5 s
 * (fault C1), at the price of one push in four seconds.
 */
export const gatewayBreaker: BreakerLimits = { refusalsMax: 10, baseMs: 500, capMs: 4000 };

/** 60 s: a topic that a credential may not use stays so until a person acts. */
export const topicBreaker: BreakerLimits = { refusalsMax: 5, baseMs: 5000, capMs: 60_000 };

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #limits: BreakerLimits;
  readonly #random: Random;
  #state: BreakerState = 'closed';
  #refusals = 0;
  #openings = 0;
  /** Monotonic ms at which an open breaker lets a probe through, and at which a probe that is out counts as lost. */
  #until = 0;
  /** Half-open: the probe is under way. */
  #isProbeOut = false;

  constructor(limits: BreakerLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** When to look again, while `room` is 0. */
  get until(): number {
    return this.#until;
  }

  /** How many pushes may pass now: all, one as a probe, or none. */
  room(now: number): number {
    if (this.#state === 'closed') return Infinity;
    if (this.#state === 'open') {
      if (now < this.#until) return 0;
      this.#state = 'half-open';
      this.#isProbeOut = false;
    }
    // A probe that was never answered (its connection died) must not keep the breaker half-open for ever.
    if (this.#isProbeOut && now >= this.#until) this.#isProbeOut = false;
    return this.#isProbeOut ? 0 : 1;
  }

  /** A push passed. */
  passed(now: number): void {
    if (this.#state !== 'half-open') return;
    this.#isProbeOut = true;
    this.#until = now + this.#limits.capMs;
  }

  succeeded(): void {
    this.#state = 'closed';
    this.#refusals = 0;
    this.#openings = 0;
    this.#isProbeOut = false;
  }

  /** True when this opened it. */
  refused(now: number): boolean {
    this.#refusals++;
    if (this.#state === 'open') return false;
    if (this.#state === 'closed' && this.#refusals < this.#limits.refusalsMax) return false;
    const wasClosed = this.#state === 'closed';
    this.#open(now);
    return wasClosed;
  }

  #open(now: number): void {
    const { baseMs, capMs } = this.#limits;
    const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(20, this.#openings));
    this.#openings++;
    this.#state = 'open';
    // Full jitter, but never at once: a tenth at least.
    this.#until = now + ceiling * (0.1 + 0.9 * this.#random.next());
  }
}
