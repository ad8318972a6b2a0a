// What the receipts file of an earlier run says: which lines are settled, what became of them, and where the file is
// whole. Read as a stream: a million receipts cost a second or two and a few hundred kilobytes.
import { open } from 'node:fs/promises';

import { UsageError } from '../command-line/usage-error.ts';
import { reasonOf } from '../config/reason-of.ts';
import { inputIdentity } from '../config/send-config.ts';
import { SettledLines } from './settled-lines.ts';

export interface EarlierReceipts {
  /** By `inputIdentity`, for the inputs of this run; an input without receipts is not there. */
  readonly settled: ReadonlyMap<string, SettledLines>;
  /** Settled lines of the inputs of this run, and those of them that APNs accepted. */
  readonly lines: number;
  readonly accepted: number;
  /** Receipts of other inputs, left as they are. */
  readonly others: number;
  /** Bytes up to the end of the last whole receipt: where to go on. */
  readonly wholeBytes: number;
  /** The last whole receipt lacks its newline. */
  readonly needsNewline: boolean;
  /** Bytes after that: the receipt that was being written when the machine or process died. */
  readonly tornBytes: number;
}

// A receipt has some 500 bytes; a longer message does not make it a megabyte.
const receiptBytesMax = 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Null when there is no such file. Throws `UsageError` when it is not a file of receipts, or not of these inputs. */
export async function readEarlierReceipts(path: string, inputs: readonly string[]): Promise<EarlierReceipts | null> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new UsageError(`the receipts cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  await using opened = file;
  const stat = await opened.stat();
  if (!stat.isFile()) throw new UsageError(`--resume needs a file of receipts; ${path} is none`);
  const reader = new ReceiptsReader(path, new Set(inputs.map(inputIdentity)));
  try {
    for await (const chunk of opened.createReadStream({ highWaterMark: chunkBytes, autoClose: false })) {
      reader.receive(chunk as Buffer); // no encoding is set
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the receipts cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  return reader.finish();
}

class ReceiptsReader {
  readonly #path: string;
  readonly #inputs: ReadonlySet<string>;
  readonly #settled: Map<string, SettledLines> = new Map();
  readonly #identities: Map<string, string> = new Map();
  #tail: Buffer = Buffer.alloc(0);
  #number = 0;
  #lines = 0;
  #accepted = 0;
  #others = 0;
  #wholeBytes = 0;

  constructor(path: string, inputs: ReadonlySet<string>) {
    this.#path = path;
    this.#inputs = inputs;
  }

  receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const line = chunk.subarray(start, end);
      this.#takeLine(this.#tail.length === 0 ? line : Buffer.concat([this.#tail, line]));
      this.#wholeBytes += this.#tail.length + line.length + 1;
      this.#tail = Buffer.alloc(0);
      start = end + 1;
    }
    if (start < chunk.length) this.#tail = Buffer.concat([this.#tail, chunk.subarray(start)]);
    if (this.#tail.length > receiptBytesMax) throw this.#noReceipt(this.#number + 1);
  }

  finish(): EarlierReceipts {
    // A receipt that lacks only its newline is whole: what it settled is settled.
    const needsNewline = this.#tail.length > 0 && parseReceipt(this.#tail) !== null;
    if (needsNewline) {
      this.#takeLine(this.#tail);
      this.#wholeBytes += this.#tail.length;
    }
    const tornBytes = needsNewline ? 0 : this.#tail.length;
    if (this.#lines === 0 && this.#others > 0) {
      throw new UsageError(
        `${this.#path} holds ${this.#others} receipts, none of them for these inputs: nothing would be skipped. ` +
          'Name the inputs as in the first run, or take another receipts file',
      );
    }
    return {
      settled: this.#settled,
      lines: this.#lines,
      accepted: this.#accepted,
      others: this.#others,
      wholeBytes: this.#wholeBytes,
      needsNewline,
      tornBytes,
    };
  }

  #takeLine(line: Buffer): void {
    this.#number += 1;
    if (line.length === 0) return;
    const receipt = parseReceipt(line);
    // Not to be skipped over: it may have settled a job that would be sent a second time.
    if (receipt === null) throw this.#noReceipt(this.#number);
    const identity = this.#identityOf(receipt.file);
    if (!this.#inputs.has(identity)) {
      this.#others += 1;
      return;
    }
    let settled = this.#settled.get(identity);
    if (settled === undefined) {
      settled = new SettledLines();
      this.#settled.set(identity, settled);
    }
    if (!settled.add(receipt.line)) return;
    this.#lines += 1;
    if (receipt.isAccepted) this.#accepted += 1;
  }

  #identityOf(file: string): string {
    let identity = this.#identities.get(file);
    if (identity === undefined) {
      identity = inputIdentity(file);
      this.#identities.set(file, identity);
    }
    return identity;
  }

  #noReceipt(number: number): UsageError {
    return new UsageError(`${this.#path}:${number}: not a receipt of carillon send; the file cannot be continued`);
  }
}

interface EarlierReceipt {
  readonly file: string;
  readonly line: number;
  readonly isAccepted: boolean;
}

function parseReceipt(bytes: Buffer): EarlierReceipt | null {
  let receipt: unknown;
  try {
    receipt = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null; // what is not JSON is no receipt; the caller says which line
  }
  if (typeof receipt !== 'object' || receipt === null) return null;
  const { file, line, outcome } = receipt as { file?: unknown; line?: unknown; outcome?: unknown }; // checked below
  if (typeof file !== 'string' || typeof outcome !== 'string') return null;
  if (typeof line !== 'number' || !Number.isSafeInteger(line) || line < 1) return null;
  return { file, line, isAccepted: outcome === 'accepted' };
}
