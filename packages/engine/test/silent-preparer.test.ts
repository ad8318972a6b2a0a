/** A preparer that hangs or fails: nobody waits for it without end, and the lines it kept are named, not lost in silence. */
import { InlinePreparer } from '@carillon/payload';
import type { PreparedBatch, Preparer } from '@carillon/payload';
import { PreparationError } from '@carillon/engine';
import type { Engine, Receipt } from '@carillon/engine';
import { describe, expect, it } from 'vitest';
import { SkippingClock } from './skipping-clock.ts';
import { expectEmpty, jobsOf, linesOf, openWorld, outcomes, until } from './world.ts';

/** Keeps the batches that begin with the lines it is told; the others are prepared in the next turn. */
class KeepingPreparer implements Preparer {
  readonly #inline = new InlinePreparer();
  readonly #keeps: (firstLine: number) => boolean;
  readonly kept: { readonly batch: PreparedBatch; readonly give: (batch: PreparedBatch) => void }[] = [];
  closes: () => Promise<void> = () => Promise.resolve();

  constructor(keeps: (firstLine: number) => boolean) {
    this.#keeps = keeps;
  }

  async prepare(chunk: Buffer, firstLine: number): Promise<PreparedBatch> {
    const batch = this.#inline.prepare(chunk, firstLine);
    if (this.#keeps(firstLine)) return new Promise((give) => this.kept.push({ batch, give }));
    await new Promise((resolve) => setImmediate(resolve));
    return batch;
  }

  close(): Promise<void> {
    return this.closes();
  }
}

interface Read {
  readonly receipts: Receipt[];
  readonly error: unknown;
}

/** All receipts, and what the call ended with; null when it came to its end. */
async function read(engine: Engine, bytes: Iterable<Uint8Array>): Promise<Read> {
  const receipts: Receipt[] = [];
  try {
    for await (const some of engine.sendBytes(bytes)) receipts.push(...some);
  } catch (error) {
    return { receipts, error };
  }
  return { receipts, error: null };
}

/** Ten lines a chunk, and a batch for each. */
function tens(count: number): Buffer[] {
  const jobs = jobsOf(count);
  return Array.from({ length: count / 10 }, (_, ten) => linesOf(jobs.slice(ten * 10, ten * 10 + 10)));
}

function linesIn({ receipts }: Read): number[] {
  return receipts.map(({ line }) => line ?? 0).sort((a, b) => a - b);
}

function upTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

describe('Engine with a preparer that keeps batches for ever', () => {
  it('drains all the same after two minutes, and names the lines after the last receipt', async () => {
    const clock = new SkippingClock();
    const preparer = new KeepingPreparer((line) => line === 11 || line === 21);
    await using world = await openWorld({}, { seams: { clock, preparer }, limits: { batchBytes: 1000 } });
    const call = read(world.engine, tens(50));
    await until('the others are sent', () => world.engine.stats().accepted === 30);
    const drained = world.engine.drain();
    clock.skip(119_000);
    let isOver = false;
    void call.then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isOver).toBe(false);
    clock.skip(1000);
    await drained;
    const end = await call;
    expect(linesIn(end)).toEqual([...upTo(1, 10), ...upTo(31, 50)]);
    expect(outcomes(end.receipts)).toEqual({ accepted: 30 });
    expect(end.error).toBeInstanceOf(PreparationError);
    expect(end.error).toMatchObject({ code: 'ERR_ENGINE_PREPARATION', lines: [{ first: 11, last: 30 }] });
    expect((end.error as Error).message).toMatch(/^lines 11–30 .*not sent.*no receipts: .*within 120 s/u);
    expectEmpty(world.engine);
  });

  it('is closed within 5 s, also when the preparer does not close either', async () => {
    const preparer = new KeepingPreparer((line) => line === 11);
    preparer.closes = () => new Promise(() => undefined);
    await using world = await openWorld({}, { seams: { preparer }, limits: { batchBytes: 1000 } });
    world.engine.pause('news');
    const call = read(world.engine, tens(30));
    await until('the others wait', () => world.engine.stats().waiting === 20);
    const begun = performance.now();
    await Promise.all([world.engine.drain(), world.engine.close()]);
    expect(performance.now() - begun).toBeLessThan(5500);
    const end = await call;
    expect(linesIn(end)).toEqual([...upTo(1, 10), ...upTo(21, 30)]);
    expect(outcomes(end.receipts)).toEqual({ abandoned: 20 });
    expect(end.error).toMatchObject({ lines: [{ first: 11, last: 20 }] });
    expectEmpty(world.engine);
  });

  it('does not send a batch that comes after it was given up', async () => {
    const clock = new SkippingClock();
    const preparer = new KeepingPreparer((line) => line === 11);
    await using world = await openWorld({}, { seams: { clock, preparer }, limits: { batchBytes: 1000 } });
    const call = read(world.engine, tens(20));
    await until('the others are sent', () => world.engine.stats().accepted === 10);
    clock.skip(120_000);
    expect((await call).error).toMatchObject({ lines: [{ first: 11, last: 20 }] });
    for (const { batch, give } of preparer.kept) give(batch);
    await world.engine.drain();
    expect(world.engine.stats()).toMatchObject({ admitted: 10, accepted: 10 });
    expect(world.simulator.ledger).toHaveLength(10);
  });

  it('takes a batch that comes in time while the engine closes', async () => {
    const preparer = new KeepingPreparer((line) => line === 11);
    await using world = await openWorld({}, { seams: { preparer }, limits: { batchBytes: 1000 } });
    const call = read(world.engine, tens(20));
    await until('the others are sent', () => world.engine.stats().accepted === 10);
    const closed = world.engine.close();
    for (const { batch, give } of preparer.kept) give(batch);
    await closed;
    const end = await call;
    expect(end.error).toBeNull();
    expect(outcomes(end.receipts)).toEqual({ accepted: 10, abandoned: 10 });
    expect(new Set(end.receipts.map(({ because }) => because))).toEqual(new Set([undefined, 'shutdown']));
  });
});

describe('Engine with a preparer that fails', () => {
  it('names every line that was read and has no receipt, and what the preparer said', async () => {
    const inline = new InlinePreparer();
    let batches = 0;
    const preparer: Preparer = {
      prepare: async (chunk, firstLine) => {
        const batch = inline.prepare(chunk, firstLine);
        await new Promise((resolve) => setImmediate(resolve));
        if (++batches === 2) throw new Error('out of order');
        return batch;
      },
      close: () => Promise.resolve(),
    };
    await using world = await openWorld({}, { seams: { preparer }, limits: { batchBytes: 66_000, preparingMax: 1 } });
    // One chunk of several batches: what follows the failure in it was read too.
    const end = await read(world.engine, [linesOf(jobsOf(3000))]);
    expect(batches).toBeLessThanOrEqual(3);
    expect(end.error).toMatchObject({ code: 'ERR_ENGINE_PREPARATION', cause: { message: 'out of order' } });
    const { lines } = end.error as PreparationError;
    const named = lines.flatMap(({ first, last }) => upTo(first, last));
    expect([...linesIn(end), ...named].sort((a, b) => a - b)).toEqual(upTo(1, 3000));
    expect(end.receipts.length).toBeGreaterThan(0);
  });
});
