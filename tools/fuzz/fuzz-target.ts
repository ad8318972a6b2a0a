// What the hunt knows of a target.
import type { FuzzInput } from './fuzz-input.ts';
import type { Random } from './random.ts';

export interface FuzzTarget {
  /** Writes one case, which depends on nothing but the dice. */
  generate(random: Random, input: FuzzInput): void;
  /**
   * One case, which depends on nothing but its bytes [0 … end). Returns its executions: how often the code under test
   * was given something new. Throws when anything is not as it must be.
   */
  run(bytes: Buffer, end: number): number;
  /**
   * Waits for what other processes have still to say about the cases so far; throws `LateFault` when they object.
   * `isLast`: no case follows for now.
   */
  settle?(isLast: boolean): Promise<void>;
  /** Ends what the target started. */
  close(): void;
  /** What a run has exercised, for the printed line: a hunt that reaches nothing must not look like success. */
  reached(): string;
}

/** What an invariant says that does not hold. Anything else that is thrown is a crash. */
export class FuzzFault extends Error {}

/** A fault of a case that has already returned. */
export class LateFault extends FuzzFault {
  readonly bytes: Buffer;

  constructor(message: string, bytes: Buffer) {
    super(message);
    this.bytes = bytes;
  }
}

export function require(holds: boolean, what: string): void {
  if (!holds) throw new FuzzFault(what);
}
