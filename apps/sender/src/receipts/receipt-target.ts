// Where receipts go: a file of our own, or stdout. Knows bytes, not receipts.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { UsageError } from '../command-line/usage-error.ts';
import { errorCode, reasonOf } from '../config/reason-of.ts';

export interface ReceiptTarget {
  readonly name: string;
  /** Writes it all or rejects; after a rejection the target holds whole blocks only, where it can. */
  write(block: Buffer): Promise<void>;
  /** Whether a block that could not be written may be tried again: a full disk may have room later, a gone reader not. */
  readonly canRetry: boolean;
  /** What was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A new file, or one to continue after `wholeBytes`; see `EarlierReceipts`. */
export type FileStart =
  | { readonly kind: 'new' }
  | { readonly kind: 'continued'; readonly wholeBytes: number; readonly needsNewline: boolean };

/** Throws `UsageError`: it exists already, or cannot be made. */
export async function openReceiptFile(path: string, start: FileStart): Promise<ReceiptTarget> {
  try {
    const file = await openAt(path, start);
    const stat = await file.stat();
    if (!stat.isFile()) return new FileTarget(path, file, null);
    if (start.kind === 'new') return new FileTarget(path, file, 0);
    // What was torn goes; a newline that was lost comes back.
    await file.truncate(start.wholeBytes);
    const target = new FileTarget(path, file, start.wholeBytes);
    if (start.needsNewline) await target.write(Buffer.from('\n'));
    return target;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the receipts cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

// 0600: receipts hold device tokens.
const fileMode = 0o600;

async function openAt(path: string, start: FileStart): Promise<FileHandle> {
  if (start.kind === 'continued') return open(path, 'r+');
  try {
    return await open(path, 'wx', fileMode);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    // A terminal, a pipe, /dev/null: nothing in it could be lost.
    const file = await open(path, 'r+').catch(() => open(path, 'w'));
    if (!(await file.stat()).isFile()) return file;
    await file.close();
    throw new UsageError(`${path} exists already; --resume continues it, another name begins anew`, { cause: error });
  }
}

class FileTarget implements ReceiptTarget {
  readonly name: string;
  readonly canRetry: boolean;
  readonly #file: FileHandle;
  /** Null: no regular file, and so without positions. */
  #position: number | null;

  constructor(name: string, file: FileHandle, position: number | null) {
    this.name = name;
    this.#file = file;
    this.#position = position;
    this.canRetry = position !== null;
  }

  async write(block: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < block.length) {
        const at = this.#position === null ? null : this.#position + written;
        const { bytesWritten } = await this.#file.write(block, written, block.length - written, at);
        written += bytesWritten;
      }
    } catch (error) {
      // The part that went through ends in the middle of a receipt. Where even this fails, --resume finds it torn.
      if (this.#position !== null && written > 0) await this.#file.truncate(this.#position).catch(() => undefined);
      throw error;
    }
    if (this.#position !== null) this.#position += written;
  }

  async sync(): Promise<void> {
    if (this.#position !== null) await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Receipts to a stream that somebody reads: stdout. The stream stays open. */
export function streamTarget(name: string, stream: NodeJS.WritableStream): ReceiptTarget {
  let failed: Error | null = null;
  // The callback of write() tells of failures; without a listener the same error would end the process.
  stream.on('error', (error: Error) => {
    failed ??= error;
  });
  return {
    name,
    canRetry: false,
    write: (block) =>
      new Promise((resolve, reject) => {
        if (failed !== null) {
          reject(failed);
          return;
        }
        stream.write(block, (error) => {
          if (error instanceof Error) reject(error);
          else resolve();
        });
      }),
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
