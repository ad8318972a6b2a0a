// The id of a broadcast channel: base64 that Apple made up, and the address of a broadcast. It becomes a header value, so
// the allow-list is also what keeps CR, LF, NUL and spaces out of it.

import { fault, type ApnsFault } from './fault.ts';
import { quote } from './quote.ts';

declare const brand: unique symbol;
/** 1 to 128 characters of standard base64, padding at the end only. Valid in one environment, for one app. */
export type ChannelId = string & { readonly [brand]: 'ChannelId' };

/** Ours: 24 characters were seen, and Apple promises no length. */
export const channelIdCharsMax = 128;

/**
 * The length is not held against the padding: an id that is cut short is still base64, and Apple answers it with
 * BadChannelId. The alphabet is: `-` and `_` are those of base64url, which no id was seen in.
 */
export function parseChannelId(text: string, field: string = 'channel'): ChannelId | ApnsFault {
  if (text.length === 0) return refuse(text, field, 'is empty');
  if (text.length > channelIdCharsMax) return refuse(text, field, 'is too long');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isBase64Code(code) && !isPadding(text, i)) {
      return refuse(text, field, `must not contain ${quote(text.charAt(i))} (character ${i + 1})`);
    }
  }
  return text as ChannelId;
}

function isBase64Code(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x30 && code <= 0x39) || // 0-9
    code === 0x2b || // +
    code === 0x2f // /
  );
}

/** One or two `=` at the end, after something (RFC 4648 §4). */
function isPadding(text: string, at: number): boolean {
  if (at === 0 || text.charAt(at) !== '=') return false;
  return at === text.length - 1 || (at === text.length - 2 && text.endsWith('='));
}

function refuse(text: string, field: string, problem: string): ApnsFault {
  return fault(
    'local.bad-channel',
    field,
    `${field} ${quote(text)} ${problem}. A channel id is base64 as Apple gave it: ` +
      `1 to ${channelIdCharsMax} of A-Z a-z 0-9 + / and = at the end`,
  );
}
