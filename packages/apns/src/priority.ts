// The value of `apns-priority`.

import { fault, type ApnsFault } from './fault.ts';
import { quoteUnknown } from './quote.ts';

/** 10 now · 5 when the device's power state allows · 1 never wakes the device (Apple, Sending notification requests). */
export type Priority = 10 | 5 | 1;

export function parsePriority(value: unknown): Priority | ApnsFault {
  if (value === 10 || value === '10') return 10;
  if (value === 5 || value === '5') return 5;
  if (value === 1 || value === '1') return 1;
  return fault(
    'local.bad-priority',
    'priority',
    `priority ${quoteUnknown(value)} is not a priority; 10, 5 or 1 is right`,
  );
}
