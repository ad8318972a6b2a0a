// Receipts → bytes → target, gathered in two slabs that are used again and again: one is being written while the other
// one fills, and a caller waits only when that one is full. A write costs some 10 µs however small it is; per receipt
// that would be more than all the rest.
//
//   write() ──▶ slab that fills ──▶ swap when no write is under way ──▶ slab that is written ──▶ target
//
// When the target fails (no space left, nobody reads), receipts are held here instead, so that the jobs under way can
// settle; how many there can be is bounded by what the engine has admitted. close() tries once more.
import type { Receipt } from '@carillon/engine';

import { reasonOf } from '../config/reason-of.ts';
import { encodeReceipt } from './encode-receipt.ts';
import type { ReceiptTarget } from './receipt-target.ts';

// 512 KiB: some 1,600 receipts; larger writes gain nothing.
const slabBytes = 512 * 1024;
// UTF-16 to UTF-8: at most three bytes a unit.
const bytesPerUnitMax = 3;

export interface ReceiptsEnd {
  readonly written: number;
  /** Receipts that exist nowhere: their jobs are settled, and nobody will know how. */
  readonly lost: number;
  /** Why writing failed, though it may have gone well on the last try; null when it never did. */
  readonly fault: string | null;
}

interface Slab {
  bytes: Buffer;
  length: number;
  count: number;
}

export class ReceiptWriter {
  readonly #target: ReceiptTarget;
  readonly #onFault: (message: string) => void;
  #filling: Slab = newSlab();
  #spare: Slab = newSlab();
  /** The write under way; goes on until the slab that fills is empty. */
  #writing: Promise<void> | null = null;
  /** Callers that found no room. */
  readonly #waiting: (() => void)[] = [];
  #fault: string | null = null;
  #held: { readonly block: Buffer; readonly count: number }[] = [];
  #written = 0;
  #end: Promise<ReceiptsEnd> | null = null;

  /** `onFault` is called once, at the first failure: the moment to take in no more jobs. */
  constructor(target: ReceiptTarget, onFault: (message: string) => void) {
    this.#target = target;
    this.#onFault = onFault;
  }

  /** Takes the receipts; resolves when more may come. Never rejects. */
  async write(receipts: readonly Receipt[]): Promise<void> {
    for (const receipt of receipts) {
      const line = encodeReceipt(receipt);
      const bytesMax = line.length * bytesPerUnitMax;
      while (this.#filling.length > 0 && this.#filling.length + bytesMax > slabBytes) await this.#emptySlab();
      this.#append(line, bytesMax);
    }
    if (this.#filling.length > 0) void this.#startWriting();
  }

  /** Everything is written and on the disk, or counted as lost. May be called twice. */
  close(): Promise<ReceiptsEnd> {
    this.#end ??= this.#close();
    return this.#end;
  }

  /** Resolves when the slab that fills has been swapped for an empty one. */
  #emptySlab(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      void this.#startWriting();
    });
  }

  #append(line: string, bytesMax: number): void {
    const slab = this.#filling;
    // A single receipt larger than a slab; it will not happen again soon, and the larger slab does no harm.
    if (slab.bytes.length < slab.length + bytesMax) slab.bytes = Buffer.allocUnsafeSlow(slab.length + bytesMax);
    slab.length += slab.bytes.write(line, slab.length);
    slab.count += 1;
  }

  #startWriting(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#filling.length > 0) {
      const slab = this.#filling;
      this.#filling = this.#spare;
      this.#spare = slab;
      for (const resolve of this.#waiting.splice(0)) resolve();
      await this.#writeSlab(slab);
      slab.length = 0;
      slab.count = 0;
    }
  }

  async #writeSlab({ bytes, length, count }: Slab): Promise<void> {
    const block = bytes.subarray(0, length);
    if (this.#fault === null) {
      try {
        await this.#target.write(block);
        this.#written += count;
        return;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#held.push({ block: Buffer.from(block), count });
  }

  async #close(): Promise<ReceiptsEnd> {
    while (this.#writing !== null || this.#filling.length > 0) await this.#startWriting();
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
    const held = this.#held;
    for (let next = held[0]; next !== undefined; next = held[0]) {
      try {
        await this.#target.write(next.block);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#written += next.count;
      held.shift();
    }
  }

  #fail(error: unknown): void {
    if (this.#fault !== null) return;
    this.#fault = `${this.#target.name}: ${reasonOf(error)}`;
    this.#onFault(this.#fault);
  }
}

function newSlab(): Slab {
  return { bytes: Buffer.allocUnsafeSlow(slabBytes), length: 0, count: 0 };
}
