/** What became of one job: final, and one for each. The final verdicts of APNs, and our own giving up. */
import type { Abandonment, ApnsId, EpochMs, Processed, Rejected, Unregistered } from '@carillon/apns';

export type Outcome =
  /** APNs answered 200: it took the push. Nobody can promise that the device shows it. */
  | { readonly kind: 'accepted'; readonly apnsId: ApnsId; readonly uniqueId?: string }
  /** Refused for good: by APNs (`status` is its own), or by us before anything was sent (`status` null, reason `local.…`). */
  | (Rejected & { readonly message?: string })
  /** Stop using this device token, unless it registered again after `since`. */
  | Unregistered
  /** We gave up. `processed`: whether APNs may have taken it all the same. */
  | {
      readonly kind: 'abandoned';
      readonly because: Abandonment;
      readonly processed: Processed;
      /** What the last attempt ended with; null without one. */
      readonly last: string | null;
      /** For people. */
      readonly message?: string;
    };

/** A device token that APNs said is gone: it is not asked again. */
export function knownDead(since: EpochMs): Outcome {
  return { kind: 'unregistered', status: null, reason: 'local.known-dead', since };
}
