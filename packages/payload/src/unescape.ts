// The inside of a JSON string (between the quotes, already scanned and found right) as the bytes it stands for. Cold:
// names and values are rarely escaped; a payload given as a string of JSON always is.

import { hexValue } from './byte-classes.ts';

const backslash = 0x5c;

/** Writes UTF-8 at `at`; returns the position after it. Never writes more bytes than it reads. */
export function unescape(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  for (let from = start; from < end;) {
    const byte = source[from];
    if (byte !== backslash) {
      target[at++] = byte;
      from++;
      continue;
    }
    const letter = source[from + 1];
    if (letter !== 0x75) {
      target[at++] = shortEscape(letter);
      from += 2;
      continue;
    }
    let point = codeUnit(source, from + 2);
    from += 6;
    if (point >= 0xd800 && point <= 0xdbff) {
      // The scan has seen to it that the low half follows.
      point = 0x10000 + ((point - 0xd800) << 10) + (codeUnit(source, from + 2) - 0xdc00);
      from += 6;
    }
    at = encodePoint(target, at, point);
  }
  return at;
}

/** The four hex digits at `at`, or -1. */
export function codeUnit(bytes: Uint8Array, at: number): number {
  const a = hexValue[bytes[at]];
  const b = hexValue[bytes[at + 1]];
  const c = hexValue[bytes[at + 2]];
  const d = hexValue[bytes[at + 3]];
  // Past the end of the bytes they are undefined, which is not >= 0 either.
  return a >= 0 && b >= 0 && c >= 0 && d >= 0 ? (a << 12) | (b << 8) | (c << 4) | d : -1;
}

function shortEscape(letter: number): number {
  switch (letter) {
    case 0x62:
      return 0x08; // \b
    case 0x66:
      return 0x0c; // \f
    case 0x6e:
      return 0x0a; // \n
    case 0x72:
      return 0x0d; // \r
    case 0x74:
      return 0x09; // \t
    default:
      return letter; // " \ /
  }
}

/** UTF-8 (RFC 3629 §3). */
function encodePoint(target: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    target[at++] = point;
  } else if (point < 0x800) {
    target[at++] = 0xc0 | (point >> 6);
    target[at++] = 0x80 | (point & 0x3f);
  } else if (point < 0x10000) {
    target[at++] = 0xe0 | (point >> 12);
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
    target[at++] = 0x80 | (point & 0x3f);
  } else {
    target[at++] = 0xf0 | (point >> 18);
    target[at++] = 0x80 | ((point >> 12) & 0x3f);
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
    target[at++] = 0x80 | (point & 0x3f);
  }
  return at;
}
