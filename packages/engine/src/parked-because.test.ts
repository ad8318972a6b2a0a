import { describe, expect, it } from 'vitest';
import { parkedBecause } from './parked-because.ts';

const parked = { isSignerSilent: false, wasTrusted: false, certificateEndsMs: null, nowMs: 1_790_000_000_000 };

describe('parkedBecause', () => {
  // As Apple documents it, and as the wire says it (apns-protocol.md A.7).
  it.each(['BadEnvironmentKeyIdInToken', 'BadEnvironmentKeyInToken', 'BadCertificateEnvironment'])(
    'says after %s that the credential is for the other environment, and what to do',
    (reason) => {
      const text = parkedBecause({ ...parked, reason });
      expect(text).toContain(reason);
      expect(text).toMatch(/other environment; set the app's environment/u);
    },
  );

  it('says no more than Apple does where that is all that is known', () => {
    expect(parkedBecause({ ...parked, reason: 'BadCertificate' })).toBe('APNs refuses the credential (BadCertificate)');
  });
});
