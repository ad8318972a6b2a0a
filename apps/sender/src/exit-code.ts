// The exit codes of the contract.

export type ExitCode = 0 | 1 | 2 | 3 | 130;

export interface SendEnd {
  readonly isInterrupted: boolean;
  readonly jobs: number;
  readonly accepted: number;
  /** Jobs of an earlier run that --resume skipped, and those of them that were accepted. */
  readonly skipped: number;
  readonly skippedAccepted: number;
  /** Jobs that the gateway gave a final answer to. */
  readonly answered: number;
  /** Jobs that were abandoned because of the gateway or the credential. */
  readonly unreachable: number;
  readonly credential: number;
  readonly connectionsOpened: number;
  readonly dialFailures: number;
  /** An input was not read to its end, or receipts were not written at once. */
  readonly hasFault: boolean;
}

export function exitCodeOf(end: SendEnd): ExitCode {
  if (end.isInterrupted) return 130;
  if (isGatewayToBlame(end)) return 3;
  const isAllAccepted = end.accepted === end.jobs && end.skippedAccepted === end.skipped;
  return isAllAccepted && !end.hasFault ? 0 : 1;
}

/** Of this run: lines that were wrong from the start do not change it; one answer, for whichever job, does. */
function isGatewayToBlame(end: SendEnd): boolean {
  if (end.accepted > 0 || end.answered > 0) return false;
  if (end.unreachable > 0 || end.credential > 0) return true;
  // Deadlines shorter than --give-up-after: the jobs say `deadline`, and the cause is the same.
  return end.jobs > 0 && end.connectionsOpened === 0 && end.dialFailures > 0;
}
