// The README's example, run as it is printed.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { token } from './batches.ts';

const folder = new URL('..', import.meta.url);

it('the example of the README runs and shows a record and a rejection', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  const example = readme.split('```ts\n')[1].split('```')[0];
  const lines = [`{"id":"a","token":"${token}","payload":{"aps":{"alert":"Hi"}}}\nno `, 'json\n'];
  const program = `const chunks = ${JSON.stringify(lines)}.map((text) => Buffer.from(text));
    const show = (text: string) => console.log(text);
    ${example}`;
  const printed = execFileSync(
    process.execPath,
    ['--conditions=@carillon/source', '--no-warnings', '--input-type=module-typescript', '--eval', program],
    { cwd: fileURLToPath(folder), encoding: 'utf8' },
  );
  expect(printed).toBe('a: {"aps":{"alert":"Hi"}}\nline 2: local.not-json\n');
});
