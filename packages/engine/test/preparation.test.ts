/** Lines prepared elsewhere: several batches at once, bounded, each line with its one receipt whatever happens there. */
import type { Worker } from 'node:worker_threads';
import { InlinePreparer } from '@carillon/payload';
import type { Preparer } from '@carillon/payload';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, jobsOf, linesOf, openWorld, outcomes } from './world.ts';

const started: Worker[] = [];
const note = (worker: Worker): void => void started.push(worker);
beforeEach(() => {
  started.length = 0;
  process.on('worker', note);
});
afterEach(() => process.off('worker', note));

/** Prepares after a while, and counts what it has at once. */
class SlowPreparer implements Preparer {
  readonly #inline = new InlinePreparer();
  readonly #turns: number;
  atOnce = 0;
  atOnceMost = 0;
  linesMost = 0;
  #lines = 0;

  constructor(turns: number) {
    this.#turns = turns;
  }

  async prepare(chunk: Buffer, firstLine: number) {
    const batch = this.#inline.prepare(chunk, firstLine);
    this.atOnceMost = Math.max(this.atOnceMost, ++this.atOnce);
    this.linesMost = Math.max(this.linesMost, (this.#lines += batch.lines));
    for (let turn = 0; turn < this.#turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.atOnce--;
    this.#lines -= batch.lines;
    return batch;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Jobs with a bad line now and then, as chunks that are cut anywhere. */
function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('An engine whose lines are prepared in worker threads', () => {
  it('gives each line its receipt with its number, also when threads are killed in mid-run', async () => {
    await using world = await openWorld({}, { prepare: 'workers', workersMax: 2, limits: { batchBytes: 70_000 } });
    const count = 20_000;
    const lines: unknown[] = jobsOf(count);
    for (let at = 99; at < count; at += 100) lines[at] = 'no json';
    let kills = 0;
    async function* source(): AsyncGenerator<Buffer> {
      let chunks = 0;
      for (const chunk of cut(linesOf(lines), 100_000)) {
        if (++chunks % 8 === 0 && kills < 3) {
          kills++;
          void started.at(-1)?.terminate();
        }
        yield chunk;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const receipts = (await collect(world.engine.sendBytes(source(), { firstLine: 11 }))).flat();
    expect(outcomes(receipts)).toEqual({ accepted: count - count / 100, rejected: count / 100 });
    expect(receipts.map((receipt) => receipt.line).sort((a, b) => Number(a) - Number(b))).toEqual(
      lines.map((_, at) => at + 11),
    );
    for (const { id, line } of receipts) if (id !== null) expect(id).toBe(`job-${Number(line) - 11}`);
    expect(kills).toBe(3);
    await world.engine.drain();
    expect(started.every((worker) => worker.threadId === -1)).toBe(true);
  });

  it('stays on its thread with small inputs, unless told otherwise', async () => {
    await using world = await openWorld();
    expect(outcomes((await collect(world.engine.sendBytes([linesOf(jobsOf(2000))]))).flat())).toEqual({
      accepted: 2000,
    });
    expect(started).toEqual([]);
  });

  it('ends its threads when it closes in mid-run, with one receipt for each line that was read', async () => {
    await using world = await openWorld({}, { prepare: 'workers', workersMax: 1 });
    world.engine.pause('news');
    const receipts = collect(world.engine.sendBytes(cut(linesOf(jobsOf(5000)), 65_536)));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    await world.engine.close();
    const all = (await receipts).flat();
    expect(outcomes(all)).toEqual(all.length === 0 ? {} : { abandoned: all.length });
    expect(new Set(all.map((receipt) => receipt.line)).size).toBe(all.length);
    expect(started.every((worker) => worker.threadId === -1)).toBe(true);
  });
});

describe('Preparation', () => {
  it('has several batches at once, never more than the limit, over all calls', async () => {
    const preparer = new SlowPreparer(3);
    await using world = await openWorld({}, { seams: { preparer }, limits: { preparingMax: 4, batchBytes: 1 } });
    const calls = [1, 2, 3].map(() => collect(world.engine.sendBytes(cut(linesOf(jobsOf(3000)), 7000))));
    for (const call of calls) expect(outcomes((await call).flat())).toEqual({ accepted: 3000 });
    expect(preparer.atOnceMost).toBe(4);
  });

  it('is bounded in bytes', async () => {
    const preparer = new SlowPreparer(3);
    await using world = await openWorld(
      {},
      { seams: { preparer }, limits: { preparingBytesMax: 150_000, batchBytes: 66_000 } },
    );
    expect(outcomes((await collect(world.engine.sendBytes([linesOf(jobsOf(10_000))]))).flat())).toEqual({
      accepted: 10_000,
    });
    expect(preparer.atOnceMost).toBe(3);
  });

  it('keeps room at the door for the jobs it is at', async () => {
    const preparer = new SlowPreparer(20);
    await using world = await openWorld({}, { seams: { preparer }, limits: { jobsMax: 1000, batchBytes: 66_000 } });
    world.engine.pause('news');
    const receipts = collect(world.engine.sendBytes(cut(linesOf(jobsOf(6000)), 20_000)));
    const batchLines = 160;
    for (let turn = 0; turn < 100; turn++) {
      expect(world.engine.stats().jobs).toBeLessThanOrEqual(1000 + batchLines);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(preparer.linesMost).toBeLessThanOrEqual(1000 + batchLines);
    world.engine.resume('news');
    expect(outcomes((await receipts).flat())).toEqual({ accepted: 6000 });
  });

  it('that fails ends the call with its error, after the receipts of what was prepared', async () => {
    const inline = new InlinePreparer();
    let batches = 0;
    const preparer: Preparer = {
      prepare: async (chunk, firstLine) => {
        const batch = inline.prepare(chunk, firstLine);
        await new Promise((resolve) => setImmediate(resolve));
        if (++batches === 3) throw new Error('out of order');
        return batch;
      },
      close: () => Promise.resolve(),
    };
    await using world = await openWorld({}, { seams: { preparer } });
    const jobs = cut(linesOf(jobsOf(5000)), 20_000);
    let receipts = 0;
    const read = async (): Promise<void> => {
      for await (const some of world.engine.sendBytes(jobs)) receipts += some.length;
    };
    await expect(read()).rejects.toThrow('out of order');
    expect(receipts).toBe(world.engine.stats().accepted);
    expect(receipts).toBeGreaterThan(100);
  });
});
