// The README's example, run as it is printed.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);

it('the example of the README runs and gives the verdict it shows', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  const example = readme.split('```ts\n')[1].split('```')[0];
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const program = `const pem = ${JSON.stringify(pem)};\n${example}`;
  const printed = execFileSync(
    process.execPath,
    ['--conditions=@carillon/source', '--no-warnings', '--input-type=module-typescript', '--eval', program],
    { cwd: fileURLToPath(folder), encoding: 'utf8' },
  );
  expect(printed).toContain("kind: 'unregistered'");
  expect(printed).toContain('since: 1508249865488');
});
