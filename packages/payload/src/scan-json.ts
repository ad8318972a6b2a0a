// One pass over the bytes of JSON: accepts exactly what JSON.parse accepts, less our refusals (duplicate keys,
// `__proto__` and its kin, surrogates without partner, depth). It builds nothing; what it learns are positions.
//
// Cost: one table look-up a byte within strings, about 1.5 ns a byte of a job in all; no allocation on input that is
// accepted. Looking at four bytes of a string together (as an Int32Array) was measured and gained nothing: real strings
// are short. Every function takes a position and returns the position after what it scanned, or -1 with the reason in
// the scan.
//
// Invariant: the byte after the text is a line feed (a line) or NUL (a text of its own). Neither continues a string, a
// number, a word or white space of its kind, so no loop here needs to look for the end.
//
// UTF-8 is checked elsewhere, a chunk at a time by node:buffer's isUtf8, which runs at memory speed.

import { payloadBytesMax, pushTypes, broadcastPayloadBytesMax } from '@carillon/apns';
import { endsRun, equalAt, isLineSpace, isSpace } from './byte-classes.ts';
import { alertColumns, alertFactsAt, apsColumns, apsFactsAt, ApsFact } from './checks/aps-facts.ts';
import { signatureOf } from './checks/key-table.ts';
import type { ScanCode } from './codes.ts';
import { codeUnit, unescape } from './unescape.ts';

/** Objects and arrays open at once in a payload, itself included. Ours: Apple names no limit; real payloads have 3 to 6. */
export const depthMax = 64;

/** No push type takes more. A key beyond ends the scan, which bounds the keys and the work of comparing them. */
export const largestPayloadBytes: number = Math.max(
  broadcastPayloadBytesMax,
  ...Object.values(pushTypes).map((type) => payloadBytesMax(type)),
);

// A key takes at least five bytes of a payload (`"":1,`), and one may begin at the very last byte.
const keysMax = Math.ceil(largestPayloadBytes / 5) + 1;
/** Numbers of the key table a key: signature, start, end. */
const keyStride = 3;

/**
 * Where in a payload an object is: the payload itself, its `aps` and the `alert` in that are looked at closer. Each lies in
 * the one before, under the first of the keys that are looked for there.
 */
const Role = { other: 0, payload: 1, aps: 2, alert: 3 } as const;

/** What the scan learnt of a payload. */
export interface PayloadNotes {
  /** Bits of ApsFact, and those of the keys of `aps`. */
  readonly facts: number;
  /** The text of the alert, without its quotes: positions as those of the payload; -1 without one. */
  readonly textStart: number;
  readonly textEnd: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;

/** The state of a scan and what it found. Made once, used for every line. */
export class JsonScan implements PayloadNotes {
  /** Why the text was refused; null while it is right. */
  code: ScanCode | null = null;
  /** The byte at which it was. */
  faultAt = 0;
  /** Part of a sentence: what was wrong there and what would be right. */
  problem = '';
  /** Set by an escape within a string; whoever wants to know clears it first. */
  hasEscape = false;
  facts = 0;
  textStart = -1;
  textEnd = -1;
  /** isLineSpace within a line, isSpace within a text of its own. */
  space: Uint8Array = isLineSpace;

  /** Keys that begin beyond this position are those of a payload too large for any push type. */
  keyStartMax = 0;
  // Keys of the objects that are open, the innermost object's last: signature, start, end. Keys without escapes lie in
  // the text; the others, with their escapes undone, in `side`, and have ~start for a start.
  readonly keys: Int32Array = new Int32Array(keysMax * keyStride);
  /** Where in `keys` the next key goes. */
  keyTop = 0;
  side: Buffer = Buffer.alloc(0);
  sideLength = 0;

  begin(space: Uint8Array): void {
    this.code = null;
    this.facts = 0;
    this.textStart = -1;
    this.textEnd = -1;
    this.space = space;
    this.keyTop = 0;
    this.sideLength = 0;
  }

  fail(code: ScanCode, at: number, problem: string): -1 {
    this.code = code;
    this.faultAt = at;
    this.problem = problem;
    return -1;
  }

  /** Undoes the escapes of a key; returns where it begins in `side`, and it ends at `sideLength`. */
  unescapeKey(bytes: Buffer, start: number, end: number): number {
    const from = this.sideLength;
    if (this.side.length - from < end - start) {
      const larger = Buffer.allocUnsafe(Math.max(1024, 2 * this.side.length, from + (end - start)));
      this.side.copy(larger, 0, 0, from);
      this.side = larger;
    }
    this.sideLength = unescape(bytes, start, end, this.side, from);
    return from;
  }
}

/** A text of its own: one payload object, white space around it allowed. Returns `end`, or -1. */
export function scanPayloadText(scan: JsonScan, bytes: Buffer, start: number, end: number): number {
  scan.begin(isSpace);
  let at = start;
  while (isSpace[bytes[at]] === 1) at++;
  if (bytes[at] === openBrace) {
    at = scanPayload(scan, bytes, at + 1);
  } else {
    scan.keyStartMax = start + largestPayloadBytes;
    at = scanValue(scan, bytes, at, 1);
  }
  if (at < 0) return -1;
  while (isSpace[bytes[at]] === 1) at++;
  return at === end ? end : scan.fail('local.not-json', at, 'the JSON ends before this');
}

/** The payload object, from the byte after its `{`. */
export function scanPayload(scan: JsonScan, bytes: Buffer, at: number): number {
  scan.keyStartMax = at + largestPayloadBytes;
  return scanObject(scan, bytes, at, 1, Role.payload);
}

/** Any value, `depth` being the number of objects and arrays it is in, plus one. */
export function scanValue(scan: JsonScan, bytes: Buffer, at: number, depth: number): number {
  const byte = bytes[at];
  if (byte === quote) return scanString(scan, bytes, at + 1);
  if (byte === openBrace) return scanObject(scan, bytes, at + 1, depth, Role.other);
  if (byte === openBracket) return scanArray(scan, bytes, at + 1, depth);
  if (byte === minus || isDigit(byte)) return scanNumber(scan, bytes, at);
  return scanWord(scan, bytes, at);
}

/** From the byte after the opening quote; returns the position after the closing one. */
export function scanString(scan: JsonScan, bytes: Buffer, at: number): number {
  for (;;) {
    let byte = bytes[at];
    while (endsRun[byte] === 0) byte = bytes[++at];
    if (byte === quote) return at + 1;
    if (byte !== backslash) return failControl(scan, at, byte);
    at = scanEscape(scan, bytes, at);
    if (at < 0) return -1;
  }
}

/**
 * From the byte after `{`. Where white space may stand, the byte wanted is looked for first: JSON made by programs has
 * none.
 */
function scanObject(scan: JsonScan, bytes: Buffer, at: number, depth: number, role: number): number {
  if (depth > depthMax) return failDepth(scan, at - 1);
  if (bytes[at] !== quote) at = skipSpace(scan, bytes, at);
  if (bytes[at] === closeBrace) return at + 1;
  const firstKey = scan.keyTop;
  for (;;) {
    if (bytes[at] !== quote) return scan.fail('local.not-json', at, 'a key in double quotes is wanted');
    const keyStart = ++at;
    let byte = bytes[at];
    while (endsRun[byte] === 0) byte = bytes[++at];
    if (byte === quote) {
      if (!addKey(scan, bytes, bytes, keyStart, at, firstKey)) return failKey(scan, bytes, keyStart, at);
    } else {
      at = scanEscapedKey(scan, bytes, keyStart, at, firstKey);
      if (at < 0) return -1;
    }
    const known = role === Role.other ? -1 : findKey(scan, bytes, keyStart, at, role);
    at++;
    if (bytes[at] !== colon) at = skipSpace(scan, bytes, at);
    if (bytes[at] !== colon) return scan.fail('local.not-json', at, 'a colon after the key is wanted');
    at++;
    if (bytes[at] !== quote) at = skipSpace(scan, bytes, at);
    const valueStart = at;
    at =
      known === 0 && role !== Role.alert && bytes[at] === openBrace
        ? scanObject(scan, bytes, at + 1, depth + 1, role + 1)
        : scanValue(scan, bytes, at, depth + 1);
    if (at < 0) return -1;
    // Of the payload's own keys, only one matters.
    if (known === 0 || role > Role.payload) noteValue(scan, bytes, role, known, valueStart, at);
    byte = bytes[at];
    if (byte !== comma && byte !== closeBrace) {
      at = skipSpace(scan, bytes, at);
      byte = bytes[at];
    }
    if (byte === closeBrace) break;
    if (byte !== comma) return scan.fail('local.not-json', at, 'a comma or } is wanted');
    at++;
    if (bytes[at] !== quote) at = skipSpace(scan, bytes, at);
  }
  scan.keyTop = firstKey;
  return at + 1;
}

/** From the byte after `[`. */
function scanArray(scan: JsonScan, bytes: Buffer, at: number, depth: number): number {
  if (depth > depthMax) return failDepth(scan, at - 1);
  at = skipSpace(scan, bytes, at);
  if (bytes[at] === closeBracket) return at + 1;
  for (;;) {
    at = scanValue(scan, bytes, at, depth + 1);
    if (at < 0) return -1;
    at = skipSpace(scan, bytes, at);
    const byte = bytes[at];
    if (byte === closeBracket) return at + 1;
    if (byte !== comma) return scan.fail('local.not-json', at, 'a comma or ] is wanted');
    at = skipSpace(scan, bytes, at + 1);
  }
}

function skipSpace(scan: JsonScan, bytes: Buffer, at: number): number {
  const { space } = scan;
  while (space[bytes[at]] === 1) at++;
  return at;
}

/**
 * Makes the bytes of `source` the last key of the key table. False when the object, whose keys begin at `firstKey`, has
 * it already, when it is a forbidden one, or when it lies beyond what any payload has room for.
 */
function addKey(scan: JsonScan, bytes: Buffer, source: Buffer, start: number, end: number, firstKey: number): boolean {
  const { keys, keyTop } = scan;
  const length = end - start;
  // Keys that share it are compared.
  const signature = signatureOf(source, start, end);
  for (let k = firstKey; k < keyTop; k += keyStride) {
    if (keys[k] === signature && isKey(scan, bytes, k, source, start, end)) return false;
  }
  if ((length === 9 || length === 11) && isForbiddenKey(source, start, end)) return false;
  if (source === bytes && start > scan.keyStartMax) return false;
  keys[keyTop] = signature;
  keys[keyTop + 1] = source === bytes ? start : ~start;
  keys[keyTop + 2] = end;
  scan.keyTop = keyTop + keyStride;
  return true;
}

/** A key with escapes in it, the first of them at `at`. Returns the position of the closing quote. */
function scanEscapedKey(scan: JsonScan, bytes: Buffer, start: number, at: number, firstKey: number): number {
  const after = scanString(scan, bytes, at);
  if (after < 0) return -1;
  const from = scan.unescapeKey(bytes, start, after - 1);
  const isAdded = start <= scan.keyStartMax && addKey(scan, bytes, scan.side, from, scan.sideLength, firstKey);
  return isAdded ? after - 1 : failKey(scan, bytes, start, after - 1);
}

/** Says why addKey refused. */
function failKey(scan: JsonScan, bytes: Buffer, start: number, end: number): -1 {
  if (start > scan.keyStartMax) {
    return scan.fail(
      'local.payload-too-large',
      start - 1,
      `more than ${largestPayloadBytes} bytes, which Apple takes of no push type`,
    );
  }
  const from = scan.unescapeKey(bytes, start, end);
  if (isForbiddenKey(scan.side, from, scan.sideLength)) return failForbidden(scan, start - 1);
  return scan.fail('local.duplicate-key', start - 1, 'this key was there before in the same object; keep one of them');
}

function isKey(scan: JsonScan, bytes: Buffer, k: number, source: Buffer, start: number, end: number): boolean {
  const keyStart = scan.keys[k + 1];
  const keyEnd = scan.keys[k + 2];
  const length = end - start;
  const from = keyStart < 0 ? scan.side : bytes;
  const first = keyStart < 0 ? ~keyStart : keyStart;
  if (keyEnd - first !== length) return false;
  for (let i = 0; i < length; i++) if (from[first + i] !== source[start + i]) return false;
  return true;
}

const proto = Buffer.from('__proto__');
const constructorKey = Buffer.from('constructor');
const prototype = Buffer.from('prototype');

export function isForbiddenKey(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 9) return equalAt(bytes, start, end, proto) || equalAt(bytes, start, end, prototype);
  return length === 11 && equalAt(bytes, start, end, constructorKey);
}

const aps = Buffer.from('aps');

/**
 * The key scanned last, which lies between `start` and `end`, by its place among those that are looked for in an object of
 * this role; -1: none of them.
 */
function findKey(scan: JsonScan, bytes: Buffer, start: number, end: number, role: number): number {
  const k = scan.keyTop - keyStride;
  let source = bytes;
  if (scan.keys[k + 1] < 0) {
    // It has escapes.
    source = scan.side;
    start = ~scan.keys[k + 1];
    end = scan.keys[k + 2];
  }
  if (role === Role.payload) return end - start === aps.length && equalAt(source, start, end, aps) ? 0 : -1;
  return (role === Role.aps ? apsColumns : alertColumns).keys.find(scan.keys[k], source, start, end);
}

/** Notes what the value of a key of the payload, its `aps` or its alert says. */
function noteValue(scan: JsonScan, bytes: Buffer, role: number, known: number, start: number, end: number): void {
  switch (role) {
    case Role.payload:
      scan.facts |= bytes[start] === openBrace ? ApsFact.hasAps : ApsFact.badAps;
      return;
    case Role.aps:
      scan.facts |= apsFactsAt(known, bytes, start, end);
      break;
    default:
      scan.facts |= alertFactsAt(known, bytes, start, end);
  }
  if (known !== 0 || bytes[start] !== quote) return;
  scan.textStart = start + 1;
  scan.textEnd = end - 1;
  // It may be shortened: what follows it would then lie so much further to the front.
  scan.keyStartMax += end - start;
}

/** RFC 8259 §6: no leading zero or plus, digits on both sides of the point. The size of the number is no concern here. */
function scanNumber(scan: JsonScan, bytes: Buffer, at: number): number {
  let byte = bytes[at];
  if (byte === minus) byte = bytes[++at];
  if (byte === zero) {
    byte = bytes[++at];
  } else {
    if (!isDigit(byte)) return failDigit(scan, at);
    do byte = bytes[++at];
    while (isDigit(byte));
  }
  if (byte === 0x2e) {
    byte = bytes[++at];
    if (!isDigit(byte)) return failDigit(scan, at);
    do byte = bytes[++at];
    while (isDigit(byte));
  }
  if (byte === 0x65 || byte === 0x45) {
    byte = bytes[++at];
    if (byte === 0x2b || byte === minus) byte = bytes[++at];
    if (!isDigit(byte)) return failDigit(scan, at);
    do byte = bytes[++at];
    while (isDigit(byte));
  }
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function scanWord(scan: JsonScan, bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === 0x74 && bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65) return at + 4;
  if (byte === 0x6e && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c) return at + 4;
  const isFalse =
    byte === 0x66 &&
    bytes[at + 1] === 0x61 &&
    bytes[at + 2] === 0x6c &&
    bytes[at + 3] === 0x73 &&
    bytes[at + 4] === 0x65;
  if (isFalse) return at + 5;
  return scan.fail('local.not-json', at, 'a value is wanted: a string, number, object, array, true, false or null');
}

/** From the backslash. */
function scanEscape(scan: JsonScan, bytes: Buffer, at: number): number {
  scan.hasEscape = true;
  switch (bytes[at + 1]) {
    case quote:
    case backslash:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: // u
      break;
    default:
      return scan.fail('local.not-json', at, 'this escape does not exist; a backslash itself is written \\\\');
  }
  const unit = codeUnit(bytes, at + 2);
  if (unit < 0) return scan.fail('local.not-json', at, 'four hex digits are wanted after \\u');
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  if (unit < 0xdc00 && bytes[at + 6] === backslash && bytes[at + 7] === 0x75) {
    const low = codeUnit(bytes, at + 8);
    if (low >= 0xdc00 && low <= 0xdfff) return at + 12;
  }
  return scan.fail(
    'local.lone-surrogate',
    at,
    'half of a surrogate pair without the other half; send the whole character',
  );
}

function failControl(scan: JsonScan, at: number, byte: number): -1 {
  const isEnd = byte === (scan.space === isLineSpace ? 0x0a : 0x00);
  if (isEnd) return scan.fail('local.not-json', at, 'the text ends within a string; a closing quote is wanted');
  return scan.fail(
    'local.not-json',
    at,
    'a control character within a string; it is written as an escape, \\n for a line feed',
  );
}

function failDepth(scan: JsonScan, at: number): -1 {
  return scan.fail('local.too-deep', at, `more than ${depthMax} objects and arrays within one another`);
}

function failDigit(scan: JsonScan, at: number): -1 {
  return scan.fail('local.not-json', at, 'a digit is wanted');
}

export function failForbidden(scan: JsonScan, at: number): -1 {
  return scan.fail(
    'local.forbidden-key',
    at,
    'the keys __proto__, constructor and prototype are refused; name it otherwise',
  );
}
