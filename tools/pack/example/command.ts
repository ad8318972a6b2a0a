// The `carillon` command as npm linked it, and a simulator in a process of its own to send to.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { spawnSimulator, writeCredentialFiles } from '@carillon/simulator';

const jobs = 100;
const carillon = join('node_modules', '.bin', 'carillon');
const runFile = promisify(execFile);

const version = (await runFile(carillon, ['--version'])).stdout.trim();
assert.match(version, /^\d+\.\d+\.\d+$/);

const folder = await mkdtemp(join(tmpdir(), 'carillon-example-'));
try {
  await using simulator = await spawnSimulator({ profile: 'strict' });
  const { endpoint, identity, keyId, teamId } = simulator;
  const { ca, key } = await writeCredentialFiles(folder, identity, endpoint);
  const input = join(folder, 'jobs.ndjson');
  const receipts = join(folder, 'receipts.ndjson');
  await writeFile(input, Array.from({ length: jobs }, (_, index) => line(index)).join(''));
  await runFile(carillon, [
    ...['send', input, '--receipts', receipts, '--endpoint', endpoint, '--ca', ca],
    ...['--key', key, '--key-id', keyId, '--team-id', teamId, '--topic', identity.topic],
  ]);
  const outcomes = (await readFile(receipts, 'utf8'))
    .trim()
    .split('\n')
    .map((receipt) => (JSON.parse(receipt) as { outcome: string }).outcome);
  assert.deepEqual(
    outcomes,
    Array.from({ length: jobs }, () => 'accepted'),
  );
  assert.equal((await simulator.stats()).requests, jobs);
  console.log(`Node ${process.versions.node}: carillon ${version} send: ${outcomes.length} accepted`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function line(index: number): string {
  const token = index.toString(16).padStart(64, '0');
  return `${JSON.stringify({ id: `job-${index}`, token, payload: { aps: { alert: 'Hi' } } })}\n`;
}
