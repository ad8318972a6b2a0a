// Which field names and values a response may carry (RFC 9113 §8.2.1). Tight loops over octets.

const space = 0x20;
const tab = 0x09;
const colon = 0x3a;

/** Lower case, visible, no colon; `start` is past the leading colon of a pseudo-field. */
export function isFieldName(bytes: Buffer, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at];
    if (octet <= space || octet >= 0x7f || (octet >= 0x41 && octet <= 0x5a) || octet === colon) return false;
  }
  return true;
}

/** No NUL, LF or CR anywhere, no space or tab at either end. */
export function isFieldValue(bytes: Buffer, start: number, end: number): boolean {
  if (start >= end) return true;
  if (isBlank(bytes[start]) || isBlank(bytes[end - 1])) return false;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at];
    if (octet <= 0x0d && (octet === 0x00 || octet === 0x0a || octet === 0x0d)) return false;
  }
  return true;
}

/** Three digits from 100 to 999, or 0 when it is anything else (RFC 9110 §15). */
export function parseStatus(bytes: Buffer, start: number, end: number): number {
  if (end - start !== 3 || bytes[start] === 0x30) return 0;
  return Math.max(0, parseDigits(bytes, start, end));
}

/** A decimal number of at most 15 digits, or -1. */
export function parseDigits(bytes: Buffer, start: number, end: number): number {
  if (start >= end || end - start > 15) return -1;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isBlank(octet: number): boolean {
  return octet === space || octet === tab;
}
