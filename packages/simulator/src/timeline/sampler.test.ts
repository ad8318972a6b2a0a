import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { faultsMax, linesMax, TimelineSampler } from './sampler.ts';
import { bucketMsMin, bucketsMax } from './series.ts';
import { replyClasses } from './timeline.ts';

const startMs = Date.UTC(2026, 10, 30, 3, 0, 0);
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** One connection with one stream at a time. */
function pushOnce(sampler: TimelineSampler, now: number, status = 200, tookMs = 10): void {
  sampler.streamOpened(1, 1, 1_000, now);
  sampler.requested(1, now);
  sampler.replied(1, 0, { status, tookMs }, now);
}

describe('TimelineSampler', () => {
  it('has nothing to tell when nobody came', () => {
    expect(new TimelineSampler().timeline()).toMatchObject({
      startedAt: null,
      buckets: 0,
      requests: [],
      connections: [],
    });
  });

  it('begins with the first connection, in its smallest steps', () => {
    const sampler = new TimelineSampler();
    sampler.connectionOpened(1, startMs);
    pushOnce(sampler, startMs + 2 * bucketMsMin);
    const { startedAt, bucketMs, buckets, requests } = sampler.timeline();
    expect({ startedAt, bucketMs, buckets }).toEqual({
      startedAt: '2026-11-30T03:00:00.000Z',
      bucketMs: bucketMsMin,
      buckets: 3,
    });
    expect(requests).toEqual([0, 0, 1]);
  });

  it.each([
    ['a minute', 60_000],
    ['a day', 86_400_000],
    ['a year', 365 * 86_400_000],
  ])('tells %s in as many steps as a second, and loses nothing', (_, spanMs) => {
    const sampler = new TimelineSampler();
    sampler.connectionOpened(1, startMs);
    for (let at = 0; at <= 1_000; at += 1) pushOnce(sampler, startMs + (at / 1_000) * spanMs, at % 4 === 0 ? 410 : 200);
    const { bucketMs, buckets, requests, replies, p50Ms } = sampler.timeline();
    expect(buckets).toBeLessThanOrEqual(bucketsMax);
    expect(buckets).toBeGreaterThan(bucketsMax / 2);
    expect(buckets * bucketMs).toBeGreaterThan(spanMs);
    expect([requests.length, replies.gone.length, p50Ms.length]).toEqual([buckets, buckets, buckets]);
    expect([sum(requests), sum(replies.accepted), sum(replies.gone)]).toEqual([1_001, 750, 251]);
    // Evenly spread: no bucket but the last, which has just begun, has far less than its share.
    expect(Math.min(...requests.slice(0, -1))).toBeGreaterThan((1_000 / buckets) * 0.5);
  });

  it('keeps what is in flight until it changes, and the most of each step', () => {
    const sampler = new TimelineSampler();
    sampler.connectionOpened(1, startMs);
    sampler.streamOpened(1, 1, 1, startMs);
    sampler.limitKnown(1, 1_000, startMs + bucketMsMin);
    for (const streams of [2, 3]) sampler.streamOpened(1, streams, 1_000, startMs + bucketMsMin);
    sampler.replied(1, 2, { status: 200, tookMs: 1 }, startMs + bucketMsMin);
    sampler.unanswered(1, 1, startMs + 4 * bucketMsMin);
    sampler.connectionClosed(1, startMs + 5 * bucketMsMin);
    for (const credential of ['KEY1234567', 'another']) sampler.credentialSeen(1, credential);
    const { inFlight, open, connections } = sampler.timeline();
    expect(inFlight).toEqual([1, 3, 2, 2, 2, 1]);
    expect(open).toEqual([1, 1, 1, 1, 1, 1]);
    expect(connections).toMatchObject([
      { ordinal: 1, credential: 'KEY1234567', openedMs: 0, closedMs: 5 * bucketMsMin, inFlight: [1, 3, 2, 2, 2, 1] },
    ]);
    expect(connections[0].limit).toEqual([1, 1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  it('says what half and 99 % of the answers took, a fifth too much at most', () => {
    const sampler = new TimelineSampler();
    sampler.connectionOpened(1, startMs);
    for (let at = 0; at < 100; at += 1) pushOnce(sampler, startMs, 200, at < 98 ? 20 : 900);
    const { p50Ms, p99Ms } = sampler.timeline();
    expect(p50Ms[0]).toBeGreaterThanOrEqual(20);
    expect(p50Ms[0]).toBeLessThanOrEqual(20 * 1.2);
    expect(p99Ms[0]).toBeGreaterThanOrEqual(900);
    expect(p99Ms[0]).toBeLessThanOrEqual(900 * 1.2);
  });

  it('has room for so many connections: what is over and carried least makes way, what broke a rule stays', () => {
    const sampler = new TimelineSampler();
    for (let ordinal = 1; ordinal <= 1_000; ordinal += 1) {
      sampler.connectionOpened(ordinal, startMs);
      for (let push = 0; push < ordinal % 10; push += 1) sampler.requested(ordinal, startMs);
      if (ordinal === 10) sampler.violated('goaway-obeyed', ordinal, startMs);
      if (ordinal > 3) sampler.connectionClosed(ordinal, startMs);
    }
    const { connections, connectionsLeftOut, open } = sampler.timeline();
    expect(connections).toHaveLength(linesMax);
    expect(connectionsLeftOut).toBe(1_000 - linesMax);
    const ordinals = connections.map(({ ordinal }) => ordinal);
    expect(ordinals).toEqual(expect.arrayContaining([1, 2, 3, 10]));
    expect(ordinals.filter((ordinal) => ordinal % 10 === 9).length).toBeGreaterThan(30);
    expect(open).toEqual([4]);
  });

  it('has room for no connection while as many are open', () => {
    const sampler = new TimelineSampler();
    for (let ordinal = 1; ordinal <= linesMax + 2; ordinal += 1) sampler.connectionOpened(ordinal, startMs);
    sampler.streamOpened(linesMax + 1, 1, 1, startMs);
    const { connections, connectionsLeftOut, inFlight } = sampler.timeline();
    expect([connections.length, connectionsLeftOut, inFlight[0]]).toEqual([linesMax, 2, 1]);
  });

  it('holds what docs/LIMITS.md says', () => {
    const page = readFileSync(new URL('../../../../docs/LIMITS.md', import.meta.url), 'utf8');
    expect(page).toMatch(new RegExp(`timeline: buckets +\\| ${bucketsMax}, from ${bucketMsMin} ms each`));
    expect(page).toMatch(new RegExp(`faults played +\\| ${faultsMax + 1} names`));
    expect(page).toMatch(new RegExp(`… connections +\\| ${linesMax} lines`));
  });

  it('lets faults beyond its names share one', () => {
    const sampler = new TimelineSampler();
    for (let fault = 0; fault < 100; fault += 1) sampler.faultFired(`fault-${fault}`, startMs);
    const { faults } = sampler.timeline();
    expect(faults).toHaveLength(faultsMax + 1);
    expect(faults.at(-1)).toMatchObject({ id: 'others', total: 100 - faultsMax });
  });

  it('goes on where it was when the clock is set back', () => {
    const sampler = new TimelineSampler();
    sampler.connectionOpened(1, startMs);
    pushOnce(sampler, startMs + 5 * bucketMsMin);
    pushOnce(sampler, startMs - 3_600_000);
    sampler.connectionClosed(1, startMs - 3_600_000);
    const { requests, connections } = sampler.timeline();
    expect(requests).toEqual([0, 0, 0, 0, 0, 2]);
    expect(connections[0].inFlight.every(Number.isFinite)).toBe(true);
  });

  it('counts everything once, whatever the pauses', () => {
    const kinds = ['push', 'refused', 'lost', 'fault', 'violation', 'reconnect'] as const;
    const event = fc.record({
      kind: fc.constantFrom(...kinds),
      passMs: fc.oneof(fc.nat(200), fc.nat(200_000), fc.nat(100_000_000)),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const sampler = new TimelineSampler();
        let now = startMs;
        let ordinal = 1;
        sampler.connectionOpened(ordinal, now);
        for (const { kind, passMs } of events) {
          now += passMs;
          if (kind === 'fault') sampler.faultFired('one', now);
          else if (kind === 'violation') sampler.violated('one-team', ordinal, now);
          else if (kind === 'reconnect') {
            sampler.connectionClosed(ordinal, now);
            ordinal += 1;
            sampler.connectionOpened(ordinal, now);
          } else {
            sampler.streamOpened(ordinal, 1, 1, now);
            sampler.requested(ordinal, now);
            if (kind === 'lost') sampler.unanswered(ordinal, 0, now);
            else sampler.replied(ordinal, 0, { status: kind === 'push' ? 200 : 400, tookMs: passMs }, now);
          }
        }
        const found = sampler.timeline();
        const count = (...wanted: (typeof kinds)[number][]): number =>
          events.filter(({ kind }) => wanted.includes(kind)).length;
        expect(sum(found.requests)).toBe(count('push', 'refused', 'lost'));
        expect(replyClasses.map((name) => sum(found.replies[name]))).toEqual([
          ...[count('push'), 0, count('refused'), 0, 0, count('lost')],
        ]);
        expect(sum(found.faults.flatMap(({ counts }) => counts))).toBe(count('fault'));
        expect(sum(found.violations.flatMap(({ counts }) => counts))).toBe(count('violation'));
        expect(found.buckets).toBeLessThanOrEqual(bucketsMax);
        expect(Math.max(...found.inFlight)).toBe(count('push', 'refused', 'lost') > 0 ? 1 : 0);
        expect(Math.max(...found.open)).toBe(1);
        for (const line of found.connections) {
          expect(line.firstBucket + line.inFlight.length).toBeLessThanOrEqual(found.buckets);
          expect(line.limit.length).toBe(line.inFlight.length);
        }
      }),
    );
  });
});
