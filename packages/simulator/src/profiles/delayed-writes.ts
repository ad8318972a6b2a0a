// Writes that go out later, each by the same time, in order: a gateway that thinks about every reply equally long.
import type { SlabWriter } from '../http2-server/slab-outbox.ts';
import type { SimulatorClock } from '../seams.ts';

interface Held {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

export class DelayedWrites {
  readonly #delayMs: number;
  readonly #clock: SimulatorClock;
  readonly #write: SlabWriter;
  #held: Held[] = [];
  #isTimerSet = false;

  constructor(delayMs: number, clock: SimulatorClock, write: SlabWriter) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#write = write;
  }

  /** Copies: what is held is some hundred octets of a slab that is wanted back at once. */
  readonly write: SlabWriter = (bytes, done) => {
    this.#held.push({ bytes: Buffer.from(bytes), dueAt: this.#clock.epochMs() + this.#delayMs });
    done();
    if (!this.#isTimerSet) this.#wakeAfter(this.#delayMs);
  };

  #wakeAfter(delayMs: number): void {
    this.#isTimerSet = true;
    this.#clock.setTimer(delayMs, () => {
      this.#isTimerSet = false;
      this.#writeDue(this.#clock.epochMs());
    });
  }

  #writeDue(now: number): void {
    const count = this.#held.findIndex(({ dueAt }) => dueAt > now);
    const due = count < 0 ? this.#held : this.#held.slice(0, count);
    this.#held = count < 0 ? [] : this.#held.slice(count);
    for (const { bytes } of due) this.#write(bytes, () => undefined);
    const [next] = this.#held;
    if (next !== undefined) this.#wakeAfter(Math.max(1, next.dueAt - now));
  }
}
