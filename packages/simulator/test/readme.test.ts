import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('the example of the README runs as it stands', async () => {
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
  const directory = await mkdtemp(join(tmpdir(), 'carillon-readme-'));
  try {
    const code = example.replace("'ledger.ndjson'", JSON.stringify(join(directory, 'ledger.ndjson')));
    const print =
      'console.log(endpoint.length > 0, ca.length > 0, keyPem.length > 0, keyId, teamId, replies, statuses, fired);';
    const flags = ['--conditions=@carillon/source', '--input-type=module-typescript', '--eval', `${code}\n${print}`];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: packageFolder, encoding: 'utf8' });
    expect(stdout).toBe('true true true KEY1234567 TEAM123456 0 {} { drain: 0 }\n');
  } finally {
    await rm(directory, { recursive: true });
  }
});
