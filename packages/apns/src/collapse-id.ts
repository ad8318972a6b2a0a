// The value of `apns-collapse-id`: notifications with the same id replace one another on the device.

import { fault, type ApnsFault } from './fault.ts';
import { quote } from './quote.ts';

declare const brand: unique symbol;
/** 1 to 64 bytes of visible ASCII. */
export type CollapseId = string & { readonly [brand]: 'CollapseId' };

/** Bytes, not characters (Apple, Sending notification requests: BadCollapseId above). */
export const collapseIdBytesMax = 64;

/**
 * Visible ASCII only: HTTP/2 would carry other octets, but stacks on the way mangle them, and a field value must
 * neither begin nor end with a space (RFC 9113 §8.2.1).
 */
export function parseCollapseId(text: string): CollapseId | ApnsFault {
  if (text.length === 0) return refuse(text, 'is empty; leave the field out instead');
  if (text.length > collapseIdBytesMax) return refuse(text, 'is too long');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code > 0x7e) {
      return refuse(text, `must not contain ${quote(text.charAt(i))} (character ${i + 1})`);
    }
  }
  return text as CollapseId;
}

function refuse(text: string, problem: string): ApnsFault {
  return fault(
    'local.bad-collapse-id',
    'collapseId',
    `collapseId ${quote(text)} ${problem}. A collapse id is 1 to ${collapseIdBytesMax} bytes of visible ASCII`,
  );
}
