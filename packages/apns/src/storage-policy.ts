// What a channel does with a broadcast for devices that are not connected. Chosen when the channel is created, and
// immutable after (Apple, "Sending channel management requests to APNs").

import { fault, type ApnsFault } from './fault.ts';
import { quoteUnknown } from './quote.ts';

/**
 * `none`: nothing is kept, and the channel may publish more often. `most-recent`: the last broadcast is kept, for eight
 * hours at most, or until its expiration.
 */
export type StoragePolicy = 'none' | 'most-recent';

/** The number of `message-storage-policy`. */
export const storagePolicyNumbers: Readonly<Record<StoragePolicy, number>> = { none: 0, 'most-recent': 1 };

/** By name, or by Apple's number. */
export function parseStoragePolicy(value: unknown, field: string = 'storagePolicy'): StoragePolicy | ApnsFault {
  if (value === 'none' || value === 0 || value === '0') return 'none';
  if (value === 'most-recent' || value === 1 || value === '1') return 'most-recent';
  return fault(
    'local.bad-storage-policy',
    field,
    `${field} ${quoteUnknown(value)} is unknown; none (0: nothing is kept) or most-recent (1: the last broadcast is) is right`,
  );
}
