// When to PING, and when to call the peer dead (design.md `pings-sparing`).
//
//              idle                                     streams open
//   last byte ──60 s──▶ PING ──10 s──▶ dead   last byte ──2.5 s──▶ PING ──2.5 s──▶ dead
//
// Any byte from the peer ends the silence. A silence also begins anew when the first stream opens, for an idle peer had
// nothing to say. One PING a silence.
import type { SessionLimits } from './session-options.ts';

export type KeepAliveLimits = Pick<
  SessionLimits,
  'idlePingMs' | 'idleDeadMs' | 'firstUsePingMs' | 'busyPingMs' | 'busyDeadMs'
>;

export class KeepAlive {
  readonly #limits: KeepAliveLimits;
  #lastByteAt = 0;
  #silentSince = 0;
  /** When the PING of this silence went; NaN while there is none. */
  #pingAt = NaN;

  constructor(limits: KeepAliveLimits) {
    this.#limits = limits;
  }

  noteBytes(now: number): void {
    this.#lastByteAt = now;
    this.#silentSince = now;
    this.#pingAt = NaN;
  }

  /** The first stream opens. True when a PING should go alongside: the connection lay unused for long. */
  noteFirstUse(now: number): boolean {
    this.#silentSince = now;
    return Number.isNaN(this.#pingAt) && now - this.#lastByteAt >= this.#limits.firstUsePingMs;
  }

  notePing(now: number): void {
    this.#pingAt = now;
  }

  /** A PING of this silence is out and unanswered. */
  get isPingOut(): boolean {
    return !Number.isNaN(this.#pingAt);
  }

  /** The time at which `judge` has something to say. */
  dueAt(isBusy: boolean): number {
    const { idlePingMs, idleDeadMs, busyPingMs, busyDeadMs } = this.#limits;
    if (Number.isNaN(this.#pingAt)) return this.#silentSince + (isBusy ? busyPingMs : idlePingMs);
    if (!isBusy) return this.#pingAt + idleDeadMs;
    return Math.max(this.#silentSince + busyPingMs + busyDeadMs, this.#pingAt + busyDeadMs);
  }

  judge(isBusy: boolean, now: number): 'fine' | 'ping' | 'dead' {
    if (now < this.dueAt(isBusy)) return 'fine';
    return Number.isNaN(this.#pingAt) ? 'ping' : 'dead';
  }

  /** Time in which our own event loop stood still is no silence of the peer's. */
  shift(ms: number): void {
    this.#silentSince += ms;
    this.#pingAt += ms;
  }
}
