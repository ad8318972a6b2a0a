import { createHash } from 'node:crypto';
import { EngineConfigError, RecipientsFullError } from '@carillon/engine';
import type { Campaign, CampaignNotification, Receipt, Recipient } from '@carillon/engine';
import { createIdentity } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobsOf, openWorld, outcomes, tokenOf, until } from './world.ts';
import type { World } from './world.ts';

const hi: CampaignNotification = { payload: { aps: { alert: 'Hi' } } };
const hello: CampaignNotification = { payload: { aps: { alert: 'Hello {{name}}' } } };

function tokens(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, number) => tokenOf(from + number));
}

function recipients(count: number): Recipient[] {
  return tokens(count).map((token, number) => ({ token, id: `r-${number}`, variables: { name: `No. ${number}` } }));
}

/** A list's bytes, cut into chunks of `bytes`. */
function* listOf(lines: readonly unknown[], bytes = 10_000): Generator<Buffer> {
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  const list = Buffer.from(text);
  for (let at = 0; at < list.length; at += bytes) yield list.subarray(at, at + bytes);
}

async function all(campaign: Campaign): Promise<Receipt[]> {
  return (await collect(campaign)).flat();
}

/** What the gateway took, by device token. */
function takenBy(world: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { token } of world.simulator.ledger) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

function linesOf(receipts: readonly Receipt[]): number[] {
  return receipts.map(({ line }) => line ?? 0).sort((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number + 1);
}

describe('Engine.campaign', () => {
  it('sends one notification to each of thousands of device tokens', async () => {
    await using world = await openWorld();
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(5000) });
    expect(campaign.progress()).toMatchObject({ state: 'ready', read: 0, total: 5000, leftMs: null });
    const receipts = await all(campaign);
    expect(outcomes(receipts)).toEqual({ accepted: 5000 });
    expect(linesOf(receipts)).toEqual(upTo(5000));
    expect(new Set(receipts.map(({ apnsId }) => apnsId)).size).toBe(5000);
    expect(takenBy(world)).toEqual(new Map(tokens(5000).map((token) => [token, 1])));
    expect(campaign.progress()).toMatchObject({
      state: 'ended',
      read: 5000,
      settled: 5000,
      accepted: 5000,
      underWay: 0,
    });
    expectEmpty(world.engine);
    // Its lane is gone.
    expect(world.engine.stats().outlets[0]?.lanes.filter(({ app }) => app === 'news').length).toBe(1);
  });

  it('fills the slots for each of them, from a list cut anywhere', async () => {
    await using world = await openWorld({ ledger: { kind: 'memory', payloadSha256: true } });
    const list = [...recipients(1000), 'not a token', { token: tokenOf(5000), id: 'without' }];
    const campaign = world.engine.campaign({ notification: hello, recipients: listOf(list, 777), file: 'list.ndjson' });
    const receipts = await all(campaign);
    expect(outcomes(receipts)).toEqual({ accepted: 1000, rejected: 2 });
    expect(linesOf(receipts)).toEqual(upTo(1002));
    const without = receipts.find(({ id }) => id === 'without');
    expect(without).toMatchObject({
      file: 'list.ndjson',
      line: 1002,
      app: 'news',
      token: tokenOf(5000),
      reason: 'local.missing-variable',
      status: null,
      attempts: 0,
    });
    expect(without?.message).toContain('"name"');
    expect(receipts.find(({ line }) => line === 1001)).toMatchObject({ id: null, reason: 'local.bad-device-token' });
    expect(receipts.find(({ id }) => id === 'r-7')).toMatchObject({ line: 8, status: 200 });
    const wanted = (number: number): string =>
      createHash('sha256').update(`{"aps":{"alert":"Hello No. ${number}"}}`).digest('hex');
    const hashes = new Map(world.simulator.ledger.map(({ token, payloadSha256 }) => [token, payloadSha256]));
    expect(hashes).toEqual(new Map(tokens(1000).map((token, number) => [token, wanted(number)])));
  });

  it('warns once of what is odd in the notification', async () => {
    await using world = await openWorld();
    const notification = { payload: { aps: { alert: 'Hi {{name}}', colour: 'red' } } };
    const campaign = world.engine.campaign({ notification, recipients: recipients(2) });
    expect(campaign.warnings).toMatchObject([{ code: 'local.unknown-aps-key', path: 'aps.colour' }]);
    const receipts = await all(campaign);
    expect(outcomes(receipts)).toEqual({ accepted: 2 });
    expect(receipts[0]?.warnings).toBeUndefined();
  });

  it('takes recipients one by one from a source that is slow', async () => {
    await using world = await openWorld();
    async function* slow(): AsyncGenerator<Recipient | string> {
      for (const recipient of recipients(20)) {
        yield recipient;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      yield 'nonsense';
    }
    const campaign = world.engine.campaign({ notification: hello, recipients: slow() });
    const receipts: Receipt[] = [];
    for await (const some of campaign) {
      if (receipts.length === 0) expect(campaign.progress()).toMatchObject({ state: 'running', total: null });
      receipts.push(...some);
    }
    expect(outcomes(receipts)).toEqual({ accepted: 20, rejected: 1 });
    expect(linesOf(receipts)).toEqual(upTo(21));
  });

  it('pulls no more than half of the door, and leaves the other half to others', async () => {
    await using world = await openWorld({}, { limits: { jobsMax: 1000 } });
    world.engine.pause('news');
    let pulled = 0;
    function* endless(): Generator<string> {
      for (;;) yield tokenOf(pulled++);
    }
    const iterator = world.engine.campaign({ notification: hi, recipients: endless() })[Symbol.asyncIterator]();
    const first = iterator.next();
    await until('it is as far ahead as may be', () => world.engine.stats().jobs >= 500);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(world.engine.stats().jobs).toBe(500);
    expect(pulled).toBeLessThanOrEqual(501);
    const others = jobsOf(400).map((job) => world.engine.send(job, { whenFull: 'refuse' }));
    world.engine.resume('news');
    expect((await first).value?.[0]).toMatchObject({ outcome: 'accepted' });
    for (const { kind } of await Promise.all(others)) expect(kind).toBe('accepted');
    await iterator.return(undefined);
    await until('what was on the wire has ended', () => world.engine.stats().jobs === 0);
    expectEmpty(world.engine);
  });

  it('pulls no more than that from a source that gives one in each turn', async () => {
    await using world = await openWorld({}, { limits: { jobsMax: 100, receiptsMax: 50 } });
    let pulled = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        yield tokenOf(pulled++);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const iterator = world.engine.campaign({ notification: hi, recipients: endless() })[Symbol.asyncIterator]();
    await iterator.next();
    await until('it is at rest', () => world.engine.stats().jobs === 0 && pulled > 50);
    const before = pulled;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(before);
    expect(before).toBeLessThan(50 + 2 * 50 + 20);
    await iterator.return(undefined);
  });

  it('stops pulling when nobody takes the receipts, and goes on when somebody does', async () => {
    await using world = await openWorld({}, { limits: { receiptsMax: 500, jobsMax: 1000 } });
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(4000) });
    const iterator = campaign[Symbol.asyncIterator]();
    let taken = ((await iterator.next()).value ?? []).length;
    await until('it is at rest', () => world.engine.stats().jobs === 0 && campaign.progress().read > 500);
    const { read } = campaign.progress();
    expect(read).toBeLessThan(taken + 500 + 500);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) taken += next.value.length;
    expect(taken).toBe(4000);
  });

  describe('paused', () => {
    it('sends and reads no more, and lets its app go on', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 1000 } });
      const campaign = world.engine.campaign({ notification: hi, recipients: tokens(5000) });
      const receipts: Receipt[] = [];
      let isPausedOnce = false;
      const read = (async () => {
        for await (const some of campaign) {
          receipts.push(...some);
          if (receipts.length > 500 && !isPausedOnce) {
            isPausedOnce = true;
            campaign.pause();
          }
        }
      })();
      await until('it is paused, and the wire empty', () => {
        const { onWire } = world.engine.stats();
        return campaign.progress().state === 'paused' && onWire === 0;
      });
      const before = { read: campaign.progress().read, taken: world.simulator.ledger.length };
      expect(campaign.progress().leftMs).toBeNull();
      // The whole door is open to others, whatever the campaign holds.
      const others = jobsOf(999).map((job) => world.engine.send(job, { whenFull: 'refuse' }));
      for (const { kind } of await Promise.all(others)) expect(kind).toBe('accepted');
      expect({ read: campaign.progress().read, taken: world.simulator.ledger.length - 999 }).toEqual(before);
      campaign.resume();
      await until('it has taken up its way', () => receipts.length > 2000);
      await read;
      expect(outcomes(receipts)).toEqual({ accepted: 5000 });
      expect(linesOf(receipts)).toEqual(upTo(5000));
      expectEmpty(world.engine);
    });

    it('stays so when its app is paused and resumed', async () => {
      await using world = await openWorld();
      const campaign = world.engine.campaign({ notification: hi, recipients: tokens(300) });
      campaign.pause();
      const receipts = all(campaign);
      world.engine.pause('news');
      world.engine.resume('news');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(campaign.progress()).toMatchObject({ state: 'paused', read: 0, settled: 0 });
      world.engine.pause('news');
      campaign.resume();
      await until('it has read', () => campaign.progress().read === 300);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(world.engine.stats()).toMatchObject({ accepted: 0, waiting: 300 });
      world.engine.resume('news');
      expect(outcomes(await receipts)).toEqual({ accepted: 300 });
    });

    it('and cancelled gives up what it holds, each with its receipt', async () => {
      await using world = await openWorld();
      world.engine.pause('news');
      const campaign = world.engine.campaign({ notification: hi, recipients: tokens(2000) });
      const receipts = all(campaign);
      await until('it has read', () => campaign.progress().read === 2000);
      campaign.pause();
      campaign.cancel();
      expect(outcomes(await receipts)).toEqual({ abandoned: 2000 });
      expect(new Set((await receipts).map(({ because, processed }) => `${because} ${processed}`))).toEqual(
        new Set(['cancelled no']),
      );
      expect(campaign.progress()).toMatchObject({ state: 'cancelled', abandoned: 2000 });
      expectEmpty(world.engine);
    });
  });

  describe('with an end before its end', () => {
    it('by signal gives up what waits; by stop finishes what was read', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 4000 } });
      for (const how of ['signal', 'stop'] as const) {
        const controller = new AbortController();
        let pulled = 0;
        function* endless(): Generator<string> {
          for (;;) yield tokenOf(pulled++);
        }
        const campaign = world.engine.campaign({ notification: hi, recipients: endless(), [how]: controller.signal });
        const receipts: Receipt[] = [];
        for await (const some of campaign) {
          receipts.push(...some);
          if (receipts.length > 1000) controller.abort();
        }
        const { read, state } = campaign.progress();
        expect(linesOf(receipts)).toEqual(upTo(read));
        expect(state).toBe(how === 'signal' ? 'cancelled' : 'ended');
        if (how === 'stop') expect(outcomes(receipts)).toEqual({ accepted: read });
        expectEmpty(world.engine);
      }
    });

    it('by a source that fails, hands out every receipt first', async () => {
      await using world = await openWorld();
      async function* failing(): AsyncGenerator<string> {
        yield* tokens(700);
        throw new Error('the database is gone');
      }
      const receipts: Receipt[] = [];
      const campaign = world.engine.campaign({ notification: hi, recipients: failing() });
      const read = (async () => {
        for await (const some of campaign) receipts.push(...some);
      })();
      await expect(read).rejects.toThrow('the database is gone');
      expect(outcomes(receipts)).toEqual({ accepted: 700 });
    });

    it('by the engine closing, settles everything', async () => {
      await using world = await openWorld({}, { limits: { jobsMax: 2000 } });
      const campaign = world.engine.campaign({ notification: hi, recipients: tokens(5000) });
      campaign.pause();
      const receipts = all(campaign);
      campaign.resume();
      await until('it runs', () => campaign.progress().settled > 0);
      campaign.pause();
      await world.engine.close();
      const { read } = campaign.progress();
      expect(linesOf(await receipts)).toEqual(upTo(read));
      expectEmpty(world.engine);
      const late = world.engine.campaign({ notification: hi, recipients: tokens(1) });
      await expect(all(late)).rejects.toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    });
  });

  describe('with device tokens that come again', () => {
    it.each(['exact', 'fingerprints'] as const)(
      'sends to each once, and says of which line (%s)',
      async (duplicates) => {
        await using world = await openWorld();
        const list = tokens(1000).flatMap((token, number) =>
          number % 10 === 0 ? [token, { token, id: `again-${number}` }] : [token],
        );
        const campaign = world.engine.campaign({ notification: hi, recipients: listOf(list), duplicates });
        const receipts = await all(campaign);
        expect(outcomes(receipts)).toEqual({ accepted: 1000, rejected: 100 });
        expect(linesOf(receipts)).toEqual(upTo(1100));
        expect(new Set(takenBy(world).values())).toEqual(new Set([1]));
        expect(receipts.find(({ id }) => id === 'again-10')).toMatchObject({
          line: 13,
          duplicateOf: 12,
          token: tokenOf(10),
          status: null,
          reason: 'local.duplicate-recipient',
          message: expect.stringContaining('line 12') as string,
        });
        expect(campaign.progress()).toMatchObject({ accepted: 1000, rejected: 100, duplicates: 100 });
      },
    );

    it('sends again where it is told to remember none', async () => {
      await using world = await openWorld();
      const campaign = world.engine.campaign({
        notification: hi,
        recipients: [tokenOf(1), tokenOf(1)],
        duplicates: 'off',
      });
      expect(outcomes(await all(campaign))).toEqual({ accepted: 2 });
      expect(takenBy(world)).toEqual(new Map([[tokenOf(1), 2]]));
    });

    it('leaves out what an earlier run settled, and remembers it', async () => {
      await using world = await openWorld();
      const campaign = world.engine.campaign({
        notification: hi,
        recipients: listOf([tokenOf(1), tokenOf(2), tokenOf(1), tokenOf(3)]),
        isSettled: (line) => line <= 2,
      });
      const receipts = await all(campaign);
      expect(receipts).toMatchObject([
        { line: 3, duplicateOf: 1 },
        { line: 4, outcome: 'accepted' },
      ]);
      expect(campaign.progress()).toMatchObject({ read: 2, skipped: 2, settled: 2 });
    });
  });

  it('obeys its own rate cap, and its app others', async () => {
    await using world = await openWorld();
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(200), ratePerSecond: 400 });
    const startedMs = performance.now();
    const receipts = all(campaign);
    await until('it runs', () => campaign.progress().settled > 0);
    expect(campaign.progress().read).toBeLessThanOrEqual(200);
    const others = await Promise.all(jobsOf(500).map((job) => world.engine.send(job)));
    const othersMs = performance.now() - startedMs;
    expect(new Set(others.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
    expect(outcomes(await receipts)).toEqual({ accepted: 200 });
    // 40 at once, 160 at 400 a second: 0.4 s.
    const campaignMs = performance.now() - startedMs;
    expect(campaignMs).toBeGreaterThan(350);
    expect(othersMs).toBeLessThan(campaignMs);
  });

  it('is no further ahead of a slow rate than some seconds', async () => {
    await using world = await openWorld();
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(5000), ratePerSecond: 20 });
    const iterator = campaign[Symbol.asyncIterator]();
    await iterator.next();
    expect(campaign.progress().read).toBeLessThanOrEqual(100);
    campaign.cancel();
    let count = 0;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) count += next.value.length;
    expect(count).toBeLessThanOrEqual(100);
  });

  it('takes turns with what else its app sends', async () => {
    await using world = await openWorld({ http2: { streamsMax: 10 } }, { connectionsMax: 1 });
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(20_000) });
    const receipts = all(campaign);
    await until('thousands wait', () => world.engine.stats().waiting > 5000);
    const outcome = await world.engine.send({ token: tokenOf(50_000), payload: { aps: { alert: 'Code 1234' } } });
    expect(outcome.kind).toBe('accepted');
    expect(campaign.progress().settled).toBeLessThan(15_000);
    campaign.cancel();
    await receipts;
  });

  it('goes on when its credential is replaced', async () => {
    const second = createIdentity({ teamId: 'TEAM123456', keyId: 'KEY3333333' });
    await using world = await openWorld({ rules: { keys: [second] } });
    world.engine.pause('news');
    const campaign = world.engine.campaign({ notification: hi, recipients: tokens(500) });
    const receipts = all(campaign);
    await until('it waits', () => world.engine.stats().waiting === 500);
    const { keyPem: key, keyId, teamId } = second;
    world.engine.replaceCredential('news', { kind: 'token', key, keyId, teamId });
    world.engine.resume('news');
    expect(outcomes(await receipts)).toEqual({ accepted: 500 });
  });

  it('ends at the first recipient that it could not remember', async () => {
    await using world = await openWorld();
    // The first million were sent in an earlier run: they are remembered all the same.
    function* list(): Generator<Buffer> {
      for (let from = 0; from < 999_998; from += 1000) yield Buffer.from(`${tokens(1000, from).join('\n')}\n`);
      yield Buffer.from([tokenOf(7), tokenOf(1_000_000), tokenOf(1_000_001), ''].join('\n'));
    }
    const campaign = world.engine.campaign({
      notification: hi,
      recipients: list(),
      isSettled: (line) => line <= 999_999,
    });
    const receipts: Receipt[] = [];
    const read = (async () => {
      for await (const some of campaign) receipts.push(...some);
    })();
    await expect(read).rejects.toThrow(RecipientsFullError);
    await expect(read).rejects.toMatchObject({ code: 'ERR_ENGINE_RECIPIENTS', line: 1_000_002 });
    expect(linesOf(receipts)).toEqual([1_000_000, 1_000_001]);
    expect(outcomes(receipts)).toEqual({ accepted: 1, rejected: 1 });
    expect(world.simulator.ledger.length).toBe(1);
  });

  it.each([
    [{ notification: { payload: { aps: { alert: '{{a' } } }, recipients: [] }, 'notification.payload.aps.alert'],
    [{ notification: { payload: 7 }, recipients: [] }, 'notification.payload'],
    [{ notification: { payload: { aps: { badge: '{{n}}' } } }, recipients: [] }, 'notification.payload.aps.badge'],
    [{ notification: { ...hi, priority: 7 }, recipients: [] }, 'notification.priority'],
    [{ notification: 'Hi', recipients: [] }, 'notification'],
    [{ notification: hi, recipients: 'c0ffee' }, 'recipients'],
    [{ notification: hi, recipients: 7 }, 'recipients'],
    [{ notification: hi, recipients: [], ratePerSecond: 0 }, 'ratePerSecond'],
    [{ notification: hi, recipients: [], duplicates: 'some' }, 'duplicates'],
    [{ notification: hi, recipients: [], app: 'nobody' }, 'apps.nobody'],
  ])('refuses %j, naming %s', async (options, field) => {
    await using world = await openWorld();
    const call = (): unknown => world.engine.campaign(options as never);
    expect(call).toThrow(EngineConfigError);
    try {
      call();
    } catch (error) {
      expect(error).toMatchObject({ field });
    }
  });
});
