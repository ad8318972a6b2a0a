/**
 * How much is fed in one turn of the event loop. Half of `jobsMax` may be wanted at once; to prepare and route that takes
 * 20 ms, in which no answer is read and no stream is opened. Shared by all calls. Owner: the pipeline.
 */
import type { Clock } from '@carillon/pool';

/** 512: about a millisecond. A turn costs some microseconds, so that fewer would show, and more add to every latency. */
const jobsPerTurn = 512;

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
