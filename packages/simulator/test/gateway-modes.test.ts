// What the real gateway was seen to do and does not promise, each a switch of its own: latency, throttled devices, provider
// tokens counted over an address, windows. (The falling stream limit and spoiled connections: strict-rules.test.ts.)
import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { Http2Options, Simulator } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { pathOf } from './referee-client.ts';
import { TestClient } from './test-client.ts';

/** Enough for anything, so that "fast" runs on the connection of "strict". */
const anyLoad = { atOnce: 1000, serviceMs: 0 };

async function opened(simulator: Simulator): Promise<TestClient> {
  const client = await TestClient.connect(simulator);
  expect((await client.answer(client.push())).status).toBe('200');
  await client.until('settings', ({ values }) => values[3] === 1_000);
  return client;
}

describe('A simulated gateway', () => {
  it.each(['frames', 'node'] as const)('thinks about each reply by itself, on stack %s', async (stack) => {
    await using simulator = await startSimulator({ stack, latency: { replyMs: 100, spreadMs: 20 } });
    const client = await opened(simulator);
    const begin = performance.now();
    const streams = Array.from({ length: 50 }, () => client.push());
    for (const stream of streams) expect((await client.answer(stream)).status).toBe('200');
    const elapsedMs = performance.now() - begin;
    expect(elapsedMs).toBeGreaterThanOrEqual(99);
    expect(elapsedMs).toBeLessThan(50 * 100); // all at once, not one after the other
    client.close();
  });

  it('thinks in the fast profile too, when told to', async () => {
    await using simulator = await startSimulator({ profile: 'fast', latency: { replyMs: 100 } });
    const client = await TestClient.connect(simulator);
    const begin = performance.now();
    await client.answer(client.push());
    expect(performance.now() - begin).toBeGreaterThanOrEqual(99);
    expect((await client.answer(client.push())).status).toBe('200');
    client.close();
  });

  it('serves so many at once and lets the others wait, over all connections', async () => {
    await using simulator = await startSimulator({ profile: 'fast', load: { atOnce: 4, serviceMs: 100 } });
    const clients = [await TestClient.connect(simulator), await TestClient.connect(simulator)];
    const begin = performance.now();
    const pushes = clients.flatMap((client) => [1, 2, 3, 4].map(() => ({ client, stream: client.push() })));
    const took = await Promise.all(
      pushes.map(async ({ client, stream }) => {
        expect((await client.answer(stream)).status).toBe('200');
        return performance.now() - begin;
      }),
    );
    // 8 pushes, 4 at once, 100 ms each: a millisecond is what two clocks may differ by.
    expect(took.filter((ms) => ms >= 198)).toHaveLength(4);
    for (const ms of took) expect(ms).toBeGreaterThanOrEqual(99);
    for (const client of clients) client.close();
  });

  it('refuses what is above its bound, as it was told to, and takes it when there is room', async () => {
    const load = { atOnce: 1, serviceMs: 60_000, refusesAbove: 1 };
    await using simulator = await startSimulator({ profile: 'fast', load, ledger: { kind: 'memory' } });
    const client = await TestClient.connect(simulator);
    client.push();
    const refused = client.push();
    expect(await client.until('rst', ({ streamId }) => streamId === refused)).toMatchObject({ code: 7 });
    expect(simulator.stats().streamsRefused).toBe(1);
    expect(simulator.ledger).toHaveLength(1);
    simulator.setLoad({ refusal: 503, retryAfterSeconds: 3 });
    const answer = await client.answer(client.push());
    expect(answer).toMatchObject({ status: '503', body: '{"reason":"ServiceUnavailable"}' });
    expect(answer.fields['retry-after']).toBe('3');
    simulator.setLoad({ refusal: 429 });
    expect(await client.answer(client.push())).toMatchObject({ status: '429', body: '' });
    client.close();
  });

  it('gives its window back when half of it is used, or after each read when told to', async () => {
    const body = 'x'.repeat(1000);
    const updates = async (http2: Http2Options): Promise<number> => {
      await using simulator = await startSimulator({
        profile: 'fast',
        http2: { ...http2, windowIncrement: 0 },
        load: anyLoad,
      });
      const client = await TestClient.connect(simulator);
      let given = 0;
      for (let push = 0; push < 10; push++) await client.answer(client.push({}, body));
      for (const frame of client.frames)
        if (frame.kind === 'window-update' && frame.streamId === 0) given += frame.increment;
      client.close();
      return given;
    };
    expect(await updates({})).toBe(0);
    expect(await updates({ windowUpdates: 'each-read' })).toBe(10_000);
  });

  it('answers 429 for one device token after so many requests, until the window is over', async () => {
    await using simulator = await startSimulator({ rules: { deviceRate: { requestsMax: 3, windowMs: 60_000 } } });
    const client = await opened(simulator);
    const statuses = async (path: string, count: number): Promise<string[]> => {
      const seen: string[] = [];
      for (let push = 0; push < count; push += 1)
        seen.push((await client.answer(client.push({ ':path': path }))).status);
      return seen;
    };
    expect(await statuses(pathOf(1), 5)).toEqual(['200', '200', '200', '429', '429']);
    expect(await statuses(pathOf(1).toUpperCase().replace('DEVICE', 'device'), 1)).toEqual(['429']);
    expect(await statuses(pathOf(2), 1)).toEqual(['200']);
    simulator.advanceClock(61_000);
    expect(await statuses(pathOf(1), 1)).toEqual(['200']);
    expect(simulator.stats().reasons).toEqual({ TooManyRequests: 3 });
    client.close();
  });

  it('counts new provider tokens over all connections of an address, when told to', async () => {
    const tokenAged = (simulator: Simulator, seconds: number): string => {
      const claims = { iss: simulator.teamId, iat: Math.floor(Date.now() / 1_000) - seconds };
      return `bearer ${providerToken(simulator.identity, { claims })}`;
    };
    const answerTo = async (simulator: Simulator, authorization: string): Promise<string> => {
      const client = await TestClient.connect(simulator);
      const { status, body } = await client.answer(client.push({ authorization }));
      client.close();
      return `${status} ${body}`.trim();
    };
    await using lenient = await startSimulator();
    for (const seconds of [1, 2, 3]) expect(await answerTo(lenient, tokenAged(lenient, seconds))).toBe('200');

    await using strict = await startSimulator({ rules: { countsTokensPerSource: true } });
    const first = tokenAged(strict, 0);
    expect(await answerTo(strict, first)).toBe('200');
    expect(await answerTo(strict, tokenAged(strict, 1))).toBe('429 {"reason":"TooManyProviderTokenUpdates"}');
    expect(await answerTo(strict, first)).toBe('200');
    strict.advanceClock(20 * 60_000);
    expect(await answerTo(strict, tokenAged(strict, 1))).toBe('200');
    expect(await answerTo(strict, first)).toBe('200'); // both are known now
  });

  it('grants the windows that Apple was seen to grant', async () => {
    await using simulator = await startSimulator();
    const client = await TestClient.connect(simulator);
    expect((await client.until('settings')).values[4]).toBe(65_535);
    expect(await client.until('window-update')).toEqual({ kind: 'window-update', streamId: 0, increment: 32_822 });
    client.close();
  });
});
