// The warnings of a batch: pushes from one program have the same ones, so each set is held once, and a record names its
// set by number.

import type { Warning } from './complaint.ts';

/** What is said about some pushes of a batch. */
export interface WarningSet {
  readonly warnings: readonly Warning[];
  /** How many records of the batch have this set. */
  readonly records: number;
}

const noSets: readonly WarningSet[] = [];

export class WarningTable {
  #sets: { readonly warnings: readonly Warning[]; records: number }[] = [];
  readonly #numbers: Map<string, number> = new Map();

  /** The number of the set, 0 being "none". */
  add(warnings: readonly Warning[]): number {
    if (warnings.length === 0) return 0;
    const key = warnings.map(({ message }) => message).join('\n');
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#sets.push({ warnings, records: 0 });
      this.#numbers.set(key, number);
    }
    this.#sets[number - 1].records++;
    return number;
  }

  take(): readonly WarningSet[] {
    // Nearly every batch. Not the table's own array: the next batch fills that.
    if (this.#sets.length === 0) return noSets;
    const sets = this.#sets;
    this.#sets = [];
    this.#numbers.clear();
    return sets;
  }
}
