import { describe, expect, it } from 'vitest';
import { findReason, reasons } from './reasons.ts';

describe('reasons', () => {
  it('ends a push for good only where the push or its configuration is at fault, and never retries those', () => {
    const final = new Set(['request', 'client', 'configuration']);
    const passing = new Set(['connection', 'credential', 'gateway']);
    const wrong = reasons.filter(({ scope, end }) => (end.kind === 'retry' ? final.has(scope) : passing.has(scope)));
    expect(wrong).toEqual([]);
  });

  it('never retries what Apple says must never be retried', () => {
    // Apple, Handling notification responses from APNs.
    for (const reason of [
      'BadDeviceToken',
      'DeviceTokenNotForTopic',
      'Forbidden',
      'ExpiredToken',
      'Unregistered',
      'PayloadTooLarge',
    ]) {
      expect(findReason(reason)?.end.kind, reason).not.toBe('retry');
    }
  });

  it('gives every retry something that must change first, a delay or a reaction', () => {
    const hasty = reasons.filter(
      ({ end, reactions }) => end.kind === 'retry' && end.delay === 'none' && reactions.length === 0,
    );
    expect(hasty).toEqual([]);
  });
});

describe('findReason', () => {
  it('finds a rule by any of its spellings', () => {
    expect(findReason('BadEnvironmentKeyInToken')).toBe(findReason('BadEnvironmentKeyIdInToken'));
    expect(findReason('BroadcastFeatureNotEnabled')).toBe(findReason('FeatureNotEnabled'));
    expect(findReason('Service Unavailable')).toBe(findReason('ServiceUnavailable'));
  });

  it.each(['', 'Badness', 'baddevicetoken', '__proto__', 'constructor'])('knows nothing of %j', (reason) => {
    expect(findReason(reason)).toBeNull();
  });
});
