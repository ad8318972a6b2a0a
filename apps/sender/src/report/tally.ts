// What became of the jobs, counted while receipts go by: by outcome, and by reason with one example each.
import type { Receipt } from '@carillon/engine';

export interface ReasonCount {
  readonly outcome: Receipt['outcome'];
  /** Apple's reason, ours, or why we gave up. */
  readonly reason: string;
  readonly status: number | null;
  readonly count: number;
  /** The first job it happened to. */
  readonly example: { readonly file: string | null; readonly line: number | null; readonly message: string | null };
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
  readonly #reasons: Map<string, { count: number; readonly first: Receipt }> = new Map();

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
        example: { file: first.file ?? null, line: first.line ?? null, message: first.message ?? null },
      }));
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

function reasonText(receipt: Receipt): string {
  if (receipt.because === undefined) return receipt.reason ?? 'no reason given';
  return receipt.reason === null ? receipt.because : `${receipt.because} (${receipt.reason})`;
}
