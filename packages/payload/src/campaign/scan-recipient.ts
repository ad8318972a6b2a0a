// One line of a list of recipients: a device token as it is, or a JSON object with a token, an id and variables. In the
// manner of scan-job.ts: one pass, positions out, nothing built. A variable's text is taken with its escapes, which are
// as right between the quotes of the payload as between its own: nothing is unescaped and escaped again.

import { endsRun, equalAt, isLineSpace } from '../byte-classes.ts';
import {
  failForbidden,
  isForbiddenKey,
  type JsonScan,
  largestPayloadBytes,
  scanString,
  scanValue,
} from '../scan-json.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const lineFeed = 0x0a;

/** What a recipient's variable is; `absent` is 0, so that one fill forgets the recipient before. */
export const ValueKind = { absent: 0, text: 1, number: 2, boolean: 3, null: 4, nested: 5 } as const;

/** Fields of a recipient. */
export const RecipientKey = { token: 0, id: 1, variables: 2 } as const;
const fieldCount = 3;

/** Where the parts of the recipient scanned last lie. */
export class RecipientSpans {
  /** Bit 1 << RecipientKey for fields that are there. */
  seen = 0;
  /** The same, for those with escapes in their string. */
  escaped = 0;
  readonly starts: Int32Array = new Int32Array(fieldCount);
  readonly ends: Int32Array = new Int32Array(fieldCount);
  /** By the number of a variable of the notification. */
  readonly kinds: Uint8Array;
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array;
  /** What a fault concerns, such as `variables.name`; null: the whole line. */
  faultField: string | null = null;
  /** Names of the notification's variables, as octets. */
  readonly names: readonly Buffer[];
  /** The variable that a key is compared with first: lists have their variables in one order. */
  next = 0;

  constructor(variables: readonly string[]) {
    this.names = variables.map((name) => Buffer.from(name));
    this.kinds = new Uint8Array(variables.length);
    this.valueStarts = new Int32Array(variables.length);
    this.valueEnds = new Int32Array(variables.length);
  }

  clear(): void {
    this.seen = 0;
    this.escaped = 0;
    this.faultField = null;
    this.next = 0;
    for (let variable = 0; variable < this.kinds.length; variable++) this.kinds[variable] = ValueKind.absent;
  }

  has(key: number): boolean {
    return (this.seen & (1 << key)) !== 0;
  }

  /** The number of the variable of this name, or -1. */
  variableOf(bytes: Uint8Array, start: number, end: number): number {
    const { names, next } = this;
    for (let i = 0; i < names.length; i++) {
      const variable = next + i < names.length ? next + i : next + i - names.length;
      if (!equalAt(bytes, start, end, names[variable])) continue;
      this.next = variable + 1 < names.length ? variable + 1 : 0;
      return variable;
    }
    return -1;
  }
}

/** The line that begins at `at`, which is no white space; returns the position of its line feed, or -1. */
export function scanRecipient(scan: JsonScan, spans: RecipientSpans, bytes: Buffer, at: number): number {
  spans.clear();
  scan.begin(isLineSpace);
  switch (bytes[at]) {
    case openBrace:
      return scanRecipientObject(scan, spans, bytes, at + 1);
    case quote: {
      const end = takeString(scan, spans, RecipientKey.token, bytes, at + 1);
      return end < 0 ? -1 : scanEnd(scan, bytes, end);
    }
    default:
      return takeBareToken(spans, bytes, at);
  }
}

/** Everything up to the end of the line: whether it is a device token is not asked here. */
function takeBareToken(spans: RecipientSpans, bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] !== lineFeed) at++;
  let end = at;
  while (isLineSpace[bytes[end - 1]] === 1) end--;
  spans.seen = 1 << RecipientKey.token;
  spans.starts[RecipientKey.token] = start;
  spans.ends[RecipientKey.token] = end;
  return at;
}

function scanRecipientObject(scan: JsonScan, spans: RecipientSpans, bytes: Buffer, start: number): number {
  let at = skipLineSpace(bytes, start);
  if (bytes[at] === closeBrace) return scanEnd(scan, bytes, at + 1);
  for (;;) {
    spans.faultField = null;
    if (bytes[at] !== quote) return scan.fail('local.not-json', at, 'a key in double quotes is wanted');
    const keyStart = ++at;
    at = scanKey(scan, bytes, at);
    if (at < 0) return -1;
    const key = recipientKeyOf(scan, bytes, keyStart, at - 1);
    if (key < 0) return failField(scan, bytes, keyStart, at - 1);
    spans.faultField = recipientFields[key];
    if (spans.has(key)) {
      return scan.fail('local.duplicate-key', keyStart - 1, 'it is there twice; keep one of them');
    }
    spans.seen |= 1 << key;
    at = atValue(scan, bytes, at);
    if (at < 0) return -1;
    at = key === RecipientKey.variables ? scanVariables(scan, spans, bytes, at) : takeText(scan, spans, key, bytes, at);
    if (at < 0) return -1;
    let byte = bytes[at];
    if (byte !== comma && byte !== closeBrace) {
      at = skipLineSpace(bytes, at);
      byte = bytes[at];
    }
    if (byte === closeBrace) break;
    if (byte !== comma) return scan.fail('local.not-json', at, 'a comma or } is wanted');
    at++;
    if (bytes[at] !== quote) at = skipLineSpace(bytes, at);
  }
  spans.faultField = null;
  return scanEnd(scan, bytes, at + 1);
}

function takeText(scan: JsonScan, spans: RecipientSpans, key: number, bytes: Buffer, at: number): number {
  if (bytes[at] !== quote) return failType(scan, bytes, at, 'a string is wanted');
  return takeString(scan, spans, key, bytes, at + 1);
}

/** A value that is right and of another type; or none at all. */
function failType(scan: JsonScan, bytes: Buffer, at: number, wanted: string): -1 {
  scan.keyStartMax = at + largestPayloadBytes;
  return scanValue(scan, bytes, at, 1) < 0 ? -1 : scan.fail('local.wrong-type', at, wanted);
}

function takeString(scan: JsonScan, spans: RecipientSpans, key: number, bytes: Buffer, start: number): number {
  scan.hasEscape = false;
  const after = scanString(scan, bytes, start);
  if (after < 0) return -1;
  spans.seen |= 1 << key;
  if (scan.hasEscape) spans.escaped |= 1 << key;
  spans.starts[key] = start;
  spans.ends[key] = after - 1;
  return after;
}

/** Those of the notification are noted; others may be there, and need only be JSON. */
function scanVariables(scan: JsonScan, spans: RecipientSpans, bytes: Buffer, start: number): number {
  if (bytes[start] !== openBrace) return failType(scan, bytes, start, 'an object is wanted: {"name":"Ann"}');
  let at = skipLineSpace(bytes, start + 1);
  if (bytes[at] === closeBrace) return at + 1;
  for (;;) {
    if (bytes[at] !== quote) return scan.fail('local.not-json', at, 'a key in double quotes is wanted');
    const keyStart = ++at;
    at = scanKey(scan, bytes, at);
    if (at < 0) return -1;
    const variable = variableAt(scan, spans, bytes, keyStart, at - 1);
    if (variable < 0) {
      if (scan.code !== null) return -1;
      at = atValue(scan, bytes, at);
      if (at < 0) return -1;
      scan.keyStartMax = at + largestPayloadBytes;
      at = scanValue(scan, bytes, at, 1);
    } else {
      if (spans.kinds[variable] !== ValueKind.absent) {
        spans.faultField = `variables.${spans.names[variable].toString()}`;
        return scan.fail('local.duplicate-key', keyStart - 1, 'it is there twice; keep one of them');
      }
      at = atValue(scan, bytes, at);
      if (at < 0) return -1;
      at = takeValue(scan, spans, variable, bytes, at);
    }
    if (at < 0) return -1;
    let byte = bytes[at];
    if (byte !== comma && byte !== closeBrace) {
      at = skipLineSpace(bytes, at);
      byte = bytes[at];
    }
    if (byte === closeBrace) return at + 1;
    if (byte !== comma) return scan.fail('local.not-json', at, 'a comma or } is wanted');
    at++;
    if (bytes[at] !== quote) at = skipLineSpace(bytes, at);
  }
}

function takeValue(scan: JsonScan, spans: RecipientSpans, variable: number, bytes: Buffer, start: number): number {
  if (bytes[start] === quote) {
    const after = scanString(scan, bytes, start + 1);
    if (after < 0) return -1;
    spans.kinds[variable] = ValueKind.text;
    spans.valueStarts[variable] = start + 1;
    spans.valueEnds[variable] = after - 1;
    return after;
  }
  scan.keyStartMax = start + largestPayloadBytes;
  const after = scanValue(scan, bytes, start, 1);
  if (after < 0) return -1;
  spans.kinds[variable] = kindAt(bytes[start]);
  spans.valueStarts[variable] = start;
  spans.valueEnds[variable] = after;
  return after;
}

/** By the first octet of a value that is right and no string. */
function kindAt(byte: number): number {
  switch (byte) {
    case 0x74: // true
    case 0x66: // false
      return ValueKind.boolean;
    case 0x6e: // null
      return ValueKind.null;
    case openBrace:
    case 0x5b: // [
      return ValueKind.nested;
    default:
      return ValueKind.number;
  }
}

/** From the octet after the opening quote to the one after the closing quote. */
function scanKey(scan: JsonScan, bytes: Buffer, start: number): number {
  scan.hasEscape = false;
  let at = start;
  let byte = bytes[at];
  while (endsRun[byte] === 0) byte = bytes[++at];
  return byte === quote ? at + 1 : scanString(scan, bytes, at);
}

/** From the octet after a key to the first one of its value. */
function atValue(scan: JsonScan, bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] !== colon) at = skipLineSpace(bytes, at);
  if (bytes[at] !== colon) return scan.fail('local.not-json', at, 'a colon after the key is wanted');
  at++;
  return bytes[at] === quote ? at : skipLineSpace(bytes, at);
}

/** -1: none of the notification's, or a fault that is in the scan then. */
function variableAt(scan: JsonScan, spans: RecipientSpans, bytes: Buffer, start: number, end: number): number {
  const from = scan.hasEscape ? scan.unescapeKey(bytes, start, end) : start;
  const source = scan.hasEscape ? scan.side : bytes;
  const to = scan.hasEscape ? scan.sideLength : end;
  const variable = spans.variableOf(source, from, to);
  return variable < 0 && isForbiddenKey(source, from, to) ? failForbidden(scan, start - 1) : variable;
}

export const recipientFields: readonly string[] = Object.keys(RecipientKey);

const tokenName = Buffer.from('token');
const idName = Buffer.from('id');
const variablesName = Buffer.from('variables');
/** The short form: a list of ten million lines is 50 MB shorter for it. */
const varsName = Buffer.from('vars');

function recipientKeyOf(scan: JsonScan, bytes: Buffer, start: number, end: number): number {
  if (!scan.hasEscape) return keyOf(bytes, start, end);
  const from = scan.unescapeKey(bytes, start, end);
  return keyOf(scan.side, from, scan.sideLength);
}

/** By length first: no two names have the same. */
function keyOf(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return equalAt(bytes, start, end, idName) ? RecipientKey.id : -1;
    case 4:
      return equalAt(bytes, start, end, varsName) ? RecipientKey.variables : -1;
    case 5:
      return equalAt(bytes, start, end, tokenName) ? RecipientKey.token : -1;
    case 9:
      return equalAt(bytes, start, end, variablesName) ? RecipientKey.variables : -1;
    default:
      return -1;
  }
}

function failField(scan: JsonScan, bytes: Buffer, start: number, end: number): number {
  const from = scan.unescapeKey(bytes, start, end);
  if (isForbiddenKey(scan.side, from, scan.sideLength)) return failForbidden(scan, start - 1);
  return scan.fail('local.unknown-field', start - 1, scan.side.toString('utf8', from, scan.sideLength));
}

function skipLineSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isLineSpace[bytes[at]] === 1) at++;
  return at;
}

function scanEnd(scan: JsonScan, bytes: Buffer, start: number): number {
  const at = skipLineSpace(bytes, start);
  if (bytes[at] === lineFeed) return at;
  return scan.fail('local.not-json', at, 'the recipient ends before this; one line holds one recipient');
}
