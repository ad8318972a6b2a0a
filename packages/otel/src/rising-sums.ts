// Keeps sums over connections and credentials from falling when one of them is gone and takes its count along: a counter
// that falls is read as a restart from zero, and the whole sum would be counted again.

export class RisingSums {
  readonly #offsets = new Map<string, { sum: number; lost: number }>();

  /**
   * The sum as a counter. Where it fell, it stays: what came in since the last look is not counted, once. `key` names the
   * counter and its attributes; there are as many as endpoints times reasons, which the engine bounds.
   */
  raise(key: string, sum: number): number {
    const known = this.#offsets.get(key);
    if (known === undefined) {
      this.#offsets.set(key, { sum, lost: 0 });
      return sum;
    }
    if (sum < known.sum) known.lost += known.sum - sum;
    known.sum = sum;
    return sum + known.lost;
  }
}
