import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '@carillon/simulator';
import { expect, it } from 'vitest';
import { collect } from './world.ts';

const folder = new URL('..', import.meta.url);

it('runs the example of the README against the simulator', async () => {
  const example =
    /```ts\n(?<code>.*?)```/s.exec(readFileSync(new URL('README.md', folder), 'utf8'))?.groups?.['code'] ?? '';
  await using simulator = await startSimulator();
  const { endpoint, ca, keyPem: key, keyId, teamId } = simulator;
  const program = `const { endpoint, ca, key, keyId, teamId } = ${JSON.stringify({ endpoint, ca, key, keyId, teamId })};\n${example}`;
  const flags = ['--conditions=@carillon/source', '--no-warnings', '--input-type=module-typescript', '--eval', program];
  const child = spawn(process.execPath, flags, { cwd: fileURLToPath(folder), stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = Buffer.concat(await collect(child.stdout as AsyncIterable<Buffer>))
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines).toEqual([
    'event connection-opened',
    'one accepted',
    'order-1 accepted 200',
    'order-2 accepted 200',
    'order-3 accepted 200',
    expect.stringMatching(/^1 local\./),
    'event connection-closed',
  ]);
});
