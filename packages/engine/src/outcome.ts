/** What became of one job: final, and one for each. The final verdicts of APNs, and our own giving up. */
import type { Abandonment, ApnsId, EpochMs, Processed, Rejected, Unregistered } from '@carillon/apns';
import type { Warning } from '@carillon/payload';

export type Outcome =
  /** APNs answered 200: it took the push. Nobody can promise that the device shows it. */
  | { readonly kind: 'accepted'; readonly apnsId: ApnsId; readonly uniqueId?: string }
  /** Refused for good: by APNs (`status` is its own), or by us before anything was sent (`status` null, reason `local.…`). */
  | (Rejected & {
      readonly message?: string;
      /** On refusals of a payload: where in it, such as `aps.alert.title-loc-args[2]`. */
      readonly path?: string;
    })
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

/** An outcome of `send`, with what was said of the job when it was prepared; receipts say the same. */
export type SendOutcome = Outcome & {
  /** The text of the alert was shortened to fit; only when it was. */
  readonly truncated?: true;
  /** What is probably not meant so in a push that was sent all the same: at most 8; only when there are any. */
  readonly warnings?: readonly Warning[];
};

/** A device token that APNs said is gone: it is not asked again. */
export function knownDead(since: EpochMs): Outcome {
  return { kind: 'unregistered', status: null, reason: 'local.known-dead', since };
}
