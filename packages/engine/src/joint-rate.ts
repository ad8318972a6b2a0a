/** Two rate caps that hold for the same pushes: an app's, and that of a campaign of it. Both have to have one. */
import type { TokenBucket } from './token-bucket.ts';

/** What a lane asks of its cap. */
export type RateCap = Pick<TokenBucket, 'perSecond' | 'has' | 'tryTake'>;

class JointRate implements RateCap {
  readonly perSecond: number;
  readonly #one: RateCap;
  readonly #other: RateCap;

  constructor(one: RateCap, other: RateCap) {
    this.perSecond = Math.min(one.perSecond, other.perSecond);
    this.#one = one;
    this.#other = other;
  }

  has(now: number): boolean {
    return this.#one.has(now) && this.#other.has(now);
  }

  tryTake(now: number): boolean {
    return this.has(now) && this.#one.tryTake(now) && this.#other.tryTake(now);
  }
}

/** Null: no cap at all. */
export function jointRate(one: RateCap | null, other: RateCap | null): RateCap | null {
  if (one === null || other === null) return one ?? other;
  return new JointRate(one, other);
}
