import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AutoPreparer, type PreparedBatch } from '../src/index.ts';
import { jobLine } from './batches.ts';

const started: Worker[] = [];
const collect = (worker: Worker): void => void started.push(worker);
beforeEach(() => {
  started.length = 0;
  process.on('worker', collect);
});
afterEach(() => process.off('worker', collect));

const line = `${jobLine({ payload: { aps: { alert: 'x'.repeat(3900) } } })}\n`;
const large = Buffer.from(line.repeat(16));
const isHere = (prepared: PreparedBatch | Promise<PreparedBatch>): boolean => !(prepared instanceof Promise);

describe('AutoPreparer', () => {
  it('prepares small inputs on the calling thread and starts none', async () => {
    const preparer = new AutoPreparer({ workersMax: 2 });
    for (let bytes = 0; bytes < 15 * 1_048_576; bytes += large.length)
      expect(isHere(preparer.prepare(large, 1))).toBe(true);
    expect(started).toEqual([]);
    await preparer.close();
  });

  it('hands large inputs over once a thread is there, and never waits for one to start', async () => {
    const preparer = new AutoPreparer({ workersMax: 1 });
    let here = 0;
    let prepared = preparer.prepare(large, 1);
    while (isHere(prepared)) {
      here++;
      await new Promise((resolve) => setImmediate(resolve));
      prepared = preparer.prepare(large, 1);
    }
    expect(here).toBeGreaterThan((16 * 1_048_576) / large.length);
    expect((await prepared).count).toBe(16);
    expect([started.length, preparer.workers]).toEqual([1, 1]);
    // A few lines cost less than handing them over.
    expect(isHere(preparer.prepare(Buffer.from(line), 1))).toBe(true);
    await preparer.close();
    expect([preparer.workers, started[0].threadId]).toEqual([0, -1]);
  });

  it('prepares here what the threads have no room for', async () => {
    const preparer = new AutoPreparer({ workersMax: 1, batchesMax: 2 });
    while (isHere(preparer.prepare(large, 1))) await new Promise((resolve) => setImmediate(resolve));
    const batches = Array.from({ length: 5 }, () => preparer.prepare(large, 1));
    expect(batches.filter(isHere).length).toBe(4);
    for (const batch of batches) expect((await batch).count).toBe(16);
    await preparer.close();
  });

  it('may be closed while a thread starts', async () => {
    const preparer = new AutoPreparer({ workersMax: 1 });
    for (let bytes = 0; bytes <= 17 * 1_048_576; bytes += large.length) await preparer.prepare(large, 1);
    await preparer.close();
    expect(started.every((worker) => worker.threadId === -1)).toBe(true);
  });
});
