import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readdirSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InlinePreparer, type PreparedBatch, WorkerPreparer } from '../src/index.ts';
import { jobLine, type ReadRecord, readRecords } from './batches.ts';

const hostile = new URL('./hostile-worker.js', import.meta.url);
const broken = new URL('./broken-worker.js', import.meta.url);
const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Every worker thread that is started in this process. */
const started: Worker[] = [];
const collect = (worker: Worker): void => void started.push(worker);
beforeEach(() => {
  started.length = 0;
  process.on('worker', collect);
});
afterEach(() => process.off('worker', collect));

/** What a batch says, without what is random by intention. */
function facts(batch: PreparedBatch): object {
  const records = readRecords(batch).map(({ apnsId, id, ...rest }: ReadRecord) => ({
    ...rest,
    apnsId: rest.isApnsIdGiven ? apnsId : isUuid.test(apnsId),
    id: rest.isIdGiven ? id : id === apnsId,
  }));
  return { records, rejections: batch.rejections, lines: batch.lines };
}

function linesOf(count: number, special: Readonly<Record<number, string>> = {}): Buffer {
  const lines = Array.from(
    { length: count },
    (_, k) => special[k + 1] ?? jobLine({ id: `job-${k + 1}`, collapseId: `c${k}` }),
  );
  return Buffer.from(`${lines.join('\n')}\n`);
}

function asked(deed: string): string {
  return jobLine({ id: deed, payload: { aps: { alert: `please ${deed}` } } });
}

const idsOf = (batch: PreparedBatch): string[] => readRecords(batch).map((record) => record.id);

describe('WorkerPreparer', () => {
  it('gives what the inline preparer gives, whatever the lines', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 2 });
    const inline = new InlinePreparer();
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...lineKinds()) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
      { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
    );
    const ended = fc.record({
      lines: fc.array(line, { maxLength: 60 }),
      isEnded: fc.boolean(),
      firstLine: fc.integer({ min: 1, max: 1e9 }),
    });
    await fc.assert(
      fc.asyncProperty(ended, async ({ lines, isEnded, firstLine }) => {
        const chunk = Buffer.from(lines.join('\n') + (isEnded ? '\n' : ''));
        const context = { lineBytesMax: 400 };
        const prepared = preparer.prepare(chunk, firstLine, context);
        const expected = inline.prepare(chunk, firstLine, context);
        chunk.fill(0x7b); // reused by its owner at once
        expect(facts(await prepared)).toEqual(facts(expected));
      }),
      { numRuns: 150, seed: 618 },
    );
    expect(preparer.workersLost).toBe(0);
  });

  it('brings warnings and shortened alerts along', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1 });
    const odd = jobLine({ id: 'odd', payload: { aps: { alert: 'a', mine: 1 } } });
    const long = jobLine({ id: 'long', truncate: true, payload: { aps: { alert: 'é'.repeat(4000) } } });
    const chunk = Buffer.from([odd, linesOf(1).toString().trim(), long, odd].join('\n'));
    const batch = await preparer.prepare(chunk, 1);
    expect(facts(batch)).toEqual(facts(new InlinePreparer().prepare(chunk, 1)));
    expect(readRecords(batch).map(({ warned, isTruncated }) => [warned, isTruncated])).toEqual([
      [['aps.mine'], false],
      [[], false],
      [[], true],
      [['aps.mine'], false],
    ]);
    expect([batch.truncated, batch.warnings]).toMatchObject([1, [{ records: 2 }]]);
  });

  it('resolves push types to those of this thread, future ones too', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1 });
    const text = `${jobLine({ pushType: 'voip' })}\n${jobLine({ pushType: 'hologram', app: 'b', topic: 'a.b' })}\n`;
    const { heads } = await preparer.prepare(Buffer.from(text), 1);
    const expected = new InlinePreparer().prepare(Buffer.from(text), 1).heads;
    expect(heads).toEqual(expected);
    expect(heads[0].pushType).toBe(expected[0].pushType);
  });

  it('makes apns-ids that are random in every thread', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 3 });
    const lines = Buffer.from(`${jobLine({})}\n`.repeat(500));
    const batches = await Promise.all(Array.from({ length: 20 }, () => preparer.prepare(lines, 1)));
    expect(started.length).toBeGreaterThan(1);
    const ids = batches.flatMap((batch) => readRecords(batch).map((record) => record.apnsId));
    expect(ids.every((id) => isUuid.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(20 * 500);
  });

  it('refuses a batch more than it holds, and takes others when one is done', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1, batchesMax: 3 });
    const held = [1, 2, 3].map((line) => preparer.prepare(linesOf(10), line));
    expect(preparer.batches).toBe(3);
    await expect(preparer.prepare(linesOf(10), 4)).rejects.toMatchObject({ code: 'ERR_PREPARER_FULL' });
    await held[0];
    expect((await preparer.prepare(linesOf(10), 4)).count).toBe(10);
    await Promise.all(held);
    expect(preparer.batches).toBe(0);
  });

  it('never starts more threads than it may', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 2 });
    await Promise.all(Array.from({ length: 60 }, (_, k) => preparer.prepare(linesOf(100), k)));
    expect(started.length).toBe(2);
    expect(preparer.workers).toBe(2);
  });

  it('rejects an aborted batch with the reason, whether it has begun or waits, and goes on', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1 });
    const abort = new AbortController();
    const batches = Array.from({ length: 10 }, () => preparer.prepare(linesOf(100), 1, { signal: abort.signal }));
    const other = preparer.prepare(linesOf(5), 1);
    abort.abort(new Error('not wanted'));
    for (const batch of batches) await expect(batch).rejects.toThrow('not wanted');
    await expect(preparer.prepare(linesOf(1), 1, { signal: abort.signal })).rejects.toThrow('not wanted');
    expect((await other).count).toBe(5);
  });

  it('close() rejects what is not done, leaves no thread, and may be called twice', async () => {
    const threads = threadCount();
    const preparer = new WorkerPreparer({ workersMax: 3 });
    await Promise.all(Array.from({ length: 6 }, () => preparer.prepare(linesOf(100), 1)));
    expect(threadCount()).toBeGreaterThan(threads);
    const late = Array.from({ length: 20 }, () => preparer.prepare(linesOf(400), 1));
    const ends = Promise.allSettled(late);
    await Promise.all([preparer.close(), preparer.close()]);
    for (const end of await ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'ERR_PREPARER_CLOSED' });
    }
    await expect(preparer.prepare(linesOf(1), 1)).rejects.toMatchObject({ code: 'ERR_PREPARER_CLOSED' });
    expect(started.every((worker) => worker.threadId === -1)).toBe(true);
    expect(threadCount()).toBe(threads);
  });

  it('before its first batch has no thread, and closes', async () => {
    const preparer = new WorkerPreparer();
    expect(preparer.workers).toBe(0);
    await preparer.close();
    expect(started).toEqual([]);
  });

  it('holds no more after a million records than after a tenth of them', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1 });
    const chunk = Buffer.from(`${jobLine({ id: 'x' })}\n`.repeat(500));
    let records = 0;
    const upTo = async (most: number): Promise<number> => {
      while (records < most) {
        const batches = await Promise.all(
          Array.from({ length: 8 }, (_, k) => preparer.prepare(chunk, records + 500 * k)),
        );
        for (const batch of batches) records += batch.count;
      }
      return process.memoryUsage.rss();
    };
    const early = await upTo(300_000);
    const late = await upTo(1_000_000);
    // 30 MB: what garbage that is not collected yet comes to; 700,000 records kept would be 200 MB.
    expect((late - early) / 1e6).toBeLessThan(30);
  });
});

describe('a worker thread that dies', () => {
  it('in the middle of a run changes nothing in the result', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 2 });
    const inline = new InlinePreparer();
    const killed = new Set<Worker>();
    for (let round = 0; round < 12; round++) {
      const chunks = Array.from({ length: 8 }, (_, k) => ({
        firstLine: 1 + 300 * (8 * round + k),
        lines: linesOf(300, { 7: 'no json' }),
      }));
      const batches = chunks.map(({ lines, firstLine }) => preparer.prepare(lines, firstLine));
      const victim = started.findLast((worker) => worker.threadId > 0 && !killed.has(worker));
      if (round % 3 === 1 && victim !== undefined) {
        killed.add(victim);
        void victim.terminate();
      }
      for (const [k, { lines, firstLine }] of chunks.entries()) {
        expect(facts(await batches[k])).toEqual(facts(inline.prepare(lines, firstLine)));
      }
    }
    expect(killed.size).toBeGreaterThan(2);
  });

  it('while it starts is replaced at once', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1 });
    const batches = [preparer.prepare(linesOf(20), 1), preparer.prepare(linesOf(30), 21)];
    const startedMs = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    await started[0].terminate();
    expect((await Promise.all(batches)).map((batch) => batch.count)).toEqual([20, 30]);
    expect([started.length, preparer.workersLost]).toEqual([2, 0]);
    // Not the 10 s after which threads that do nothing at all are started anew.
    expect(performance.now() - startedMs).toBeLessThan(9000);
  });

  for (const deed of ['throw', 'exit', 'loop']) {
    it(`of a line that makes it ${deed}: that line is poison, and all others are prepared`, async () => {
      await using preparer = new WorkerPreparer({
        workersMax: 1,
        program: hostile,
        timeoutMs: 300,
        heapBytesMax: 16 << 20,
      });
      const beside = preparer.prepare(linesOf(50), 5000);
      const bad = preparer.prepare(linesOf(6, { 2: asked(deed), 5: 'no json' }), 101);
      const batch = await bad;
      expect(batch.rejections.map(({ line, code, id, token }) => [line, code, id, token])).toEqual([
        [102, 'local.poison', null, null],
        [105, 'local.not-json', null, null],
      ]);
      expect(idsOf(batch)).toEqual(['job-1', 'job-3', 'job-4', 'job-6']);
      expect(readRecords(batch).map((record) => record.line)).toEqual([101, 103, 104, 106]);
      expect(batch.lines).toBe(6);
      expect((await beside).count).toBe(50);
      // Whole twice, then halves: 3 lines, 1 or 2 lines, the line twice.
      expect(preparer.workersLost).toBeLessThanOrEqual(6);
      expect((await preparer.prepare(linesOf(5), 1)).count).toBe(5);
    });
  }

  // In a process of its own: Node promises to end the thread alone only as far as it can.
  it(
    'of a line that makes it use up its memory: that line is poison, and all others are prepared',
    { timeout: 120_000 },
    async () => {
      const { stdout, signal } = await runExhausted();
      expect(signal).toBeNull();
      expect(JSON.parse(stdout)).toEqual({ refused: [[102, 'local.poison']], count: 2, after: 1 });
    },
  );

  it('finds every poisonous line of a batch, the first and the last too', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 2, program: hostile });
    const poison = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(poison, async (lines) => {
        const text = linesOf(20, Object.fromEntries(lines.map((line) => [line, asked('throw')])));
        const batch = await preparer.prepare(text, 1);
        const found = batch.rejections.map((rejection) => [rejection.line, rejection.code]);
        expect(found).toEqual(lines.sort((a, b) => a - b).map((line) => [line, 'local.poison']));
        expect(readRecords(batch).map((record) => record.id)).toEqual(
          Array.from({ length: 20 }, (_, k) => `job-${k + 1}`).filter((_, k) => !lines.includes(k + 1)),
        );
      }),
      { numRuns: 6, seed: 99 },
    );
  });

  it('of a batch of one line is poison after the second time', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 1, program: hostile });
    const batch = await preparer.prepare(Buffer.from(asked('exit')), 17);
    expect(batch.rejections).toMatchObject([{ line: 17, code: 'local.poison', app: null }]);
    expect([batch.count, batch.lines, preparer.workersLost]).toEqual([0, 1, 2]);
  });

  it('before it begins is replaced; where none can begin, the lines are prepared here', async () => {
    await using preparer = new WorkerPreparer({ workersMax: 2, program: broken });
    const batches = await Promise.all([
      preparer.prepare(linesOf(20), 1),
      preparer.prepare(linesOf(20, { 3: 'x' }), 21),
    ]);
    expect(batches.map((batch) => [batch.count, batch.rejections.map(({ line }) => line)])).toEqual([
      [20, []],
      [19, [23]],
    ]);
  });
});

/** Threads of this process, Node's own included. */
function threadCount(): number {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return 0; // not Linux: the threads' ids say it too
  }
}

function lineKinds(): string[] {
  return [
    jobLine({ id: 'a' }),
    jobLine({ priority: 5, expiration: 0, collapseId: 'c', deadline: '2030-01-01T00:00:00Z', app: 'news' }),
    jobLine({ apnsId: '8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F', onAmbiguous: 'report' }),
    jobLine({ pushType: 'hologram', topic: 'com.example' }),
    jobLine({ payload: '{"aps":{"alert":"\\u00e9 \\ud83d\\ude80"}}' }),
    jobLine({ payload: { aps: { 'content-available': 1 } } }),
    jobLine({ payload: { a: 'x'.repeat(450) } }),
    jobLine({ token: 'zz' }),
    '\ufeff',
    ' ',
    '',
    'no json',
  ];
}

function runExhausted(): Promise<{ stdout: string; signal: string | null }> {
  const program = fileURLToPath(new URL('./exhausted-worker-main.ts', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@carillon/source', program], (error, stdout) => {
      resolve({ stdout, signal: error?.signal ?? null });
    });
  });
}
