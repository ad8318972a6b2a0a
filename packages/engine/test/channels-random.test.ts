/**
 * Calls about channels against a gateway that does whatever chance wants, over real TLS. What must hold whatever it
 * does: each call ends once; a channel is never made twice for one call; what failed as surely not processed was not.
 */
import { ChannelError, createEngine } from '@carillon/engine';
import type { CreatedChannel } from '@carillon/engine';
import { describe, expect, it } from 'vitest';
import { headerOf, startPeer } from './http2-peer.ts';
import type { Answering, PeerAnswer } from './http2-peer.ts';

/** mulberry32: the same seed gives the same gateway. */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const refusal = (status: number, reason: string): PeerAnswer => ({
  headers: { ':status': status },
  body: JSON.stringify({ reason }),
});

const cancelled = 8;
const refusedStream = 7;

describe('engine.channels against a gateway of chance', () => {
  it.each([1, 2, 3])('never makes two channels for one call, and tells the truth (seed %i)', async (seed) => {
    const dice = diceOf(seed);
    /** How often a creation was carried out, by request id. */
    const made = new Map<string, number>();
    const answer: Answering = (request) => {
      const isCreation = headerOf(request, ':method') === 'POST';
      const carryOut = (): PeerAnswer => {
        const id = headerOf(request, 'apns-request-id') ?? '';
        if (!isCreation) return { headers: { ':status': 200 }, body: '{"channels":[]}' };
        made.set(id, (made.get(id) ?? 0) + 1);
        return { headers: { ':status': 201, 'apns-channel-id': Buffer.from(id.slice(0, 16)).toString('base64') } };
      };
      const throwOf = dice();
      if (throwOf < 0.1) return { reset: refusedStream };
      if (throwOf < 0.15) return refusal(503, 'Shutdown');
      if (throwOf < 0.2) return refusal(503, 'ServiceUnavailable');
      if (throwOf < 0.25) return refusal(429, 'TooManyRequests');
      const carriedOut = carryOut();
      if (throwOf < 0.35) return { reset: cancelled };
      if (throwOf < 0.4) return refusal(500, 'InternalServerError');
      if (throwOf < 0.45) return null;
      return carriedOut;
    };
    await using peer = await startPeer(answer);
    const { ca, keyPem: key, keyId, teamId } = peer.identity;
    const engine = createEngine({
      apps: {
        sports: {
          topic: 'com.example.sports',
          endpoint: 'https://127.0.0.1:1',
          channelsEndpoint: peer.endpoint,
          ca,
          credential: { kind: 'token', key, keyId, teamId },
        },
      },
      requestTimeoutMs: 300,
    });
    const calls = Array.from({ length: 40 }, (_, number) => ({ isCreation: number % 4 !== 3 }));
    const ends = await Promise.all(
      calls.map(async ({ isCreation }) => {
        const { channels } = engine;
        const signal = dice() < 0.1 ? AbortSignal.timeout(Math.floor(dice() * 2000)) : new AbortController().signal;
        const call = isCreation ? channels.create({ storagePolicy: 'none', signal }) : channels.list({ signal });
        return call.then(
          (result) => ({ isCreation, result, error: null }),
          (error: unknown) => ({ isCreation, result: null, error }),
        );
      }),
    );
    await engine.close();

    const channels = new Set<string>();
    const codes = new Map<string, number>();
    for (const { isCreation, result, error } of ends) {
      if (error === null) {
        if (!isCreation) continue;
        const { channel, requestId } = result as CreatedChannel; // that is what create resolves with
        expect(made.get(requestId)).toBe(1);
        channels.add(channel);
        continue;
      }
      expect(error).toBeInstanceOf(ChannelError);
      const { code, processed, requestId, message } = error as ChannelError; // just expected
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (isCreation && processed === 'no') expect(made.has(requestId ?? ''), message).toBe(false);
    }
    for (const [requestId, times] of made) expect(times, requestId).toBe(1);
    expect(channels.size).toBe(ends.filter(({ isCreation, error }) => isCreation && error === null).length);
    // Chance was at work: some went through, and some did not.
    expect([channels.size > 5, codes.size > 0]).toEqual([true, true]);
    expect(engine.stats().channels).toMatchObject({ calls: 0, connections: 0 });
  });
});
