/** Replies by reason, in bounded memory: a gateway that makes up a new reason each time fills `other`. */
const reasonsMax = 64;

export class ReasonCounts {
  readonly #counts = new Map<string, number>();

  add(reason: string): void {
    const known = this.#counts.get(reason);
    if (known === undefined && this.#counts.size >= reasonsMax) {
      this.#counts.set('other', (this.#counts.get('other') ?? 0) + 1);
      return;
    }
    this.#counts.set(reason, (known ?? 0) + 1);
  }

  /** A copy, most frequent first. */
  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([, a], [, b]) => b - a));
  }
}
