// Runs every vitest test and prints the count as the last line: `vitest: N passed, N failed, N skipped`.
// Arguments go on to vitest: `npm test -- packages/frames`. `npm test` has installed and built before this starts.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The part of vitest's JSON report that the last line is made of. */
interface Counts {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

const root = dirname(import.meta.dirname);
const reportDirectory = await mkdtemp(join(tmpdir(), 'carillon-vitest-'));
try {
  const reportFile = join(reportDirectory, 'report.json');
  process.exitCode = await runVitest(reportFile, process.argv.slice(2));
  const counts = await readCounts(reportFile);
  if (counts === null) {
    process.exitCode ||= 1;
    console.error('vitest ended without a report: no test was counted.');
  } else {
    if (process.exitCode !== 0 && counts.numFailedTests === 0) {
      console.error('No test failed, but a file did not load, or an error escaped from a test: see above.');
    }
    console.log(
      `vitest: ${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${counts.numPendingTests} skipped`,
    );
  }
} finally {
  await rm(reportDirectory, { recursive: true, force: true });
}

/** Shows vitest's own progress and resolves to its exit code; a signal counts as the shell counts it, 128 + its number. */
async function runVitest(reportFile: string, extraArguments: string[]): Promise<number> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...extraArguments],
    { cwd: root, stdio: 'inherit' },
  );
  // A terminal's Ctrl-C reaches vitest as well; it stops its workers, and this process lives on to remove the report.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
}

async function readCounts(reportFile: string): Promise<Counts | null> {
  try {
    return JSON.parse(await readFile(reportFile, 'utf8')) as Counts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
