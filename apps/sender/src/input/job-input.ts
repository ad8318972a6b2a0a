// One input of `carillon send`: a file, a pipe or stdin, as a stream of whole lines.
import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { UsageError } from '../command-line/usage-error.ts';
import { reasonOf } from '../config/reason-of.ts';
import { inputIdentity } from '../config/send-config.ts';
import type { SettledLines } from './settled-lines.ts';
import { wholeLines } from './whole-lines.ts';

// 256 KiB: some 700 jobs a read; larger reads gain nothing and make memory lumpier.
const chunkBytes = 256 * 1024;

/** Throws `UsageError`: the file is not there, may not be read, or is none. */
export async function openInput(name: string, settled: ReadonlyMap<string, SettledLines> | null): Promise<JobInput> {
  const lines = settled?.get(inputIdentity(name)) ?? null;
  if (name === '-') return new JobInput(name, null, lines);
  try {
    const found = await stat(name);
    if (found.isDirectory()) throw new UsageError(`${name} is a directory; a file of jobs is right`);
    await access(name, constants.R_OK);
    return new JobInput(name, found.isFile() ? found.size : null, lines);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the jobs cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

export class JobInput {
  /** As it was named; receipts say the same. */
  readonly name: string;
  /** Null when it is not known: stdin, a pipe. */
  readonly sizeBytes: number | null;
  /** Resolves when reading has ended, for whatever reason. */
  readonly whenRead: Promise<void>;
  #markRead: (() => void) | null = null;
  readonly #settled: SettledLines | null;
  #readBytes = 0;
  #skipped = 0;
  #isAtEnd = false;
  #fault: string | null = null;

  constructor(name: string, sizeBytes: number | null, settled: SettledLines | null) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.#settled = settled;
    this.whenRead = new Promise((resolve) => {
      this.#markRead = resolve;
    });
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  /** Lines that an earlier run settled. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Read to the end, so that every job of it is with the engine. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Why reading ended before that, in words; null when it did not. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Whole lines, to the end or until `stop`. Never throws: what goes wrong is in `fault`, and the lines end. */
  async *lines(stop: AbortSignal): AsyncGenerator<Buffer, void> {
    if (stop.aborted) return;
    const source = this.name === '-' ? process.stdin : createReadStream(this.name, { highWaterMark: chunkBytes });
    // A stdin or pipe that says nothing must not hold up the end.
    const onStop = (): void => void source.destroy();
    stop.addEventListener('abort', onStop, { once: true });
    try {
      yield* wholeLines(this.#counted(source), {
        settled: this.#settled,
        isStopped: () => stop.aborted,
        onSkipped: (lines) => {
          this.#skipped += lines;
        },
      });
      this.#isAtEnd = !stop.aborted;
    } catch (error) {
      // Destroyed by `stop`: an end like any other. The rest is a disk or network file system that failed.
      if (!stop.aborted) this.#fault = `after ${this.#readBytes} bytes: ${reasonOf(error)}`;
    } finally {
      stop.removeEventListener('abort', onStop);
      source.destroy();
      this.#markRead?.();
    }
  }

  async *#counted(source: Readable): AsyncGenerator<Buffer, void> {
    for await (const chunk of source) {
      const bytes = chunk as Buffer; // no encoding is set
      this.#readBytes += bytes.length;
      yield bytes;
    }
  }
}
