// Device tokens: the shapes people paste, made into the one form that goes into the path (lower-case hex), or refused
// with a sentence that says what the text probably is. Known separators are removed; nothing else is ever "cleaned",
// because that turns base64 or "(null)" into a wrong token that Apple punishes (BadDeviceToken slows a connection).

import { fault, type ApnsFault } from './fault.ts';
import { quote, quoteSecret } from './quote.ts';

declare const brand: unique symbol;
/** 64 to 200 lower-case hex digits, an even number of them. Safe in a path. */
export type DeviceToken = string & { readonly [brand]: 'DeviceToken' };

/** 32 bytes, the classic token. Nothing shorter has been seen. */
export const deviceTokenDigitsMin = 64;
/** 100 bytes: the size Apple announced; Live Activity tokens of 80 bytes are in use. Apple: never assume a size. */
export const deviceTokenDigitsMax = 200;
// Ours: a 200-digit token printed as "0xAB, …" bytes stays below; more is not a token, and is not read.
const textCharsMax = 2048;

export function parseDeviceToken(text: string): DeviceToken | ApnsFault {
  return isCanonical(text) ? (text as DeviceToken) : parseOtherShape(text);
}

/** True for a token already in the form we send: the common case, one pass and no allocation. */
function isCanonical(text: string): boolean {
  const length = text.length;
  if (length < deviceTokenDigitsMin || length > deviceTokenDigitsMax || (length & 1) !== 0) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}

/** Separators that tokens are printed with: NSData's `<c9d4c07c fbbc26d6>`, hyphens, colons, line breaks. */
function isSeparator(code: number): boolean {
  return (
    code === 0x20 || // space
    code === 0x2d || // -
    code === 0x3a || // :
    code === 0x3c || // <
    code === 0x3e || // >
    code === 0x0a ||
    code === 0x0d ||
    code === 0x09
  );
}

function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}

function parseOtherShape(text: string): DeviceToken | ApnsFault {
  if (text.length > textCharsMax) return refuse(text, `has ${text.length} characters, too many for a device token`);
  const mistaken = nameMistake(text);
  if (mistaken !== null) return refuse(text, mistaken);
  let digits = '';
  let runStart = -1; // start of the present run of hex digits
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20;
    if (isHexDigit(code)) {
      if (runStart < 0) runStart = i;
    } else if (isSeparator(code)) {
      if (runStart >= 0) digits += text.slice(runStart, i);
      runStart = -1;
    } else if ((code === 0x78 || code === 0x58) && runStart === i - 1 && text.charCodeAt(runStart) === 0x30) {
      runStart = -1; // "0x" at the start of a run is a prefix, its 0 is no digit
    } else {
      return refuse(text, `character ${i + 1}, ${quote(text.charAt(i))}, is not a hex digit${base64Hint(text)}`);
    }
  }
  if (digits.length < deviceTokenDigitsMin || digits.length > deviceTokenDigitsMax) {
    const uuidHint = digits.length === 32 ? '; 32 are a UUID or half a token' : '';
    return refuse(text, `has ${digits.length} hex digits${uuidHint}`);
  }
  if ((digits.length & 1) !== 0) {
    return refuse(text, `has ${digits.length} hex digits, an odd number: one is missing or too many`);
  }
  return digits.toLowerCase() as DeviceToken;
}

/** What people send in place of a device token, recognised by its shape. */
function nameMistake(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === '<>') return 'is empty';
  const word = trimmed.replace(/^[(<]|[)>]$/g, '').toLowerCase();
  if (word === 'null' || word === 'nil' || word === 'undefined' || word === 'none' || word === 'nan') {
    return 'is the text of a missing value: the app had no token when it sent this';
  }
  if (trimmed.startsWith('[object')) return 'is the text of an object, not of a token';
  if (trimmed.startsWith('{')) {
    return (
      'is the description of a Data object (iOS 13 and later), which leaves bytes out; ' +
      'in the app, print every byte with String(format: "%02x", byte)'
    );
  }
  if (trimmed.startsWith('ExponentPushToken[') || trimmed.startsWith('ExpoPushToken[')) {
    return 'is an Expo push token; in the app, ask for the device push token (getDevicePushTokenAsync)';
  }
  if (trimmed.includes('APA91b')) {
    return 'is a Firebase registration id; in the app, send the APNs token (Messaging.apnsToken)';
  }
  return null;
}

/** 32 bytes in base64 are 43 characters, 44 with padding (RFC 4648 §4, §5). */
function base64Hint(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length !== 43 && trimmed.length !== 44) return '';
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed) ? '; it looks like base64, the token is wanted as hex' : '';
}

function refuse(text: string, problem: string): ApnsFault {
  return fault(
    'local.bad-device-token',
    'token',
    `token ${quoteSecret(text)} ${problem}. A device token is ${deviceTokenDigitsMin} to ${deviceTokenDigitsMax} ` +
      'hex digits, an even number',
  );
}
