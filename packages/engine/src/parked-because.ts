/** Why a credential's work is parked, and what a person can do: for events and the receipts of what is given up. */
import { findReason } from '@carillon/apns';
import { clockSkew } from './credential-state.ts';

export interface ParkedCase {
  /** APNs's own, or `clock-skew`. */
  readonly reason: string;
  /** No provider token is there, because the signer gives none. */
  readonly isSignerSilent: boolean;
  /** APNs took this credential before. */
  readonly wasTrusted: boolean;
  /** EpochMs at which the client certificate ends; null: the credential is a key. */
  readonly certificateEndsMs: number | null;
  /** Our wall clock, EpochMs. */
  readonly nowMs: number;
}

/** Apple's answer to a token that it cannot verify, one from the future among them. */
const invalid = 'InvalidProviderToken';

/** A key, or a certificate, that is good in sandbox or in production only. */
const ofOtherEnvironment = new Set(['BadEnvironmentKeyIdInToken', 'BadCertificateEnvironment']);

export function parkedBecause(parked: ParkedCase): string {
  const { reason, isSignerSilent, wasTrusted, certificateEndsMs, nowMs } = parked;
  const now = iso(nowMs);
  if (isSignerSilent) return 'the signer gave no provider token';
  if (reason === clockSkew) {
    return (
      `APNs finds fresh provider tokens expired (${reason}): the clock that dates them, here ${now}, is wrong; ` +
      'compare it with the time of an NTP server, put it right, and replace the credential by the same one'
    );
  }
  const refused = `APNs refuses the credential (${reason})`;
  if (certificateEndsMs !== null && certificateEndsMs <= nowMs) {
    return `${refused}: its certificate ended ${iso(certificateEndsMs)}; renew it in Apple's developer account, and replace the credential`;
  }
  if (ofOtherEnvironment.has(findReason(reason)?.reason ?? '')) {
    return `${refused}: it is restricted to the other environment; set the app's environment to that, or replace the credential by one for both`;
  }
  if (reason === invalid && wasTrusted) {
    return (
      `${refused}, which it took before: either the key was revoked, or the clock, here ${now}, was set ahead; ` +
      'compare it with the time of an NTP server, then replace the credential, by the same one if it was the clock'
    );
  }
  return refused;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
