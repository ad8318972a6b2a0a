// The value of `apns-expiration`: unix seconds until which Apple keeps a push for a device that is offline.

import { fault, type ApnsFault } from './fault.ts';
import { quoteUnknown } from './quote.ts';
import { parseInstant, secondMs, type EpochSeconds } from './time.ts';

/** 2^32 − 1, the year 2106: what the binary protocol can carry too. Larger numbers are milliseconds by mistake. */
export const expirationSecondsMax = 0xffffffff;

// More digits than fit, so that milliseconds are recognised and named.
const secondsText = /^\d{1,16}$/;

/** Unix seconds, as a number or as digits, or an ISO instant with its offset. 0: one attempt, nothing stored. */
export function parseExpiration(value: unknown): EpochSeconds | ApnsFault {
  if (typeof value === 'number') return checkSeconds(value, value);
  if (typeof value !== 'string') return refuse(value, 'is not a time');
  if (secondsText.test(value)) return checkSeconds(Number(value), value);
  const instantMs = parseInstant(value);
  return instantMs === null ? refuse(value, 'is not a time') : checkSeconds(Math.floor(instantMs / secondMs), value);
}

function checkSeconds(seconds: number, value: unknown): EpochSeconds | ApnsFault {
  if (!Number.isInteger(seconds)) return refuse(value, 'is not a whole number of seconds');
  if (seconds < 0) return refuse(value, 'lies before 1970');
  if (seconds > expirationSecondsMax) return refuse(value, 'is too large; it looks like milliseconds');
  return seconds;
}

function refuse(value: unknown, problem: string): ApnsFault {
  return fault(
    'local.bad-expiration',
    'expiration',
    `expiration ${quoteUnknown(value)} ${problem}. Right are unix seconds such as 1764000000, an ISO time with ` +
      'its offset such as 2026-11-23T12:00:00Z, and 0 for a single attempt',
  );
}
