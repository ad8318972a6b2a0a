// Killing worker threads has been seen to kill Node 24.21 itself (SIGSEGV, about 1 of 10 runs on a busy machine; the
// cause is not known yet, and worker threads are not the engine's default until it is). The tests of threads therefore
// run in a process of their own: one that dies so gets another try and is told of, any other failure is a failure.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const triesMax = 5;

function run(): Promise<{ text: string; failed: boolean }> {
  const args = [vitest, 'run', '--config', 'packages/payload/test/threads.config.ts'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resolve({ text: `${stdout}\n${stderr}`, failed: error !== null });
    });
  });
}

it('WorkerPreparer keeps its promises', { timeout: 300_000 }, async () => {
  for (let attempt = 1; attempt <= triesMax; attempt++) {
    const { text, failed } = await run();
    if (
      failed &&
      attempt < triesMax &&
      /signal SIGSEGV/u.test(text) &&
      !/ FAIL /u.test(text.replaceAll(/FAIL\s+\[/gu, ''))
    ) {
      console.log(`payload: Node died of SIGSEGV while worker threads were killed (run ${attempt}); once more`);
      continue;
    }
    expect(failed, text).toBe(false);
    expect(text).toMatch(/Tests .*\b18 passed/u);
    return;
  }
});
