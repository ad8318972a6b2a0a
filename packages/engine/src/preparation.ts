/**
 * What is in preparation in worker threads, over all calls: how many batches and how many bytes of lines. Owner: the
 * engine. Full: feeders wait, and pull no more from their sources. What is prepared at once is never counted here.
 * No preparer is waited for without end: a batch that does not come back is given up, and its call is told of its lines.
 */
import type { PreparedBatch } from '@carillon/payload';
import type { Clock, Timer } from '@carillon/pool';
import type { Admission } from './admission.ts';
import type { EngineLimits } from './limits.ts';
import { WaitingRoom } from './waiting-room.ts';

/**
 * A batch takes some milliseconds. Worker threads that die of it are tried again with halves of it, 5 s each, down to
 * the line that kills them: that comes to an end within 80 s.
 */
const preparedWithinMs = 120_000;

/** Says after how long it was given up. */
type GiveUp = (afterMs: number) => void;

export class Preparation {
  readonly #limits: EngineLimits;
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #feeders = new WaitingRoom();
  /** Of each batch the timer that gives it up. */
  readonly #awaited = new Map<GiveUp, Timer>();
  #bytes = 0;

  constructor(limits: EngineLimits, admission: Admission, clock: Clock) {
    this.#limits = limits;
    this.#admission = admission;
    this.#clock = clock;
  }

  get batches(): number {
    return this.#awaited.size;
  }

  get isFull(): boolean {
    return this.batches >= this.#limits.preparingMax || this.#bytes >= this.#limits.preparingBytesMax;
  }

  /**
   * Counts a batch until it is prepared and `admit` has had it. Its jobs have their room at the door meanwhile. Rejects
   * with what the preparer failed with, or because it did not answer; what it still brings then goes nowhere.
   */
  async add(
    prepared: Promise<PreparedBatch>,
    lines: number,
    bytes: number,
    admit: (batch: PreparedBatch) => void,
  ): Promise<void> {
    this.#bytes += bytes;
    this.#admission.reserve(lines, bytes);
    try {
      admit(await this.#inTime(prepared));
    } finally {
      this.#bytes -= bytes;
      this.#admission.unreserve(lines, bytes);
      this.#feeders.wakeAll();
    }
  }

  /** The engine closes: what is in preparation has so long to come back. */
  hurry(withinMs: number): void {
    for (const giveUp of this.#awaited.keys()) this.#giveUpAfter(giveUp, withinMs);
  }

  /** Resolves when there may be room, or `signal` is aborted. */
  room(signal: AbortSignal): Promise<void> {
    return this.#feeders.wait(signal);
  }

  #inTime(prepared: Promise<PreparedBatch>): Promise<PreparedBatch> {
    return new Promise((resolve, reject) => {
      const giveUp: GiveUp = (afterMs) => {
        this.#awaited.delete(giveUp);
        reject(new Error(`the preparer did not answer within ${afterMs / 1000} s`));
      };
      const came = (): void => {
        this.#awaited.get(giveUp)?.cancel();
        this.#awaited.delete(giveUp);
      };
      this.#giveUpAfter(giveUp, preparedWithinMs);
      prepared.finally(came).then(resolve, reject);
    });
  }

  #giveUpAfter(giveUp: GiveUp, ms: number): void {
    this.#awaited.get(giveUp)?.cancel();
    // At the end of the turn: after our own event loop was starved the batch may lie at the door.
    const timer = this.#clock.setTimer(ms, () => this.#clock.endOfTurn(() => giveUp(ms)));
    this.#awaited.set(giveUp, timer);
  }
}
