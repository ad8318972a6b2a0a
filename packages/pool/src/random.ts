/** Randomness as a seam: jitter only, never secrets. A simulated world passes a seeded generator. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };
