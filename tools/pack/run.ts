// Runs a program to its end, within a time, and keeps what it said for the case that it fails.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface RunOptions {
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Above the slowest step, an installation with an empty cache, 20 s on two cores. */
const timeoutMs = 100_000;
const outputBytesMax = 16 * 1024 * 1024;

const runFile = promisify(execFile);

/** What it wrote to stdout. Throws an error with the command and all that it wrote. */
export async function run(file: string, args: readonly string[], { folder, env = {} }: RunOptions): Promise<string> {
  try {
    const { stdout } = await runFile(file, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      timeout: timeoutMs,
      maxBuffer: outputBytesMax,
    });
    return stdout;
  } catch (error) {
    const { message, stdout = '', stderr = '', killed } = error as Error & Partial<ExecFailure>; // of execFile
    const why = killed === true ? `stopped after ${timeoutMs / 1000} s` : message.split('\n')[0];
    throw new Error([why, stdout.trim(), stderr.trim()].filter((part) => part !== '').join('\n'), { cause: error });
  }
}

interface ExecFailure {
  stdout: string;
  stderr: string;
  killed: boolean;
}
