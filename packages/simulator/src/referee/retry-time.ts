// After an answer: may this push come again, and from when on (HNR; RFC 9110 §10.2.3)?
import type { RefereeLimits } from './rules.ts';

export interface SeenReply {
  readonly status: number;
  readonly reason: string | null;
  readonly retryAfter: string | null;
}

/** Null: never. Otherwise epoch ms; 0: at once. */
export function mayComeAgainAt(reply: SeenReply, limits: RefereeLimits, now: number): number | null {
  const { status, reason } = reply;
  if (status >= 200 && status < 300) return null;
  const askedMs = retryAfterMs(reply.retryAfter, now);
  const notBefore = askedMs === null ? null : now + Math.min(askedMs, limits.retryAfterMaxMs);
  // The connection is at fault, or its credential: elsewhere, or with another one, at once.
  if (reason === 'Shutdown' || reason === 'IdleTimeout' || status === 408 || status === 421) return notBefore ?? 0;
  if (status === 401 || status === 403) return reason === 'Forbidden' ? null : 0;
  // Its delay is the device's (`device-not-flooded`), or the provider token's.
  if (status === 429) return notBefore ?? 0;
  if (status >= 500) return notBefore ?? now + limits.serverErrorDelayMs;
  return null;
}

/** Seconds or a date; null for what is neither. */
export function retryAfterMs(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
