import type { Receipt } from '@carillon/engine';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../command-line/usage-error.ts';
import { openReceiptFile, streamTarget } from './receipt-target.ts';
import type { ReceiptTarget } from './receipt-target.ts';
import { ReceiptWriter } from './receipt-writer.ts';

const batch = (first: number, count: number): Receipt[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `job-${first + i}`,
    file: 'jobs.ndjson',
    line: first + i,
    app: 'default',
    token: 'ab'.repeat(32),
    outcome: 'accepted',
    status: 200,
    reason: null,
    apnsId: '7a5f0e4c-7d4b-4a55-8a5a-0c2b5f3f8a11',
    attempts: 1,
    latencyMs: 1,
    at: '2026-11-23T11:59:59.123Z',
  }));

const linesOf = (text: string): number[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { line: number }).line);

/** A target that takes a block when it is told to, and fails when it is told to. */
class GatedTarget implements ReceiptTarget {
  readonly name = 'gated';
  readonly canRetry: boolean;
  readonly blocks: string[] = [];
  isFull = false;
  #release: (() => void) | null = null;
  #isGated: boolean;

  constructor(options: { canRetry: boolean; isGated?: boolean }) {
    this.canRetry = options.canRetry;
    this.#isGated = options.isGated ?? false;
  }

  async write(block: Buffer): Promise<void> {
    if (this.#isGated) {
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
    }
    if (this.isFull) throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    this.blocks.push(block.toString());
  }

  release(): void {
    this.#release?.();
  }

  open(): void {
    this.#isGated = false;
    this.release();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ReceiptWriter', () => {
  it('writes every receipt once, in order', async () => {
    const target = new GatedTarget({ canRetry: true });
    const writer = new ReceiptWriter(target, () => undefined);
    for (let i = 0; i < 20; i++) await writer.write(batch(i * 50, 50));
    expect(await writer.close()).toEqual({ written: 1000, lost: 0, fault: null });
    expect(linesOf(target.blocks.join(''))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('gathers what comes while a block is on its way into one write', async () => {
    const target = new GatedTarget({ canRetry: true, isGated: true });
    const writer = new ReceiptWriter(target, () => undefined);
    for (let i = 0; i < 20; i++) await writer.write(batch(i * 10, 10));
    target.open();
    await writer.close();
    expect(target.blocks).toHaveLength(2);
  });

  it('makes the caller wait when a block of its own is full, and only then', async () => {
    const target = new GatedTarget({ canRetry: true, isGated: true });
    const writer = new ReceiptWriter(target, () => undefined);
    // 1,000 receipts are on their way, 1,000 more find room, and the next 1,000 do not.
    await writer.write(batch(0, 1000));
    await writer.write(batch(1000, 1000));
    let isTaken = false;
    const waiting = writer.write(batch(2000, 1000)).then(() => {
      isTaken = true;
    });
    await turn();
    expect(isTaken).toBe(false);
    target.open();
    await waiting;
    expect((await writer.close()).written).toBe(3000);
    expect(linesOf(target.blocks.join(''))).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });

  it('takes a receipt that is larger than everything else', async () => {
    const target = new GatedTarget({ canRetry: true });
    const writer = new ReceiptWriter(target, () => undefined);
    const [first, second, third] = batch(1, 3);
    await writer.write([first, { ...second, message: 'ü'.repeat(1_000_000) }, third]);
    expect((await writer.close()).written).toBe(3);
    expect(linesOf(target.blocks.join(''))).toEqual([1, 2, 3]);
  });

  it('holds receipts when the disk is full, says so once, and writes them when there is room at the end', async () => {
    const target = new GatedTarget({ canRetry: true });
    const faults: string[] = [];
    const writer = new ReceiptWriter(target, (message) => faults.push(message));
    await writer.write(batch(0, 10));
    await turn();
    target.isFull = true;
    for (let i = 1; i < 5; i++) {
      await writer.write(batch(i * 10, 10));
      await turn();
    }
    expect(faults).toEqual(['gated: no space is left on the device (ENOSPC)']);
    target.isFull = false;
    expect(await writer.close()).toEqual({ written: 50, lost: 0, fault: faults[0] });
    expect(linesOf(target.blocks.join(''))).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('counts as lost what a full disk never takes, or what nobody reads any more', async () => {
    for (const canRetry of [true, false]) {
      const target = new GatedTarget({ canRetry });
      target.isFull = true;
      const writer = new ReceiptWriter(target, () => undefined);
      await writer.write(batch(0, 30));
      expect(await writer.close()).toMatchObject({ written: 0, lost: 30 });
    }
  });

  it('does not stand still after an empty batch', async () => {
    const target = new GatedTarget({ canRetry: true });
    const writer = new ReceiptWriter(target, () => undefined);
    await writer.write([]);
    await writer.write(batch(0, 1));
    expect((await writer.close()).written).toBe(1);
  });
});

describe('A receipts file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'carillon-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is made anew, for its owner only', async () => {
    const path = join(folder, 'new.ndjson');
    const writer = new ReceiptWriter(await openReceiptFile(path, { kind: 'new' }), () => undefined);
    await writer.write(batch(1, 3));
    await writer.close();
    expect(linesOf(await readFile(path, 'utf8'))).toEqual([1, 2, 3]);
  });

  it('that exists is refused, and left as it is', async () => {
    const path = join(folder, 'existing.ndjson');
    await writeFile(path, 'precious');
    await expect(openReceiptFile(path, { kind: 'new' })).rejects.toThrow(UsageError);
    await expect(openReceiptFile(path, { kind: 'new' })).rejects.toThrow(/exists already; --resume continues it/);
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  it('in a folder that does not exist is refused', async () => {
    await expect(openReceiptFile(join(folder, 'no', 'such'), { kind: 'new' })).rejects.toThrow(/there is no such file/);
  });

  it('is continued after its last whole receipt', async () => {
    const path = join(folder, 'continued.ndjson');
    await writeFile(path, 'one\ntwo\n{"torn');
    const start = { kind: 'continued', wholeBytes: 8, needsNewline: false } as const;
    const target = await openReceiptFile(path, start);
    await target.write(Buffer.from('three\n'));
    await target.close();
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('gets the line feed back that its last receipt lacks', async () => {
    const path = join(folder, 'no-newline.ndjson');
    await writeFile(path, 'one\ntwo');
    const target = await openReceiptFile(path, { kind: 'continued', wholeBytes: 7, needsNewline: true });
    await target.write(Buffer.from('three\n'));
    await target.close();
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('may be a device: what goes to /dev/full is lost and said so', async () => {
    const faults: string[] = [];
    const writer = new ReceiptWriter(await openReceiptFile('/dev/full', { kind: 'new' }), (fault) =>
      faults.push(fault),
    );
    await writer.write(batch(1, 3));
    expect(await writer.close()).toMatchObject({ written: 0, lost: 3 });
    expect(faults).toEqual(['/dev/full: no space is left on the device (ENOSPC)']);
  });
});

describe('Receipts to a stream', () => {
  it('arrive whole', async () => {
    const stream = new PassThrough();
    const writer = new ReceiptWriter(streamTarget('stdout', stream), () => undefined);
    await writer.write(batch(1, 2));
    await writer.close();
    expect(linesOf(String(stream.read()))).toEqual([1, 2]);
  });

  it('that nobody reads any more are lost and said so, and nothing is thrown', async () => {
    const stream = new PassThrough();
    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    const faults: string[] = [];
    const writer = new ReceiptWriter(streamTarget('stdout', stream), (fault) => faults.push(fault));
    await turn();
    await writer.write(batch(1, 2));
    expect(await writer.close()).toMatchObject({ lost: 2 });
    expect(faults).toHaveLength(1);
  });
});
