// What the real gateway was seen to do and does not promise, each a switch of its own: latency, throttled devices, provider
// tokens counted over an address, windows. (The falling stream limit and spoiled connections: strict-rules.test.ts.)
import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { Simulator } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { pathOf } from './referee-client.ts';
import { TestClient } from './test-client.ts';

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
    client.close();
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
