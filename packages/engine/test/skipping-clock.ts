/** The machine's clock, which a test may set ahead: timers that are due by then fire at once, in their order. */
import { systemClock } from '@carillon/pool';
import type { Clock, Timer } from '@carillon/pool';

interface Planned {
  readonly at: number;
  readonly fire: () => void;
}

export class SkippingClock implements Clock {
  #aheadMs = 0;
  /** Each with the timer of the machine that fires it when nobody skips. */
  readonly #planned = new Map<Planned, Timer>();

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  epochMs(): number {
    return systemClock.epochMs() + this.#aheadMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const planned = { at: this.now() + delayMs, fire };
    this.#planned.set(
      planned,
      systemClock.setTimer(delayMs, () => this.#fire(planned)),
    );
    return { cancel: () => this.#take(planned) };
  }

  endOfTurn(fire: () => void): void {
    systemClock.endOfTurn(fire);
  }

  skip(byMs: number): void {
    this.#aheadMs += byMs;
    const now = this.now();
    const due = [...this.#planned.keys()].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
    for (const planned of due) this.#fire(planned);
  }

  #fire(planned: Planned): void {
    if (this.#take(planned)) planned.fire();
  }

  #take(planned: Planned): boolean {
    this.#planned.get(planned)?.cancel();
    return this.#planned.delete(planned);
  }
}
