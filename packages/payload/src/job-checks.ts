// Job fields whose rules are ours, not Apple's.

import { isIdByte } from './byte-classes.ts';

/** Contract: 1–128 of [A-Za-z0-9._:-]. */
export const jobIdBytesMax = 128;
/** Ours: a name from the configuration, which is a word or two. */
export const appBytesMax = 128;

export function isJobId(text: string): boolean {
  const bytes = Buffer.from(text, 'utf8');
  return isJobIdAt(bytes, 0, bytes.length);
}

export function isJobIdAt(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || end - start > jobIdBytesMax) return false;
  for (let at = start; at < end; at++) if (isIdByte[bytes[at]] === 0) return false;
  return true;
}

export function isAppName(text: string): boolean {
  const bytes = Buffer.from(text, 'utf8');
  return isAppNameAt(bytes, 0, bytes.length);
}

/** Any name without control characters, so that it can be shown, logged and compared with the configuration's. */
export function isAppNameAt(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || end - start > appBytesMax) return false;
  for (let at = start; at < end; at++) if (bytes[at] < 0x20 || bytes[at] === 0x7f) return false;
  return true;
}
