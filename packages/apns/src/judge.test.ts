import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, judgeFailure, reactionsTo, type FailureFacts, type ReplyFacts } from './judge.ts';
import { reasons } from './reasons.ts';
import { isFreeResend, type Verdict } from './verdict.ts';

const nowMs = Date.UTC(2026, 10, 23, 12, 0, 0);
const minuteMs = 60_000;

function reply(status: number, reason: string | null = null, more: Partial<ReplyFacts> = {}): ReplyFacts {
  return { status, reason, timestampMs: null, retryAfter: null, ...more };
}

/** A verdict in one line: kind, and for a retry who is to blame, what is proven, and how long from now. */
function line(verdict: Verdict): string {
  if (verdict.kind !== 'retry') return verdict.kind;
  const delay = verdict.notBefore === undefined ? '' : ` +${(verdict.notBefore - nowMs) / minuteMs}min`;
  return `retry ${verdict.blame} ${verdict.processed}${delay}`;
}

function reasonOf(verdict: Verdict): string | null {
  return verdict.kind === 'accepted' ? null : verdict.reason;
}

/** Nothing a verdict carries is hostile or beyond its bounds. */
function isSound(verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'accepted':
      return verdict.apnsId === null || /^[0-9a-f-]{36}$/.test(verdict.apnsId);
    case 'rejected':
      return /^[\x20-\x7e]+$/.test(verdict.reason);
    case 'unregistered':
      return /^[\x20-\x7e]+$/.test(verdict.reason) && verdict.since <= nowMs;
    case 'retry': {
      const waitMs = (verdict.notBefore ?? nowMs) - nowMs;
      return /^[\x20-\x7e]+$/.test(verdict.reason) && waitMs >= 0 && waitMs <= 60 * minuteMs;
    }
    default:
      return false;
  }
}

// Written from Apple's tables a second time, by hand: the table in reasons.ts has to agree with it.
const expectations: readonly (readonly [status: number, reason: string, verdict: string, reactions: string])[] = [
  [400, 'BadCollapseId', 'rejected', ''],
  [400, 'BadDeviceToken', 'rejected', 'suspect-device'],
  [400, 'BadExpirationDate', 'rejected', ''],
  [400, 'BadMessageId', 'rejected', ''],
  [400, 'BadPriority', 'rejected', ''],
  [400, 'BadTopic', 'rejected', 'break-topic'],
  [400, 'DeviceTokenNotForTopic', 'rejected', 'suspect-device'],
  [400, 'DuplicateHeaders', 'rejected', ''],
  [400, 'IdleTimeout', 'retry connection no', 'replace-connection'],
  [400, 'InvalidPushType', 'rejected', ''],
  [400, 'MissingDeviceToken', 'rejected', ''],
  [400, 'MissingTopic', 'rejected', ''],
  [400, 'PayloadEmpty', 'rejected', ''],
  [400, 'TopicDisallowed', 'rejected', 'break-topic'],
  [403, 'BadCertificate', 'retry credential no', 'park-credential'],
  [403, 'BadCertificateEnvironment', 'retry credential no', 'park-credential'],
  [403, 'ExpiredProviderToken', 'retry credential no', 'replace-connection renew-provider-token'],
  [403, 'Forbidden', 'rejected', 'break-topic'],
  [403, 'InvalidProviderToken', 'retry credential no', 'park-credential'],
  [403, 'MissingProviderToken', 'retry credential no', 'park-credential'],
  [403, 'UnrelatedKeyIdInToken', 'retry connection no', 'replace-connection'],
  [403, 'BadEnvironmentKeyIdInToken', 'retry credential no', 'park-credential'],
  [403, 'BadEnvironmentKeyInToken', 'retry credential no', 'park-credential'],
  [404, 'BadPath', 'rejected', ''],
  [405, 'MethodNotAllowed', 'rejected', ''],
  [410, 'ExpiredToken', 'unregistered', 'forget-device'],
  [400, 'ExpiredToken', 'unregistered', 'forget-device'],
  [410, 'Unregistered', 'unregistered', 'forget-device'],
  [413, 'PayloadTooLarge', 'rejected', ''],
  [429, 'TooManyProviderTokenUpdates', 'retry credential no +20min', 'hold-provider-token park-credential'],
  [429, 'TooManyRequests', 'retry push no +0.5min', 'cool-device'],
  [500, 'InternalServerError', 'retry gateway unknown +15min', 'probe-gateway'],
  [503, 'ServiceUnavailable', 'retry gateway no +15min', 'probe-gateway'],
  [503, 'Service Unavailable', 'retry gateway no +15min', 'probe-gateway'],
  [503, 'Shutdown', 'retry connection no', 'replace-connection'],
  [400, 'FeatureNotEnabled', 'rejected', 'break-topic'],
  [400, 'BroadcastFeatureNotEnabled', 'rejected', 'break-topic'],
  [400, 'MissingChannelId', 'rejected', ''],
  [400, 'BadChannelId', 'rejected', ''],
  [400, 'ChannelNotRegistered', 'rejected', ''],
  [400, 'BadRequestParams', 'rejected', ''],
  [400, 'BadRequestPayload', 'rejected', ''],
  [400, 'MissingPushType', 'rejected', ''],
  [400, 'CannotCreateChannelConfig', 'rejected', ''],
  [400, 'MissingChannelQueueSize', 'rejected', ''],
  [403, 'TopicMismatch', 'retry credential no', 'break-topic'],
];

describe('judge', () => {
  it.each(expectations)('takes %i %s for "%s"', (status, reason, expected, reactions) => {
    const verdict = judge(reply(status, reason), { nowMs });
    expect(line(verdict)).toBe(expected);
    expect(reactionsTo(verdict).join(' ')).toBe(reactions);
    expect(reasonOf(verdict)).toBe(reason);
  });

  it('is expected above for every reason and spelling of the table, and no other', () => {
    const spellings = reasons.flatMap((rule) => [rule.reason, ...rule.alsoSpelled]);
    expect(new Set(expectations.map(([, reason]) => reason))).toEqual(new Set(spellings));
    expect(spellings).toHaveLength(new Set(spellings).size);
  });

  describe('of a success', () => {
    it('accepts, with the id in lower case where the gateway named one', () => {
      expect(judge(reply(200), { nowMs })).toEqual({ kind: 'accepted', apnsId: null });
      const apnsId = '8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F';
      expect(judge(reply(200, null, { apnsId }), { nowMs })).toEqual({
        kind: 'accepted',
        apnsId: apnsId.toLowerCase(),
      });
    });

    it('does not carry on an id that is none', () => {
      expect(judge(reply(200, null, { apnsId: 'a\r\nb' }), { nowMs })).toEqual({ kind: 'accepted', apnsId: null });
    });
  });

  describe('of a reason it does not know', () => {
    it.each([
      [400, 'rejected', ''],
      [401, 'retry credential no', 'park-credential'],
      [403, 'retry credential no', 'park-credential'],
      [404, 'rejected', ''],
      [408, 'retry connection no', 'replace-connection'],
      [410, 'unregistered', 'forget-device'],
      [413, 'rejected', ''],
      [418, 'rejected', ''],
      [421, 'retry connection no', 'replace-connection'],
      [429, 'retry push no +0.5min', 'cool-device'],
      [500, 'retry gateway unknown +15min', 'probe-gateway'],
      [502, 'retry gateway unknown +15min', 'probe-gateway'],
      [503, 'retry gateway no +15min', 'probe-gateway'],
      [599, 'retry gateway unknown +15min', 'probe-gateway'],
      [302, 'retry gateway unknown +15min', 'probe-gateway'],
      [0, 'retry gateway unknown +15min', 'probe-gateway'],
    ])('goes by the status %i: "%s"', (status, expected, reactions) => {
      for (const reason of ['Badness', null]) {
        const verdict = judge(reply(status, reason), { nowMs });
        expect(line(verdict)).toBe(expected);
        expect(reactionsTo(verdict).join(' ')).toBe(reactions);
        expect(reasonOf(verdict)).toBe(reason ?? `local.status-${status}`);
      }
    });
  });

  it('does not bury a device token because a failing server says so', () => {
    expect(line(judge(reply(500, 'Unregistered'), { nowMs }))).toBe('retry gateway unknown +15min');
    expect(line(judge(reply(400, 'ServiceUnavailable'), { nowMs }))).toBe('rejected');
  });

  it.each([
    ['as Apple gives it', 1508249865488, 1508249865488],
    ['as now, when there is none', null, nowMs],
    ['as now, when it lies ahead of our clock', nowMs + 5, nowMs],
    ['as now, when it is older than APNs', 1508249865, nowMs],
  ])('dates a 410 %s', (_, timestampMs, since) => {
    expect(judge(reply(410, 'Unregistered', { timestampMs }), { nowMs })).toEqual({
      kind: 'unregistered',
      status: 410,
      reason: 'Unregistered',
      since,
    });
  });

  it('does not take a 410 to a broadcast for the end of a device token', () => {
    const verdict = judge(reply(410, 'Unregistered'), { nowMs, isBroadcast: true });
    expect(verdict).toEqual({ kind: 'rejected', status: 410, reason: 'Unregistered' });
    expect(reactionsTo(verdict)).toEqual([]);
  });

  describe('with Retry-After', () => {
    it.each([
      [503, 'ServiceUnavailable', '60', 'retry gateway no +1min'],
      [503, 'ServiceUnavailable', '0', 'retry gateway no +0min'],
      [503, 'ServiceUnavailable', 'Mon, 23 Nov 2026 12:02:00 GMT', 'retry gateway no +2min'],
      [503, 'ServiceUnavailable', 'garbage', 'retry gateway no +15min'],
      [503, 'ServiceUnavailable', '1000000000', 'retry gateway no +60min'],
      [503, 'Shutdown', '60', 'retry connection no +1min'],
      [429, 'TooManyRequests', '120', 'retry push no +2min'],
      [429, 'TooManyProviderTokenUpdates', '60', 'retry credential no +20min'],
      [429, 'TooManyProviderTokenUpdates', '1800', 'retry credential no +30min'],
      [400, 'BadTopic', '60', 'rejected'],
    ])('%i %s obeys %s: "%s"', (status, reason, retryAfter, expected) => {
      expect(line(judge(reply(status, reason, { retryAfter }), { nowMs }))).toBe(expected);
    });
  });

  it('lets a flooded device rest twice as long each time, up to an hour', () => {
    const rests = [1, 2, 3, 8, 9, 1000].map((attempt) =>
      line(judge(reply(429, 'TooManyRequests'), { nowMs, attempt })),
    );
    expect(rests.map((rest) => rest.split('+')[1])).toEqual(['0.5min', '1min', '2min', '60min', '60min', '60min']);
  });

  it('takes its delays from the context', () => {
    const context = {
      nowMs,
      serverErrorDelayMs: minuteMs,
      providerTokenHoldMs: 2 * minuteMs,
      deviceDelayMs: 3 * minuteMs,
    };
    expect(line(judge(reply(500), context))).toBe('retry gateway unknown +1min');
    expect(line(judge(reply(429, 'TooManyProviderTokenUpdates'), context))).toBe('retry credential no +2min');
    expect(line(judge(reply(429, 'TooManyRequests'), context))).toBe('retry push no +3min');
  });

  it('survives every reply', () => {
    const facts = fc.record({
      status: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer(), fc.double()),
      reason: fc.oneof(
        fc.constant(null),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...reasons.map((rule) => rule.reason)),
      ),
      timestampMs: fc.option(fc.double({ min: 0, max: 8.64e15, noNaN: true })),
      retryAfter: fc.option(fc.oneof(fc.string(), fc.nat().map(String))),
      apnsId: fc.option(fc.string({ unit: 'binary' })),
    });
    fc.assert(
      fc.property(facts, (fact) => {
        const verdict = judge(fact, { nowMs });
        expect(isSound(verdict), JSON.stringify(verdict)).toBe(true);
        expect(reactionsTo(verdict).length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('judgeFailure', () => {
  const failure = (
    kind: FailureFacts['kind'],
    processed: 'no' | 'unknown',
    reason: string | null = null,
  ): FailureFacts => ({
    kind,
    processed,
    reason,
  });

  it.each([
    ['refused', 'no', true],
    ['goaway', 'no', true],
    ['reset', 'unknown', false],
    ['malformed', 'unknown', false],
    ['timeout', 'unknown', false],
    ['connection-lost', 'no', true],
    ['connection-lost', 'unknown', false],
    ['cancelled', 'no', true],
  ] as const)('blames the connection for %s (processed: %s)', (kind, processed, isFree) => {
    const verdict = judgeFailure(failure(kind, processed), { nowMs });
    expect(verdict).toEqual({ kind: 'retry', blame: 'connection', processed, status: null, reason: `local.${kind}` });
    expect(verdict.kind === 'retry' && isFreeResend(verdict)).toBe(isFree);
    expect(reactionsTo(verdict)).toEqual([]);
  });

  it('blames the credential when the GOAWAY says so', () => {
    const verdict = judgeFailure(failure('goaway', 'no', 'BadCertificateEnvironment'), { nowMs });
    expect(line(verdict)).toBe('retry credential no');
    expect(reactionsTo(verdict)).toEqual(['park-credential']);
    expect(verdict.kind === 'retry' && isFreeResend(verdict)).toBe(false);
  });

  it('keeps the text of a GOAWAY it does not know, and stays with the connection', () => {
    const verdict = judgeFailure(failure('goaway', 'no', 'Maximum active streams violated.'), { nowMs });
    expect(verdict).toMatchObject({ blame: 'connection', reason: 'Maximum active streams violated.' });
    expect(reactionsTo(verdict)).toEqual([]);
  });

  it('does not reject a push because a GOAWAY speaks of another one', () => {
    expect(line(judgeFailure(failure('goaway', 'no', 'BadDeviceToken'), { nowMs }))).toBe('retry connection no');
  });
});
