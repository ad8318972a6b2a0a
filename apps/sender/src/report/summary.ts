// What is said at the end of `carillon send`, for people and as JSON.
import { grouped } from './progress.ts';
import { scrub } from './scrub.ts';
import type { ReasonCount, WarningCount } from './tally.ts';

export interface Summary {
  /** Lines and jobs of this run that have a receipt. */
  readonly jobs: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unregistered: number;
  readonly abandoned: number;
  /** The ten most frequent reasons of those that were not accepted. */
  readonly reasons: readonly ReasonCount[];
  /** Pushes whose alert was shortened to fit (jobs with `truncate`). */
  readonly truncated: number;
  /** Pushes with warnings; and the five most frequent warnings. */
  readonly warned: number;
  readonly warnings: readonly WarningCount[];
  /** --resume: lines that an earlier run settled, and how many of those were not accepted. */
  readonly skipped: number;
  readonly skippedNotAccepted: number;
  readonly durationMs: number;
  readonly pushesPerSecond: number;
  readonly attempts: number;
  readonly connections: number;
  readonly dialFailures: number;
  readonly interrupted: boolean;
  /** Inputs that were not read to their end, because of an interruption or a fault. */
  readonly unfinishedInputs: readonly string[];
  /** Where the receipts are; null: nowhere. */
  readonly receipts: string | null;
  /** Settled, but the receipt could not be written. */
  readonly receiptsLost: number;
  /** The first things that went wrong with the gateway, the credential, an input or the receipts. */
  readonly errors: readonly string[];
  readonly exitCode: number;
}

export function jsonSummary(summary: Summary): string {
  return `${scrub(JSON.stringify(summary))}\n`;
}

export function textSummary(summary: Summary): string {
  const { jobs, accepted, rejected, unregistered, abandoned, durationMs } = summary;
  const seconds = (durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 1);
  const lines = [
    `${grouped(jobs)} jobs in ${seconds} s: ${grouped(accepted)} accepted, ${grouped(rejected)} rejected, ` +
      `${grouped(unregistered)} unregistered, ${grouped(abandoned)} abandoned`,
    `${grouped(summary.pushesPerSecond)} a second, ${grouped(summary.attempts)} attempts, ` +
      `${counted(summary.connections, 'connection')}${summary.dialFailures === 0 ? '' : `, ${counted(summary.dialFailures, 'failed dial')}`}`,
  ];
  if (summary.skipped > 0) {
    const rest =
      summary.skippedNotAccepted === 0 ? 'all accepted' : `${grouped(summary.skippedNotAccepted)} not accepted`;
    lines.push(`${grouped(summary.skipped)} more were settled by an earlier run (${rest})`);
  }
  for (const reason of summary.reasons) lines.push(`  ${reasonLine(reason)}`);
  const named = summary.reasons.reduce((sum, { count }) => sum + count, 0);
  const others = jobs - accepted - named;
  if (others > 0) lines.push(`  ${grouped(others).padStart(9)} for other reasons`);
  if (summary.truncated > 0) {
    lines.push(`${counted(summary.truncated, 'alert was', 'alerts were')} shortened to fit`);
  }
  if (summary.warned > 0) {
    lines.push(`${counted(summary.warned, 'push', 'pushes')} with warnings, which the receipts name; most frequent:`);
    for (const warning of summary.warnings) lines.push(`  ${warningLine(warning)}`);
  }
  for (const error of summary.errors) lines.push(`error: ${error}`);
  if (summary.interrupted) lines.push('interrupted; --resume sends what was not read');
  for (const input of summary.unfinishedInputs) lines.push(`not read to its end: ${input}`);
  if (summary.receiptsLost > 0)
    lines.push(`${grouped(summary.receiptsLost)} receipts could not be written and are lost`);
  if (summary.receipts !== null) lines.push(`receipts: ${summary.receipts}`);
  else if (accepted < jobs) lines.push('no receipts were kept; --receipts FILE keeps one for every job');
  return `${scrub(lines.join('\n'))}\n`;
}

function reasonLine({ outcome, reason, status, count, example }: ReasonCount): string {
  const head = `${grouped(count).padStart(9)} ${outcome}: ${reason}${status === null ? '' : ` (${status})`}`;
  return withExample(head, example);
}

function warningLine({ code, count, example }: WarningCount): string {
  return withExample(`${grouped(count).padStart(9)} ${code}`, example);
}

function withExample(head: string, { file, line, message }: ReasonCount['example']): string {
  const place = line === null ? '' : `${file ?? ''}:${line}`;
  const about = [place, message ?? ''].filter((text) => text !== '').join(' ');
  return about === '' ? head : `${head}, first at ${about}`;
}

function counted(count: number, noun: string, several: string = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : several}`;
}
