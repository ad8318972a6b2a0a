// The example of the README runs as it stands.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSimulator } from '@carillon/simulator';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  await using simulator = await startSimulator({ profile: 'fast' });
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```js\n(?<code>.*?)```/s.exec(readme)?.groups?.['code'] ?? '';
  const flags = ['--conditions=@carillon/source', '--input-type=module', '--eval', example];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const env = { ...process.env, PORT: String(simulator.port), CA: simulator.ca };
  // It ends by itself: a drained pool holds nothing that keeps a process alive.
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd, env, timeout: 10_000 });
  expect(stdout).toBe('7 200\n');
});
