// `retries-budgeted`, the part that is a ratio: retries of one source beside its first attempts, in buckets of a tenth of
// the window.
import type { RefereeLimits } from './rules.ts';

const buckets = 10;

export class RetryWatch {
  readonly #limits: RefereeLimits;
  readonly #bucketMs: number;
  readonly #firsts = new Float64Array(buckets);
  readonly #retries = new Float64Array(buckets);
  #bucket = Number.NEGATIVE_INFINITY;
  /** One fault a bucket. */
  #hasTold = false;

  constructor(limits: RefereeLimits) {
    this.#limits = limits;
    this.#bucketMs = limits.retriesWindowMs / buckets;
  }

  first(now: number): void {
    this.#turnTo(now);
    this.#firsts[this.#slot()] += 1;
  }

  /** A push that was answered with 429 or 5xx comes again. What is wrong with that; null: nothing. */
  again(now: number): string | null {
    this.#turnTo(now);
    this.#retries[this.#slot()] += 1;
    if (this.#hasTold) return null;
    const { retriesBurst, retriesMinPerSecond, retriesMaxPercent, retriesWindowMs } = this.#limits;
    const retries = sum(this.#retries);
    const firsts = sum(this.#firsts);
    const allowed = Math.max((retriesMinPerSecond * retriesWindowMs) / 1_000, (retriesMaxPercent / 100) * firsts);
    if (retries <= retriesBurst + allowed) return null;
    this.#hasTold = true;
    return `${retries} retries beside ${firsts} first attempts in ${retriesWindowMs} ms`;
  }

  #turnTo(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs);
    if (bucket <= this.#bucket) return; // a clock that was set back counts into the bucket it left
    const steps = Math.min(buckets, bucket - this.#bucket);
    for (let step = 0; step < steps; step += 1) {
      const slot = (bucket - step) % buckets;
      this.#firsts[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#bucket = bucket;
    this.#hasTold = false;
  }

  #slot(): number {
    return this.#bucket % buckets;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
