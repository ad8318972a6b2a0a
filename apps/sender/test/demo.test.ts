import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { carillon, Desk, startCarillon } from './command.ts';

const script = fileURLToPath(new URL('../src/demo.ts', import.meta.url));

describe('The demo', () => {
  it('sends 100,000 notifications, says so, and leaves nothing behind', async () => {
    await using desk = await Desk.open();
    const before = await readdir(desk.folder);
    const end = await carillon([], { script, env: { TMPDIR: desk.folder } });
    expect(end.stderr).not.toContain('error');
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toContain('100,000 accepted, 0 rejected, 0 unregistered, 0 abandoned');
    expect(end.stdout).toContain('The simulator counted 100,000 requests');
    expect(await readdir(desk.folder)).toEqual(before);
  }, 60_000);

  it('ends well after Ctrl-C, and leaves nothing behind', async () => {
    await using desk = await Desk.open();
    const before = await readdir(desk.folder);
    const demo = startCarillon([], { script, env: { TMPDIR: desk.folder } });
    demo.process.stdout?.once('data', () => demo.process.kill('SIGINT'));
    expect((await demo.end).exitCode).toBe(130);
    expect(await readdir(desk.folder)).toEqual(before);
  }, 60_000);
});
