/**
 * The door: counts the jobs and bytes that are admitted and not settled. Owner: the engine. Full means that nothing
 * more comes in until it has emptied to the low mark; nothing is dropped.
 */
import { WaitingRoom } from './waiting-room.ts';

export class Admission {
  readonly #jobsMax: number;
  readonly #bytesMax: number;
  #jobs = 0;
  #bytes = 0;
  /** Of batches in preparation: room for them is kept, so that what runs at once cannot pass the limit together. */
  #reservedJobs = 0;
  #reservedBytes = 0;
  readonly #waiting = new WaitingRoom();
  admitted = 0;

  readonly #onFirst: () => void;

  /** `onFirst` is called when a job enters and none was there. */
  constructor(jobsMax: number, bytesMax: number, onFirst: () => void) {
    this.#onFirst = onFirst;
    this.#jobsMax = jobsMax;
    this.#bytesMax = bytesMax;
  }

  get jobs(): number {
    return this.#jobs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#jobs + this.#reservedJobs >= this.#jobsMax || this.#bytes + this.#reservedBytes >= this.#bytesMax;
  }

  enter(jobs: number): void {
    const isFirst = this.#jobs === 0 && jobs > 0;
    this.#jobs += jobs;
    this.admitted += jobs;
    if (isFirst) this.#onFirst();
  }

  /** A job that was counted turned out to be none. */
  withdraw(): void {
    this.admitted--;
    this.leave();
  }

  leave(): void {
    this.#jobs--;
    this.#letIn();
  }

  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  letGo(bytes: number): void {
    this.#bytes -= bytes;
    this.#letIn();
  }

  reserve(jobs: number, bytes: number): void {
    this.#reservedJobs += jobs;
    this.#reservedBytes += bytes;
  }

  unreserve(jobs: number, bytes: number): void {
    this.#reservedJobs -= jobs;
    this.#reservedBytes -= bytes;
    this.#letIn();
  }

  /** Resolves when there may be room, or `signal` is or gets aborted; each that wakes looks again with `isFull`. */
  room(signal?: AbortSignal): Promise<void> {
    return this.#waiting.wait(signal);
  }

  /** Wakes all who wait, because the engine closes. */
  wakeAll(): void {
    this.#waiting.wakeAll();
  }

  #letIn(): void {
    if (this.#waiting.isEmpty) return;
    // Half: letting one in for each that leaves would wake a producer per push.
    const jobs = this.#jobs + this.#reservedJobs;
    const bytes = this.#bytes + this.#reservedBytes;
    if (jobs <= this.#jobsMax / 2 && bytes <= this.#bytesMax / 2) this.wakeAll();
  }
}
