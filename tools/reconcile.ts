// Holds a sender's receipts against the gateway's ledgers. It shares no code with the sender or the simulator: it reads the
// two kinds of NDJSON and nothing else. All apns-ids are kept in memory, about 200 octets each.
//
//   node tools/reconcile.ts --receipts FILE --ledger FILE… [--jobs FILE…] [--duplicates between-ledgers|none|explained]
//                           [--json]
//
// Several ledgers are several lives of one gateway, in their order; so are entries of one ledger that differ in "life". What
// must hold:
//   - there are as many receipts as lines in the jobs, where these are given,
//   - every receipt has an apns-id and an id or a line that no other receipt has,
//   - what was accepted is in a ledger with 200, under the same apns-id and device token or channel,
//   - what was not accepted, and is said not to have been processed, is in no ledger with 200,
//   - everything in a ledger has a receipt: nothing was sent under an apns-id that nobody knows,
//   - what a gateway took twice has one apns-id, and the receipt counts an attempt for each time,
//   - --duplicates between-ledgers (default): it was taken twice only across two lives of the gateway. While one lived,
//     nothing was ambiguous. `none`: never; `explained`: also within one, as after a connection was lost.
// Exit code 0: it holds. 1: it does not, with the counts and the first examples. 2: bad usage, or a file that is not NDJSON.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

/** What is read of a receipt. */
export interface ReceiptLine {
  readonly id: string | null;
  readonly file?: string;
  readonly line?: number;
  readonly token: string | null;
  /** Of a broadcast, whose token is null. */
  readonly channel?: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly apnsId: string | null;
  readonly attempts: number;
  readonly processed?: string;
}

/** What is read of a ledger's entry. Status null: taken, and not answered. */
export interface LedgerLine {
  readonly token: string;
  /** Of a broadcast, whose token is its path. */
  readonly channel?: string;
  readonly apnsId: string;
  readonly status: number | null;
  /** Absent in the first. */
  readonly life?: number;
}

export type DuplicatesRule = 'none' | 'between-ledgers' | 'explained';

export interface Reconciliation {
  readonly receipts: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** By file. Taken: answered 200, or not at all. */
  readonly ledgers: readonly { readonly name: string; readonly entries: number; readonly taken: number }[];
  /** Taken beyond the first time, and those of them in another life of the gateway than the first. */
  readonly duplicates: number;
  readonly duplicatesBetweenLedgers: number;
  /** What does not hold, by what it is. Empty: everything holds. */
  readonly mismatches: Readonly<Record<string, number>>;
  /** The first few of each. */
  readonly examples: readonly string[];
}

interface Known {
  readonly receipt: ReceiptLine;
  readonly name: string;
  /** The ledger and life of each time it was taken. */
  readonly takenIn: string[];
  has200: boolean;
}

const examplesMax = 5;

export class Reconciler {
  readonly #rule: DuplicatesRule;
  readonly #byApnsId = new Map<string, Known>();
  readonly #names = new Set<string>();
  readonly #outcomes: Record<string, number> = {};
  readonly #ledgers: { name: string; entries: number; taken: number }[] = [];
  readonly #mismatches: Record<string, number> = {};
  readonly #examples: string[] = [];
  #receipts = 0;
  /** Null: not given. */
  #jobs: number | null = null;

  constructor(rule: DuplicatesRule = 'between-ledgers') {
    this.#rule = rule;
  }

  /** Lines of the input, in all. */
  jobs(count: number): void {
    this.#jobs = (this.#jobs ?? 0) + count;
  }

  /** All receipts come before the first ledger. */
  receipt(receipt: ReceiptLine): void {
    this.#receipts += 1;
    this.#outcomes[receipt.outcome] = (this.#outcomes[receipt.outcome] ?? 0) + 1;
    const name =
      receipt.line === undefined ? `id ${receipt.id}` : `line ${receipt.line} of ${receipt.file ?? 'the input'}`;
    if (this.#names.has(name)) this.#mismatch('jobs with two receipts', name);
    this.#names.add(name);
    if (receipt.apnsId === null) {
      if (receipt.outcome === 'accepted') this.#mismatch('accepted without an apns-id', name);
      return; // refused before it became a push
    }
    const key = keyOf(receipt.apnsId);
    if (this.#byApnsId.has(key)) this.#mismatch('jobs that share an apns-id', `${name}, ${receipt.apnsId}`);
    else this.#byApnsId.set(key, { receipt, name, takenIn: [], has200: false });
  }

  ledger(name: string): void {
    this.#ledgers.push({ name, entries: 0, taken: 0 });
  }

  entry({ token, channel, apnsId, status, life = 1 }: LedgerLine): void {
    const ledger = this.#ledgers.at(-1);
    if (ledger === undefined) throw new Error('an entry before its ledger');
    ledger.entries += 1;
    const isTaken = status === 200 || status === null;
    if (isTaken) ledger.taken += 1;
    const known = this.#byApnsId.get(keyOf(apnsId));
    if (known === undefined) {
      this.#mismatch('entries without a receipt', `${apnsId} in ${ledger.name}`);
      return;
    }
    const { receipt } = known;
    const isHere =
      channel === undefined ? receipt.token?.toLowerCase() === token.toLowerCase() : receipt.channel === channel;
    if (!isHere) {
      this.#mismatch('entries with the device token or channel of another job', `${known.name}, ${apnsId}`);
    }
    if (!isTaken) return;
    known.takenIn.push(`${this.#ledgers.length}/${life}`);
    known.has200 ||= status === 200;
  }

  end(): Reconciliation {
    const missing = this.#jobs === null ? 0 : this.#jobs - this.#receipts;
    if (missing > 0) this.#mismatches['jobs without a receipt'] = missing;
    if (missing < 0) this.#mismatches['receipts without a job'] = -missing;
    let duplicates = 0;
    let duplicatesBetweenLedgers = 0;
    for (const known of this.#byApnsId.values()) {
      this.#checkOutcome(known);
      const { takenIn } = known;
      if (takenIn.length < 2) continue;
      const lives = new Set(takenIn).size;
      duplicates += takenIn.length - 1;
      duplicatesBetweenLedgers += lives - 1;
      this.#checkDuplicate(known, takenIn.length - lives);
    }
    return {
      receipts: this.#receipts,
      outcomes: this.#outcomes,
      ledgers: this.#ledgers,
      duplicates,
      duplicatesBetweenLedgers,
      mismatches: this.#mismatches,
      examples: this.#examples,
    };
  }

  #checkOutcome({ receipt, name, has200 }: Known): void {
    const { outcome, processed } = receipt;
    if (outcome === 'accepted' && !has200) this.#mismatch('accepted, and in no ledger with 200', name);
    // The sender may have lost the answer, and says so.
    const isOpen = outcome === 'abandoned' && processed === 'unknown';
    if (outcome !== 'accepted' && !isOpen && has200) this.#mismatch(`${outcome}, and in a ledger with 200`, name);
  }

  #checkDuplicate({ receipt, name, takenIn }: Known, withinLedgers: number): void {
    if (this.#rule === 'none') this.#mismatch('taken twice', name);
    else if (this.#rule === 'between-ledgers' && withinLedgers > 0) {
      this.#mismatch('taken twice by one life of the gateway', name);
    }
    if (receipt.attempts < takenIn.length) {
      this.#mismatch(
        'taken more often than the receipt has attempts',
        `${name}, ${takenIn.length} > ${receipt.attempts}`,
      );
    }
  }

  #mismatch(what: string, example: string): void {
    const count = (this.#mismatches[what] ?? 0) + 1;
    this.#mismatches[what] = count;
    if (count <= examplesMax) this.#examples.push(`${what}: ${example}`);
  }
}

/** apns-ids are UUIDs, and come back in either case. */
function keyOf(apnsId: string): string {
  return apnsId.toLowerCase();
}

export function formatReconciliation(found: Reconciliation): string {
  const lines = [
    `${found.receipts} receipts: ${counted(found.outcomes)}`,
    ...found.ledgers.map(({ name, entries, taken }) => `${entries} entries in ${name}, ${taken} taken`),
    `${found.duplicates} taken twice, ${found.duplicatesBetweenLedgers} of them across two lives of the gateway`,
  ];
  const hold = Object.keys(found.mismatches).length === 0;
  lines.push(hold ? 'reconciled: everything holds' : `NOT reconciled: ${counted(found.mismatches)}`);
  return [...lines, ...found.examples.map((example) => `  ${example}`)].join('\n');
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

class UsageError extends Error {}

const usage =
  'usage: node tools/reconcile.ts --receipts FILE --ledger FILE… [--jobs FILE…] ' +
  '[--duplicates between-ledgers|none|explained] [--json]';

function textLines(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}

/** Bad lines are jobs too: they have a receipt that says so. */
async function countLines(path: string): Promise<number> {
  let count = 0;
  for await (const line of textLines(path)) if (line.trim() !== '') count += 1;
  return count;
}

async function* linesOf(path: string): AsyncGenerator {
  let number = 0;
  for await (const line of textLines(path)) {
    number += 1;
    if (line === '') continue;
    try {
      yield JSON.parse(line);
    } catch (error) {
      throw new UsageError(`${path}, line ${number}: not JSON`, { cause: error });
    }
  }
}

interface Wanted {
  readonly receipts: string;
  readonly ledgers: readonly string[];
  readonly jobs: readonly string[];
  readonly duplicates: DuplicatesRule;
  readonly isJson: boolean;
}

function wantedOf(args: string[]): Wanted {
  const string = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    // `--ledger FILE FILE`, as a shell's `*` writes it.
    allowPositionals: true,
    options: {
      receipts: string,
      ledger: { ...string, multiple: true },
      jobs: { ...string, multiple: true },
      duplicates: { ...string, default: 'between-ledgers' },
      json: { type: 'boolean', default: false },
    },
  });
  const { receipts, ledger = [], jobs = [], duplicates, json } = values;
  if (receipts === undefined || ledger.length === 0) throw new UsageError('--receipts and --ledger are needed');
  if (duplicates !== 'none' && duplicates !== 'between-ledgers' && duplicates !== 'explained') {
    throw new UsageError(`--duplicates ${duplicates}: none, between-ledgers or explained is right`);
  }
  return { receipts, ledgers: [...ledger, ...positionals], jobs, duplicates, isJson: json };
}

async function main(args: string[]): Promise<number> {
  try {
    const wanted = wantedOf(args);
    const reconciler = new Reconciler(wanted.duplicates);
    for (const path of wanted.jobs) reconciler.jobs(await countLines(path));
    for await (const line of linesOf(wanted.receipts)) reconciler.receipt(line as ReceiptLine); // contract: "A receipt"
    for (const path of wanted.ledgers) {
      reconciler.ledger(path);
      for await (const line of linesOf(path)) reconciler.entry(line as LedgerLine); // what `--ledger` of a simulator writes
    }
    const found = reconciler.end();
    console.log(wanted.isJson ? JSON.stringify(found) : formatReconciliation(found));
    return Object.keys(found.mismatches).length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error instanceof UsageError ? `${error.message}\n${usage}` : error.message);
    return 2;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
