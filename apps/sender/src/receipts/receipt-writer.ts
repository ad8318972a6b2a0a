// Receipts → bytes → target, gathered: while one block is being written the next one grows, and a caller waits only
// when that one is full. A write costs some 10 µs however small it is; per receipt that would be more than all the rest.
//
//   write() ──▶ #gathered (≤ gatheredCharsMax, then the caller waits) ──▶ one write under way ──▶ target
//
// When the target fails (no space left, nobody reads), receipts are held here instead, so that the jobs under way can
// settle; how many there can be is bounded by what the engine has admitted. close() tries once more.
import type { Receipt } from '@carillon/engine';

import { reasonOf } from '../config/reason-of.ts';
import { encodeReceipts } from './encode-receipt.ts';
import type { ReceiptTarget } from './receipt-target.ts';

// 1 Mi characters: some 3,000 receipts.
const gatheredCharsMax = 1024 * 1024;

export interface ReceiptsEnd {
  readonly written: number;
  /** Receipts that exist nowhere: their jobs are settled, and nobody will know how. */
  readonly lost: number;
  /** Why writing failed, though it may have gone well on the last try; null when it never did. */
  readonly fault: string | null;
}

export class ReceiptWriter {
  readonly #target: ReceiptTarget;
  readonly #onFault: (message: string) => void;
  #gathered = '';
  #gatheredCount = 0;
  #writing: Promise<void> | null = null;
  #fault: string | null = null;
  #held: { readonly block: Buffer; readonly count: number }[] = [];
  #written = 0;
  #end: Promise<ReceiptsEnd> | null = null;

  /** `onFault` is called once, at the first failure: the moment to take in no more jobs. */
  constructor(target: ReceiptTarget, onFault: (message: string) => void) {
    this.#target = target;
    this.#onFault = onFault;
  }

  get fault(): string | null {
    return this.#fault;
  }

  /** Takes the receipts; resolves when more may come. Never rejects. */
  async write(receipts: readonly Receipt[]): Promise<void> {
    if (receipts.length === 0) return;
    this.#gathered += encodeReceipts(receipts);
    this.#gatheredCount += receipts.length;
    this.#writing ??= this.#writeGathered();
    while (this.#gathered.length >= gatheredCharsMax && this.#writing !== null) await this.#writing;
  }

  /** Everything is written and on the disk, or counted as lost. May be called twice. */
  close(): Promise<ReceiptsEnd> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #writeGathered(): Promise<void> {
    while (this.#gathered !== '') {
      const block = Buffer.from(this.#gathered);
      const count = this.#gatheredCount;
      this.#gathered = '';
      this.#gatheredCount = 0;
      await this.#writeBlock(block, count);
    }
    this.#writing = null;
  }

  async #writeBlock(block: Buffer, count: number): Promise<void> {
    if (this.#fault === null) {
      try {
        await this.#target.write(block);
        this.#written += count;
        return;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#held.push({ block, count });
  }

  async #close(): Promise<ReceiptsEnd> {
    await this.#writing;
    if (this.#target.canRetry) await this.#writeHeld();
    const lost = this.#held.reduce((sum, { count }) => sum + count, 0);
    try {
      await this.#target.sync();
      await this.#target.close();
    } catch (error) {
      this.#fail(error);
    }
    return { written: this.#written, lost, fault: this.#fault };
  }

  async #writeHeld(): Promise<void> {
    while (this.#held.length > 0) {
      const { block, count } = this.#held[0];
      try {
        await this.#target.write(block);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#written += count;
      this.#held.shift();
    }
  }

  #fail(error: unknown): void {
    if (this.#fault !== null) return;
    this.#fault = `${this.#target.name}: ${reasonOf(error)}`;
    this.#onFault(this.#fault);
  }
}
