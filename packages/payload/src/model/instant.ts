// A moment as Apple writes it in payloads: UNIX seconds.

import { NotificationError } from './notification.ts';

/** A Date, or UNIX seconds (not milliseconds). */
export type Instant = Date | number;

/** Later than this in seconds is the year 5138: somebody meant milliseconds. */
const secondsMax = 1e11;

export function secondsOf(instant: Instant, path: string): number {
  const seconds = typeof instant === 'number' ? instant : Math.floor(instant.getTime() / 1000);
  if (Number.isFinite(seconds) && Math.abs(seconds) < secondsMax) return seconds;
  throw new NotificationError(
    path,
    `${String(instant)} is no time in UNIX seconds; a Date or Date.now() / 1000 is right`,
  );
}
