// The body of an error reply: `{"reason": "…", "timestamp": ms}`. Everything in it is untrusted: whatever bytes come,
// two plain values go on, and nothing throws.

import type { EpochMs } from './time.ts';

export interface ReplyBody {
  /** Visible ASCII, short; null where there was none or it was not text. */
  readonly reason: string | null;
  readonly timestampMs: EpochMs | null;
  /** There were bytes, and they were not a JSON object. */
  readonly isMalformed: boolean;
}

/** Apple's bodies stay below 100 bytes; a longer one than this is not read (reliability: cap 4 KiB). */
export const replyBodyBytesMax = 4096;
// Ours: the longest reason known has 27 characters.
const reasonCharsMax = 100;
// What Date can express (ECMA-262 §21.4.1.1); beyond it a timestamp would break its receipt.
const timestampMsMax = 8.64e15;

const empty: ReplyBody = { reason: null, timestampMs: null, isMalformed: false };
const malformed: ReplyBody = { reason: null, timestampMs: null, isMalformed: true };

export function parseReplyBody(bytes: Buffer, start: number = 0, end: number = bytes.length): ReplyBody {
  if (end <= start) return empty;
  if (end - start > replyBodyBytesMax) return malformed;
  const body = parseObject(bytes.toString('utf8', start, end));
  if (body === null) return malformed;
  return { reason: reasonOf(body), timestampMs: timestampOf(body), isMalformed: false };
}

/** Null for anything but an object: bad JSON is something a peer may send, so it is a value here and no error. */
function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function reasonOf(body: object): string | null {
  const value: unknown = Object.hasOwn(body, 'reason') ? (body as { reason: unknown }).reason : null;
  return typeof value === 'string' ? cleanReason(value) : null;
}

/**
 * A reason goes into receipts, logs and metrics: cut, and everything but visible ASCII and inner spaces replaced. Null
 * when nothing is left.
 */
export function cleanReason(text: string): string | null {
  const cleaned = text
    .slice(0, reasonCharsMax)
    .replace(/[^\x20-\x7e]/g, '?')
    .trim();
  return cleaned === '' ? null : cleaned;
}

function timestampOf(body: object): EpochMs | null {
  const value: unknown = Object.hasOwn(body, 'timestamp') ? (body as { timestamp: unknown }).timestamp : null;
  return typeof value === 'number' && value >= 0 && value <= timestampMsMax ? Math.floor(value) : null;
}
