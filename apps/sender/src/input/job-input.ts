// One input of `carillon send`: a file, a pipe or stdin, as a stream of whole lines.
import { constants, createReadStream, open as openFile } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

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
    return new JobInput(name, found.isFile() ? found.size : null, lines, found.isFIFO());
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
  readonly #isPipe: boolean;
  #readBytes = 0;
  #skipped = 0;
  #isAtEnd = false;
  #fault: string | null = null;

  constructor(name: string, sizeBytes: number | null, settled: SettledLines | null, isPipe = false) {
    this.name = name;
    this.#isPipe = isPipe;
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

  /** Whoever took the lines ended before they did: why, in words. */
  end(fault: string): void {
    this.#isAtEnd = false;
    this.#fault ??= fault;
  }

  /** Whole lines, to the end or until `stop`. Never throws: what goes wrong is in `fault`, and the lines end. */
  async *lines(stop: AbortSignal): AsyncGenerator<Buffer, void> {
    if (stop.aborted) return;
    let source: Readable | null = null;
    // A stdin or pipe that says nothing must not hold up the end.
    const onStop = (): void => void source?.destroy();
    stop.addEventListener('abort', onStop, { once: true });
    try {
      source = await this.#open(stop);
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
      source?.destroy();
      this.#markRead?.();
    }
  }

  async #open(stop: AbortSignal): Promise<Readable> {
    if (this.name === '-') return process.stdin;
    return this.#isPipe ? openPipe(this.name, stop) : createReadStream(this.name, { highWaterMark: chunkBytes });
  }

  async *#counted(source: Readable): AsyncGenerator<Buffer, void> {
    for await (const chunk of source) {
      const bytes = chunk as Buffer; // no encoding is set
      this.#readBytes += bytes.length;
      yield bytes;
    }
  }
}

/**
 * A named pipe, read by the event loop. Read as a file it would keep one of Node's threads until somebody writes, and
 * a process with such a thread cannot end.
 */
async function openPipe(path: string, stop: AbortSignal): Promise<Readable> {
  // Opening waits for a writer; to be told to stop is to be one, for a moment.
  const unblock = (): void => {
    open(path, constants.O_WRONLY | constants.O_NONBLOCK).then(
      (file) => file.close(),
      () => undefined, // ENXIO: it was open already
    );
  };
  stop.addEventListener('abort', unblock, { once: true });
  try {
    const fd = await promisify(openFile)(path, 'r');
    return new Socket({ fd, readable: true, writable: false });
  } finally {
    stop.removeEventListener('abort', unblock);
  }
}
