/** A rate cap: tokens flow in at `perSecond` up to `burst`, and one is taken for each push. Time is an argument. */
export class TokenBucket {
  readonly perSecond: number;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.perSecond = perSecond;
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, burst);
    this.#tokens = this.#burst;
    this.#at = now;
  }

  tryTake(now: number): boolean {
    this.#refill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whether `tryTake` would succeed. */
  has(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= 1;
  }

  /** Monotonic ms at which `tryTake` succeeds again. */
  wakeAt(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? now : now + (1 - this.#tokens) / this.#perMs;
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
