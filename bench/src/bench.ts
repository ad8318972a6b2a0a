/** What a bench is to the program that runs it: a question, rows of figures, and what to print about them. */

/** One line of a bench's table. The contract names the fields; a bench may add figures of its own. */
export interface Row {
  readonly name: string;
  /** Pushes, or calls of the function measured. */
  readonly n: number;
  /** User and system time of the measured process alone, its start included. */
  readonly cpuMicrosPerPush?: number;
  /** The same after the first tenth, where it can be had. */
  readonly steadyCpuMicrosPerPush?: number;
  readonly pushesPerSecond?: number;
  readonly [figure: string]: string | number | Counts | undefined;
}

/** Figures by name: violations by rule, faults by id. */
export type Counts = Readonly<Record<string, number>>;

export interface BenchContext {
  /** A run of seconds, for CI. */
  readonly isQuick: boolean;
  /** True: the row of this name is wanted. */
  readonly wants: (row: string) => boolean;
  /** Says on stderr what is being done. */
  readonly progress: (text: string) => void;
  /** Aborted by Ctrl-C: stop soon, and leave no process behind. */
  readonly signal: AbortSignal;
}

export interface Bench {
  readonly name: string;
  readonly question: string;
  run(context: BenchContext): Promise<Row[]>;
  /** Lines for under the table: ratios, and what the figures are to be held against. */
  conclude?(rows: readonly Row[]): string[];
  /** What makes the rows worthless or wrong whoever reads them: a run with any ends with exit code 1. */
  failures?(rows: readonly Row[]): string[];
  /** For --check: what is not as it must be. */
  check?(rows: readonly Row[]): string[];
  /** For --chart: the file, relative to the root, and what it holds. Undefined: the rows it draws were not run. */
  chart?(rows: readonly Row[], machine: string, at: string): Chart | undefined;
}

export interface Chart {
  readonly path: string;
  readonly text: string;
}

export function rowNamed(rows: readonly Row[], name: string): Row | null {
  return rows.find((row) => row.name === name) ?? null;
}
