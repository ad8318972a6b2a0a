/** A micro-bench: one hot function, called often enough in a call that the clock's own cost does not show. */
export interface Micro {
  readonly name: string;
  readonly question: string;
  /** Calls of the function in one call of what `prepare` returns. */
  readonly calls: number;
  /**
   * Makes the inputs. What it returns is measured; the number it gives is looked at, so that nothing is optimised away.
   * What must be closed afterwards is named to `atEnd`.
   */
  prepare(atEnd: (release: () => Promise<void>) => void): () => number | Promise<number>;
}
