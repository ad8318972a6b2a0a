/**
 * How much is fed in one turn of the event loop. Half of `jobsMax` may be wanted at once; to prepare and route that takes
 * 20 ms, in which no answer is read and no stream is opened. Shared by all calls. Owner: the pipeline.
 */
import type { Clock } from '@carillon/pool';

/** 2048: three milliseconds of lines. At 512 the engine takes 0.07 µs more a push, for smaller writes, and is no prompter. */
const jobsPerTurn = 2048;

export class FeedTurns {
  readonly #clock: Clock;
  #left = jobsPerTurn;
  #next: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** So many jobs were taken in. */
  spend(jobs: number): void {
    this.#left -= jobs;
  }

  /** Null: go on. Else the next turn, after the input that is already there was handled. */
  next(): Promise<void> | null {
    if (this.#left > 0) return null;
    this.#next ??= new Promise((resolve) => {
      this.#clock.endOfTurn(() => {
        this.#left = jobsPerTurn;
        this.#next = null;
        resolve();
      });
    });
    return this.#next;
  }
}
