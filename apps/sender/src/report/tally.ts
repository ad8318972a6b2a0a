// What became of the jobs, counted while receipts go by: by outcome, and by reason with one example each.
import type { Receipt } from '@carillon/engine';

type Warning = NonNullable<Receipt['warnings']>[number];

/** Where a job came from. */
interface Place {
  readonly file: string | null;
  readonly line: number | null;
}

/** What pushes that were sent were warned about. */
export interface WarningCount {
  readonly code: string;
  readonly path: string;
  readonly count: number;
  /** The first push it was said of. */
  readonly example: Place & { readonly message: string };
}

export interface ReasonCount {
  readonly outcome: Receipt['outcome'];
  /** Apple's reason, ours, or why we gave up. */
  readonly reason: string;
  readonly status: number | null;
  readonly count: number;
  /** The first job it happened to. */
  readonly example: Place & { readonly message: string | null };
}

// Reasons are a few dozen; the gateway could make up more, and there must be an end.
const reasonsMax = 256;

export class Tally {
  accepted = 0;
  rejected = 0;
  unregistered = 0;
  abandoned = 0;
  attempts = 0;
  /** Abandoned because the gateway could not be reached, or refused the credential. */
  unreachable = 0;
  credential = 0;
  /** Jobs that the gateway gave a final answer to. */
  answered = 0;
  /** Pushes whose alert was shortened, and pushes with warnings. */
  truncated = 0;
  warned = 0;
  readonly #reasons: Map<string, { count: number; readonly first: Receipt }> = new Map();
  readonly #warnings: Map<string, { count: number; readonly warning: Warning; readonly first: Receipt }> = new Map();

  get settled(): number {
    return this.accepted + this.rejected + this.unregistered + this.abandoned;
  }

  add(receipts: readonly Receipt[]): void {
    for (const receipt of receipts) {
      this.attempts += receipt.attempts;
      // An abandoned job may carry a status, too: that of the refused credential.
      if (receipt.status !== null && receipt.outcome !== 'abandoned') this.answered += 1;
      this[receipt.outcome] += 1;
      if (receipt.outcome !== 'accepted') this.#addReason(receipt);
      if (receipt.truncated === true) this.truncated += 1;
      if (receipt.warnings !== undefined) this.#addWarnings(receipt, receipt.warnings);
    }
  }

  /** Most frequent first. */
  reasons(most: number): ReasonCount[] {
    return [...this.#reasons.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, most)
      .map(({ count, first }) => ({
        outcome: first.outcome,
        reason: reasonText(first),
        status: first.status,
        count,
        example: { ...placeOf(first), message: first.message ?? null },
      }));
  }

  /** Most frequent first. */
  warnings(most: number): WarningCount[] {
    return [...this.#warnings.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, most)
      .map(({ count, warning, first }) => ({
        code: warning.code,
        path: warning.path,
        count,
        example: { ...placeOf(first), message: warning.message },
      }));
  }

  /** By code and path; paths of keys that somebody makes up are no more than reasons may be. */
  #addWarnings(receipt: Receipt, warnings: readonly Warning[]): void {
    this.warned += 1;
    for (const warning of warnings) {
      const key = `${warning.code} ${warning.path}`;
      const known = this.#warnings.get(key);
      if (known !== undefined) known.count += 1;
      else if (this.#warnings.size < reasonsMax) this.#warnings.set(key, { count: 1, warning, first: receipt });
    }
  }

  #addReason(receipt: Receipt): void {
    if (receipt.because === 'unreachable') this.unreachable += 1;
    if (receipt.because === 'credential') this.credential += 1;
    const key = `${receipt.outcome} ${receipt.status} ${reasonText(receipt)}`;
    const known = this.#reasons.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#reasons.size < reasonsMax) this.#reasons.set(key, { count: 1, first: receipt });
  }
}

function placeOf(receipt: Receipt): Place {
  return { file: receipt.file ?? null, line: receipt.line ?? null };
}

function reasonText(receipt: Receipt): string {
  if (receipt.because === undefined) return receipt.reason ?? 'no reason given';
  return receipt.reason === null ? receipt.because : `${receipt.because} (${receipt.reason})`;
}
