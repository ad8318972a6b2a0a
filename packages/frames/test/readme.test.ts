// The example of the README runs as it stands.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('runs the example of the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n(?<code>.*?)```/s.exec(readme)?.groups?.['code'] ?? '';
  const flags = ['--conditions=@carillon/source', '--input-type=module', '--eval', example];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const run = spawnSync(process.execPath, flags, { cwd, encoding: 'utf8' });
  expect({ stdout: run.stdout, status: run.status }).toStrictEqual({ stdout: ':status 200\n', status: 0 });
});
