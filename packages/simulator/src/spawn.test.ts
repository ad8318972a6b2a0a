import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { goodToken, TestClient } from '../test/test-client.ts';
import { spawnSimulator } from './spawn.ts';

describe('spawnSimulator', () => {
  it('runs in another process and is steered over IPC', async () => {
    await using simulator = await spawnSimulator({
      ledger: { kind: 'memory' },
      faults: { faults: [{ id: 'end', when: { on: 'command' }, action: { kind: 'goaway' } }] },
    });
    expect(simulator.pid).not.toBe(process.pid);
    const client = await TestClient.connect(simulator);
    expect((await client.answer(client.push())).status).toBe('200');

    await simulator.setToken(goodToken, { kind: 'unregistered', timestampMs: 5 });
    expect((await client.answer(client.push())).body).toBe('{"reason":"Unregistered","timestamp":5}');
    await simulator.advanceClock(3_700_000);
    expect((await client.answer(client.push())).body).toBe('{"reason":"ExpiredProviderToken"}');
    await simulator.fire('end');
    await client.untilClosed();

    expect((await simulator.ledger()).map(({ status }) => status)).toEqual([200, 410, 403]);
    expect(await simulator.stats()).toMatchObject({
      requests: 3,
      replies: 3,
      fired: { end: 1 },
      connectionsAccepted: 1,
    });
  });

  it('writes its ledger to the end when it is closed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'carillon-spawn-'));
    const path = join(directory, 'ledger.ndjson');
    const simulator = await spawnSimulator({ ledger: { kind: 'file', path } });
    const client = await TestClient.connect(simulator);
    await client.answer(client.push());
    await simulator.close();
    await simulator.close();
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(1);
    await expect(simulator.stats()).rejects.toThrow(/the process has ended/);
    await rm(directory, { recursive: true });
  });

  it('comes back as the same gateway with the same identity and port', async () => {
    const first = await spawnSimulator();
    await first.close();
    await using second = await spawnSimulator({ identity: first.identity, port: first.port });
    expect(second.endpoint).toBe(first.endpoint);
    const client = await TestClient.connect({ port: first.port, identity: first.identity });
    expect((await client.answer(client.push())).status).toBe('200');
    client.close();
  });

  it('says why it could not start', async () => {
    await using first = await spawnSimulator();
    await expect(spawnSimulator({ port: first.port })).rejects.toThrow(/EADDRINUSE/);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('can be closed after %s', async (signal) => {
    const simulator = await spawnSimulator();
    process.kill(simulator.pid, signal);
    await simulator.close();
    expect(() => process.kill(simulator.pid, 0)).toThrow(/ESRCH/);
  });

  it('works from the built package too, where it is built', async () => {
    const built = fileURLToPath(new URL('../dist/spawn.js', import.meta.url));
    if (!existsSync(built)) {
      console.log('not checked from dist: the package is not built');
      return;
    }
    const { spawnSimulator: spawnBuilt } = (await import(built)) as { spawnSimulator: typeof spawnSimulator };
    await using simulator = await spawnBuilt({ profile: 'fast' });
    const client = await TestClient.connect(simulator);
    expect((await client.answer(client.push())).status).toBe('200');
    client.close();
  });
});
