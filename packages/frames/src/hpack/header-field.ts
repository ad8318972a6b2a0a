// What an encoder is asked to write.

/**
 * `incremental` (unless given): inserted into the dynamic table, an index from then on. `without`: a literal each
 * time, unless a table already holds the field. `never`: a literal that intermediaries must keep one (RFC 7541 §7.1.3).
 * A field that the static table holds entirely is always written as its index.
 */
export type Indexing = 'incremental' | 'without' | 'never';

export interface HeaderField {
  /** Lower case; latin1. */
  readonly name: string;
  /** latin1. */
  readonly value: string;
  readonly indexing?: Indexing;
}

/** A field of a template whose value comes with each write. */
export interface HeaderSlot {
  readonly name: string;
  /** Which span holds the value: 0, 1, … */
  readonly slot: number;
  /** Written before every value. */
  readonly prefix?: string;
  /**
   * `without` (unless given) and `never` as for fields. `name`: the first use inserts the field, so that later ones
   * are literals whose name is an index.
   */
  readonly indexing?: 'without' | 'never' | 'name';
}
