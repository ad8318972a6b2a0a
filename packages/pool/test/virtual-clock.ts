// Time that a test moves. Timers fire in order of their time; between two of them everything that is ready on the real
// event loop happens: promises, streams in memory, ends of turns.
import type { Clock, Timer } from '@carillon/pool';

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Rounds of the event loop in which streams in memory have passed on what they hold, both ways and back. */
const rounds = 12;

export class VirtualClock implements Clock {
  /** What the wall clock is ahead of the monotonic one; a test may step it. */
  wallOffsetMs = Date.UTC(2026, 0, 1);
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Planned>();

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.wallOffsetMs + this.#now;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    this.#order++;
    const planned: Planned = { at: this.#now + Math.max(0, delayMs), order: this.#order, fire };
    this.#timers.add(planned);
    return { cancel: () => this.#timers.delete(planned) };
  }

  endOfTurn(fire: () => void): void {
    setImmediate(fire);
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let round = 0; round < rounds; round++) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (let next = this.#next(until); next !== null; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await this.settle();
    }
    this.#now = until;
    await this.settle();
  }

  /** Time passes in which the event loop stands still: timers come late, and all at once. */
  async jump(ms: number): Promise<void> {
    this.#now += ms;
    const due = [...this.#timers].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at || a.order - b.order);
    for (const one of due) if (this.#timers.delete(one)) one.fire();
    await this.settle();
    await this.advance(1000);
  }

  #next(until: number): Planned | null {
    let first: Planned | null = null;
    for (const one of this.#timers) {
      if (one.at > until) continue;
      if (first === null || one.at < first.at || (one.at === first.at && one.order < first.order)) first = one;
    }
    return first;
  }
}
