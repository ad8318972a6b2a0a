import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobOf, linesOf, newsApp, openWorld, tokenOf } from './world.ts';

describe('Engine', () => {
  it('gives each bad line one receipt that says what is wrong where, and sends the rest', async () => {
    await using world = await openWorld();
    const lines = [
      jobOf(0),
      '{"id":"cut","token":',
      jobOf(2, { token: 'xyz' }),
      { ...jobOf(3), payload: { aps: { alert: 'x'.repeat(5000) } } },
      jobOf(4, { collapseId: 'a\r\nb: c' }),
      { ...jobOf(5), colour: 'red' },
      '{"id":"proto","token":"aa","__proto__":{"x":1},"payload":{"aps":{}}}',
      '',
      '   ',
      jobOf(9, { app: 'shop' }),
      jobOf(10, { priority: 7 }),
      '[]',
      jobOf(12, { topic: 'com.example/../x' }),
      jobOf(13),
    ];
    const receipts = (
      await collect(world.engine.sendBytes([linesOf(lines)], { file: 'jobs.ndjson', firstLine: 101 }))
    ).flat();
    const byLine = new Map(receipts.map((receipt) => [(receipt.line ?? 0) - 101, receipt]));
    expect([...byLine.keys()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13]);
    expect(receipts).toHaveLength(12);
    for (const line of [0, 13])
      expect(byLine.get(line)).toMatchObject({ outcome: 'accepted', file: 'jobs.ndjson', id: `job-${line}` });
    for (const line of [1, 2, 3, 4, 5, 6, 9, 10, 11, 12]) {
      const receipt = byLine.get(line);
      expect(receipt).toMatchObject({
        outcome: 'rejected',
        status: null,
        attempts: 0,
        apnsId: null,
        file: 'jobs.ndjson',
      });
      expect(receipt?.reason).toMatch(/^local\./);
      expect(receipt?.message?.length).toBeGreaterThan(10);
    }
    expect(byLine.get(9)).toMatchObject({ id: 'job-9', reason: 'local.unknown-app', token: tokenOf(9) });
    expect(world.simulator.ledger).toHaveLength(2);
    expect(world.engine.stats()).toMatchObject({ refused: 10, admitted: 2 });
    expectEmpty(world.engine);
  });

  it('gives the same line numbers however the bytes are cut', async () => {
    await using world = await openWorld();
    const bytes = linesOf([jobOf(0), 'broken', jobOf(2, { token: 'xyz' }), jobOf(3)]);
    for (const size of [1, 7, 64]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      const receipts = (await collect(world.engine.sendBytes(chunks))).flat();
      expect(receipts.map(({ line, outcome }) => `${line} ${outcome}`).toSorted()).toEqual([
        '1 accepted',
        '2 rejected',
        '3 rejected',
        '4 accepted',
      ]);
    }
  });

  it('refuses bad jobs of sendAll and send in the same words', async () => {
    await using world = await openWorld();
    const receipts = await collect(world.engine.sendAll([jobOf(1, { token: 'xyz' }), jobOf(2)]));
    expect(receipts.map(({ outcome }) => outcome).toSorted()).toEqual(['accepted', 'rejected']);
    const refused = receipts.find(({ outcome }) => outcome === 'rejected');
    expect(refused).toMatchObject({ id: 'job-1', status: null });
    expect(refused !== undefined && 'line' in refused).toBe(false);
    expect(await world.engine.send(jobOf(1, { token: 'xyz' }))).toEqual({
      kind: 'rejected',
      status: null,
      reason: refused?.reason,
      message: refused?.message,
    });
    expect(await world.engine.send(jobOf(1, { app: 'shop' }))).toMatchObject({
      kind: 'rejected',
      reason: 'local.unknown-app',
    });
    expectEmpty(world.engine);
  });

  it('needs the app to be named where there are several', async () => {
    await using world = await openWorld(
      {},
      { apps: (simulator) => ({ news: newsApp(simulator), chat: newsApp(simulator, { topic: 'com.example.chat' }) }) },
    );
    expect(await world.engine.send(jobOf(1))).toMatchObject({ kind: 'rejected', reason: 'local.unknown-app' });
    expect(await world.engine.send(jobOf(1, { app: 'chat' }))).toMatchObject({ kind: 'accepted' });
    expect(world.simulator.ledger).toMatchObject([{ topic: 'com.example.chat' }]);
  });

  // Refused jobs gathered without end in the builder while a source gave nothing else.
  it('hands on the receipts of refused jobs while the source goes on', async () => {
    await using world = await openWorld({}, { limits: { receiptsMax: 1000 } });
    let given = 0;
    function* endless(): Generator<ReturnType<typeof jobOf>> {
      for (;;) yield jobOf(given++, { token: 'xyz' });
    }
    let taken = 0;
    for await (const receipt of world.engine.sendAll(endless())) {
      expect(receipt.outcome).toBe('rejected');
      if (++taken === 5000) break;
    }
    expect(given).toBeLessThan(5000 + 1000 + 1000);
  });
});
