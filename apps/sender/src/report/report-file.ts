// A file for a report that is written once, at the end. Opened at the beginning, so that nobody waits an hour to hear that
// the folder is not there; what was in it stays until the new report is.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { UsageError } from '../command-line/usage-error.ts';
import { errorCode, reasonOf } from '../config/reason-of.ts';

export class ReportFile implements AsyncDisposable {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Throws `UsageError` when it cannot be written. `option`: what the user called it. */
  static async open(option: string, path: string): Promise<ReportFile> {
    try {
      return new ReportFile(await open(path, constants.O_CREAT | constants.O_WRONLY, 0o644));
    } catch (error) {
      const reason = errorCode(error) === 'ENOENT' ? `${path}: its folder is not there (ENOENT)` : reasonOf(error);
      throw new UsageError(`--${option}: ${reason}`, { cause: error });
    }
  }

  async write(text: string): Promise<void> {
    if ((await this.#file.stat()).isFile()) await this.#file.truncate(0); // a pipe has nothing to be rid of
    await this.#file.writeFile(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
