// The Retry-After header (RFC 9110 §10.2.3). Apple never documented it, but gateways and middleboxes send it, in
// seconds or as a date; anything else counts as absent.

import { secondMs, type EpochMs, type Ms } from './time.ts';

const secondsPattern = /^\d{1,10}$/;
const digitsPattern = /^\d{11,64}$/;
// RFC 9110 §5.6.7: one form to send, two old ones that must still be read. Every quantifier is fixed.
const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const rfc850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** How long to wait from `nowMs` on, at most `maxMs`; null when the header is absent or unreadable. */
export function parseRetryAfter(text: string | null, nowMs: EpochMs, maxMs: Ms): Ms | null {
  if (text === null || text.length > 64) return null;
  const value = text.trim();
  if (secondsPattern.test(value)) return Math.min(Number(value) * secondMs, maxMs);
  if (digitsPattern.test(value)) return maxMs;
  const dateMs = parseHttpDate(value);
  return Number.isNaN(dateMs) ? null : Math.min(Math.max(0, dateMs - nowMs), maxMs);
}

function parseHttpDate(value: string): number {
  if (imfFixdate.test(value) || rfc850.test(value)) return Date.parse(value);
  // asctime names no zone; without one Date.parse would take local time.
  return asctime.test(value) ? Date.parse(`${value} GMT`) : Number.NaN;
}
