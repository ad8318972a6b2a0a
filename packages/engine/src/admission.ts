/**
 * The door: counts the jobs and bytes that are admitted and not settled. Owner: the engine. Full means that nothing
 * more comes in until it has emptied to the low mark; nothing is dropped.
 */
export class Admission {
  readonly #jobsMax: number;
  readonly #bytesMax: number;
  #jobs = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];
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
    return this.#jobs >= this.#jobsMax || this.#bytes >= this.#bytesMax;
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

  /** Resolves when there may be room, or `signal` is or gets aborted; each that wakes looks again with `isFull`. */
  room(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      // A signal that lives as long as a campaign must not collect a listener for each wait.
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.push(wake);
    });
  }

  /** Wakes all who wait, because the engine closes. */
  wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #letIn(): void {
    if (this.#waiting.length === 0) return;
    // Half: letting one in for each that leaves would wake a producer per push.
    if (this.#jobs <= this.#jobsMax / 2 && this.#bytes <= this.#bytesMax / 2) this.wakeAll();
  }
}
