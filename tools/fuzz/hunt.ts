// Runs cases of one target until they are enough or one fails; a failing case is shrunk. Knows no process and prints
// nothing: `worker-main.ts` and the tests do.
import { FuzzInput } from './fuzz-input.ts';
import { LateFault } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { Random } from './random.ts';
import { shrink } from './shrink.ts';

/** Between two slices other processes are heard, and the owner may stop. */
const sliceMs = 100;

export interface Hunt {
  readonly seed: number;
  readonly firstCase: number;
  readonly casesMax: number;
  /** Called before each case: where a watchdog sees it. */
  readonly onCase?: (number: number) => void;
  /** Called after each slice; false ends the hunt. */
  readonly onSlice?: (tally: Tally) => boolean;
}

export interface Tally {
  cases: number;
  executions: number;
  slowestMs: number;
  slowestCase: number;
}

export interface Catch {
  readonly message: string;
  /** Null when only its bytes are known. */
  readonly caseNumber: number | null;
  readonly bytes: Buffer;
  readonly shrunk: Buffer;
}

export async function hunt(target: FuzzTarget, wanted: Hunt): Promise<{ tally: Tally; caught: Catch | null }> {
  const tally: Tally = { cases: 0, executions: 0, slowestMs: 0, slowestCase: 0 };
  const { stackTraceLimit } = Error;
  // JSON.parse refuses half of the cases with an error each: nobody reads where from.
  Error.stackTraceLimit = 0;
  const failed = await runCases(target, wanted, tally);
  if (failed === null) {
    Error.stackTraceLimit = stackTraceLimit;
    return { tally, caught: null };
  }
  const shrunk = await shrink(failed.bytes, async (bytes) => (await judge(target, bytes)) !== null);
  Error.stackTraceLimit = stackTraceLimit;
  return { tally, caught: { ...failed, message: (await judge(target, shrunk)) ?? failed.message, shrunk } };
}

/** Returns the case that failed, if one did. */
async function runCases(target: FuzzTarget, wanted: Hunt, tally: Tally): Promise<Omit<Catch, 'shrunk'> | null> {
  const random = new Random();
  const input = new FuzzInput();
  for (;;) {
    let number = wanted.firstCase + tally.cases;
    try {
      let before = performance.now();
      const sliceEnd = before + sliceMs;
      while (before < sliceEnd && tally.cases < wanted.casesMax) {
        number = wanted.firstCase + tally.cases;
        wanted.onCase?.(number);
        random.begin(wanted.seed, number);
        target.generate(random, input);
        tally.executions += target.run(input.bytes, input.length);
        tally.cases += 1;
        const after = performance.now();
        if (after - before > tally.slowestMs) {
          tally.slowestMs = after - before;
          tally.slowestCase = number;
        }
        before = after;
      }
      const goesOn = wanted.onSlice?.(tally) !== false && tally.cases < wanted.casesMax;
      await target.settle?.(!goesOn);
      if (!goesOn) return null;
    } catch (error) {
      if (error instanceof LateFault) return { message: error.message, caseNumber: null, bytes: error.bytes };
      const bytes = Buffer.from(input.bytes.subarray(0, input.length));
      return { message: describe(error), caseNumber: number, bytes };
    }
  }
}

/** Runs one input; null when it is right. */
export async function judge(target: FuzzTarget, bytes: Buffer): Promise<string | null> {
  try {
    target.run(bytes, bytes.length);
    await target.settle?.(true);
    return null;
  } catch (error) {
    return describe(error);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `thrown: ${String(error)}`;
}
