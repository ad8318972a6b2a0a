/**
 * What is in preparation in worker threads, over all calls: how many batches and how many bytes of lines. Owner: the
 * engine. Full: feeders wait, and pull no more from their sources. What is prepared at once is never counted here.
 */
import type { PreparedBatch } from '@carillon/payload';
import type { Admission } from './admission.ts';
import type { EngineLimits } from './limits.ts';
import { WaitingRoom } from './waiting-room.ts';

export class Preparation {
  readonly #limits: EngineLimits;
  readonly #admission: Admission;
  readonly #feeders = new WaitingRoom();
  #batches = 0;
  #bytes = 0;

  constructor(limits: EngineLimits, admission: Admission) {
    this.#limits = limits;
    this.#admission = admission;
  }

  get batches(): number {
    return this.#batches;
  }

  get isFull(): boolean {
    return this.#batches >= this.#limits.preparingMax || this.#bytes >= this.#limits.preparingBytesMax;
  }

  /** Counts a batch until it is prepared and `admit` has had it. Its jobs have their room at the door meanwhile. */
  async add(
    prepared: Promise<PreparedBatch>,
    lines: number,
    bytes: number,
    admit: (batch: PreparedBatch) => void,
  ): Promise<void> {
    this.#batches++;
    this.#bytes += bytes;
    this.#admission.reserve(lines, bytes);
    try {
      admit(await prepared);
    } finally {
      this.#batches--;
      this.#bytes -= bytes;
      this.#admission.unreserve(lines, bytes);
      this.#feeders.wakeAll();
    }
  }

  /** Resolves when there may be room, or `signal` is aborted. */
  room(signal: AbortSignal): Promise<void> {
    return this.#feeders.wait(signal);
  }
}
