import { describe, expect, it } from 'vitest';
import { findReason, reasons } from './reasons.ts';

describe('reasons', () => {
  it('blames the same as the scope says, and ends a push only for what the push or its app can change', () => {
    for (const rule of reasons) {
      if (rule.end.kind === 'retry') {
        expect(['connection', 'credential', 'gateway', 'push']).toContain(rule.blame);
        expect(rule.scope === 'request' || rule.scope === 'client' || rule.scope === 'configuration', rule.reason).toBe(
          false,
        );
      } else {
        expect(rule.blame === 'connection' || rule.blame === 'gateway', rule.reason).toBe(false);
      }
    }
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
    for (const { reason, end, reactions } of reasons) {
      if (end.kind === 'retry') expect(end.delay !== 'none' || reactions.length > 0, reason).toBe(true);
    }
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
