// The README's example, run as it is printed.
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { Desk } from './command.ts';

it('the example of the README runs and says what it shows', async () => {
  await using desk = await Desk.open();
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = readme.split('```sh\n')[1].split('```')[0];
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  await writeFile(
    desk.path('carillon'),
    `#!/bin/sh\nexec "${process.execPath}" --conditions=@carillon/source "${main}" "$@"\n`,
  );
  await chmod(desk.path('carillon'), 0o755);
  // Job control, for %1; and the simulator has printed its report when the script ends.
  const { stdout } = await promisify(execFile)('bash', ['-c', `set -m\n${example}\nwait %1`], {
    cwd: desk.folder,
    env: { ...process.env, PATH: `${desk.folder}:${process.env['PATH'] ?? ''}` },
  });
  expect(stdout).toContain('3 jobs in');
  expect(stdout).toContain('exit code 1\n2\n{"id":"two"');
  expect(stdout).toContain('local.bad-device-token');
  expect(stdout).toMatch(/2 requests on \d connections?/);
});
