// Times as this package passes them, and the one text form it reads: an instant of RFC 3339 with its offset spelled out.

declare const unit: unique symbol;
/**
 * Milliseconds since 1970-01-01 UTC. A plain number is welcome where one is asked for; a number known to be of another
 * unit is not.
 */
export type EpochMs = number & { readonly [unit]?: 'EpochMs' };
/** A length of time in milliseconds. */
export type Ms = number & { readonly [unit]?: 'Ms' };
/** Seconds since 1970-01-01 UTC, as `apns-expiration` and `iat` want them. */
export type EpochSeconds = number & { readonly [unit]?: 'EpochSeconds' };

export const secondMs: Ms = 1000;
const minuteMs: Ms = 60_000;
const hourMs: Ms = 3_600_000;
export const dayMs: Ms = 86_400_000;

// 2026-11-23T12:00:00.123456789+01:00 is 35 characters; nothing longer is an instant.
const instantCharsMax = 35;
// Every quantifier is fixed or applies to one digit class that nothing after it can also match: it cannot backtrack.
const instantPattern =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * `2026-11-23T12:00:00Z`, with or without seconds and fractions, with `Z` or an offset; null for anything else. Local
 * times are refused: their meaning would depend on the machine that reads them.
 */
export function parseInstant(text: string): EpochMs | null {
  if (text.length > instantCharsMax) return null;
  const match = instantPattern.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute] = [match[1], match[2], match[3], match[4], match[5]].map(Number);
  const second = Number(match[6] ?? 0);
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  // 24:00 and leap seconds are left out on purpose: Date cannot express the second, and nobody means the first.
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return null;
  const midnightMs = Date.UTC(year, month - 1, day);
  const date = new Date(midnightMs);
  // Date.UTC carries 31 February over into March, and takes the years 0 to 99 for 1900 to 1999.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const fractionMs = match[7] === undefined ? 0 : Math.floor(Number(`0.${match[7]}`) * 1000);
  const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHour * hourMs + offsetMinute * minuteMs);
  return midnightMs + hour * hourMs + minute * minuteMs + second * secondMs + fractionMs - offsetMs;
}
