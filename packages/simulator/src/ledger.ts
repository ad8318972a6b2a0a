// What arrived: one entry a request that the gateway took, so that a test can hold receipts against it id by id. Streams
// that were refused or came after a GOAWAY are not in it: they were not processed, and that is the point. Device tokens
// are written whole: they are test tokens.
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';

export interface LedgerEntry {
  /** ISO time of the gateway's clock. */
  readonly at: string;
  /** Ordinal of the connection, from 1. */
  readonly connection: number;
  readonly stream: number;
  /** Of a broadcast: its path. */
  readonly token: string;
  /** Broadcasts only. */
  readonly channel?: string;
  /** Which life of the gateway, from 2; absent in the first. */
  readonly life?: number;
  /** As sent, or as generated when none was sent. Of a broadcast: its apns-request-id. */
  readonly apnsId: string;
  readonly topic: string | null;
  readonly pushType: string | null;
  readonly priority: string | null;
  readonly expiration: string | null;
  readonly collapseId: string | null;
  readonly payloadBytes: number;
  /** Only when asked for, and null for bodies larger than what is kept. */
  readonly payloadSha256?: string | null;
  /** Null: taken, but answered by a reset or not at all. */
  readonly status: number | null;
  readonly reason: string | null;
}

export type LedgerOptions = (
  | { readonly kind: 'none' }
  /** In this process, up to `entriesMax` (default 1,000,000); more are counted as overflow. */
  | { readonly kind: 'memory'; readonly entriesMax?: number }
  /** NDJSON, appended. */
  | { readonly kind: 'file'; readonly path: string }
) & {
  /** Writes one request in so many. Default 1: all. */
  readonly sampleEvery?: number;
  readonly payloadSha256?: boolean;
};

/** Where entries go. Full means: stop reading from clients until there is room. */
export interface Ledger {
  record(entry: LedgerEntry): void;
  readonly isFull: boolean;
  onceRoom(then: () => void): void;
  readonly count: number;
  readonly overflow: number;
  /** Kept entries of a memory ledger, empty otherwise. */
  readonly entries: readonly LedgerEntry[];
  close(): Promise<void>;
}

export function openLedger(options: LedgerOptions): Ledger {
  switch (options.kind) {
    case 'none':
      return new MemoryLedger(0);
    case 'memory':
      return new MemoryLedger(options.entriesMax ?? 1_000_000);
    case 'file':
      return new FileLedger(options.path);
  }
}

class MemoryLedger implements Ledger {
  readonly entries: LedgerEntry[] = [];
  readonly isFull = false;
  count = 0;
  overflow = 0;
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  record(entry: LedgerEntry): void {
    this.count += 1;
    if (this.entries.length < this.#entriesMax) this.entries.push(entry);
    else if (this.#entriesMax > 0) this.overflow += 1;
  }

  onceRoom(then: () => void): void {
    then();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Written at once when this much has gathered, and otherwise at the end of `flushMs`. */
const pieceCharacters = 65_536;
const flushMs = 50;
/** A disk that does not keep up holds the clients back at this many octets. */
const queuedBytesMax = 4_194_304;

class FileLedger implements Ledger {
  readonly entries: readonly LedgerEntry[] = [];
  readonly overflow = 0;
  count = 0;
  readonly #file: WriteStream;
  #failure: Error | null = null;
  #piece = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.#file = createWriteStream(path, { flags: 'a', highWaterMark: queuedBytesMax });
    this.#file.on('error', (error) => (this.#failure = error)); // told by close(): a gateway goes on without its ledger
  }

  get isFull(): boolean {
    return this.#file.writableNeedDrain;
  }

  onceRoom(then: () => void): void {
    this.#file.once('drain', then);
    this.#file.once('close', then); // a failed file never drains
  }

  record(entry: LedgerEntry): void {
    this.count += 1;
    this.#piece += `${JSON.stringify(entry)}\n`;
    if (this.#piece.length >= pieceCharacters) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), flushMs).unref();
  }

  async close(): Promise<void> {
    this.#flush();
    if (!this.#file.closed) {
      await new Promise<void>((resolve) => {
        this.#file.once('close', resolve);
        this.#file.end();
      });
    }
    if (this.#failure !== null)
      throw new Error(`the ledger was not written: ${this.#failure.message}`, { cause: this.#failure });
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#piece === '' || this.#file.destroyed) return;
    this.#file.write(this.#piece);
    this.#piece = '';
  }
}
