// One job's JSON object: which fields it has, where their values lie and of which type they are, and the payload's own
// bytes. Grammar and refusals are those of scan-json.ts, in the same pass. Pure: bytes in, positions out.

import { endsRun, isLineSpace } from './byte-classes.ts';
import { allowedTypes, Field, fieldCount, fieldNames, fieldOf, fieldRules } from './job-fields.ts';
import { JsonType, typeAt } from './json-type.ts';
import {
  failForbidden,
  isForbiddenKey,
  type JsonScan,
  largestPayloadBytes,
  scanPayload,
  scanString,
  scanValue,
} from './scan-json.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const lineFeed = 0x0a;

/** Where the fields of the job scanned last lie. Valid for the fields whose bit is set in `seen`, and for no others. */
export class JobSpans {
  // Sets of fields: bit 1 << field.
  /** Fields the job has. */
  seen = 0;
  /** Those whose value is a string: it lies without its quotes. */
  strings = 0;
  /** Those with escapes in their string: the bytes are not yet the value. */
  escaped = 0;
  readonly starts: Int32Array = new Int32Array(fieldCount);
  readonly ends: Int32Array = new Int32Array(fieldCount);
  /** The field that a refusal concerns, or -1. */
  faultField = -1;

  has(field: number): boolean {
    return (this.seen & (1 << field)) !== 0;
  }
}

/**
 * Scans the line that begins at `at`; returns the position of the line feed that ends it, or -1 with the reason in the
 * scan.
 */
export function scanJob(scan: JsonScan, job: JobSpans, bytes: Buffer, at: number): number {
  scan.begin(isLineSpace);
  job.seen = 0;
  job.strings = 0;
  job.escaped = 0;
  job.faultField = -1;
  at = skipLineSpace(bytes, at);
  if (bytes[at] !== openBrace) return failNoJob(scan, bytes, at);
  at = skipLineSpace(bytes, at + 1);
  if (bytes[at] === closeBrace) return scanEnd(scan, bytes, at + 1);
  for (;;) {
    if (bytes[at] !== quote) return scan.fail('local.not-json', at, 'a key in double quotes is wanted');
    at = scanFieldName(scan, job, bytes, at + 1);
    if (at < 0) return -1;
    if (bytes[at] !== colon) at = skipLineSpace(bytes, at);
    if (bytes[at] !== colon) return scan.fail('local.not-json', at, 'a colon after the key is wanted');
    at++;
    if (bytes[at] !== quote) at = skipLineSpace(bytes, at);
    at = scanFieldValue(scan, job, bytes, at);
    if (at < 0) return -1;
    let byte = bytes[at];
    if (byte !== comma && byte !== closeBrace) {
      at = skipLineSpace(bytes, at);
      byte = bytes[at];
    }
    if (byte === closeBrace) return scanEnd(scan, bytes, at + 1);
    if (byte !== comma) return scan.fail('local.not-json', at, 'a comma or } is wanted');
    at++;
    if (bytes[at] !== quote) at = skipLineSpace(bytes, at);
  }
}

/** From the byte after the opening quote; leaves the field in `faultField`: any fault up to its end concerns it. */
function scanFieldName(scan: JsonScan, job: JobSpans, bytes: Buffer, start: number): number {
  job.faultField = -1;
  let at = start;
  let byte = bytes[at];
  while (endsRun[byte] === 0) byte = bytes[++at];
  let field: number;
  if (byte === quote) {
    field = fieldOf(bytes, start, at);
  } else {
    const after = scanString(scan, bytes, at);
    if (after < 0) return -1;
    at = after - 1;
    const from = scan.unescapeKey(bytes, start, at);
    field = fieldOf(scan.side, from, scan.sideLength);
  }
  if (field < 0) return failField(scan, bytes, start, at);
  job.faultField = field;
  const bit = 1 << field;
  if ((job.seen & bit) !== 0) {
    return scan.fail('local.duplicate-key', start - 1, `the job has ${fieldNames[field]} twice; keep one of them`);
  }
  job.seen |= bit;
  return at + 1;
}

function scanFieldValue(scan: JsonScan, job: JobSpans, bytes: Buffer, at: number): number {
  const field = job.faultField;
  const allowed = allowedTypes[field];
  const byte = bytes[at];
  if (byte === quote && (allowed & JsonType.string) !== 0) {
    const start = at + 1;
    scan.hasEscape = false;
    at = scanString(scan, bytes, start);
    const bit = 1 << field;
    job.strings |= bit;
    if (scan.hasEscape) job.escaped |= bit;
    job.starts[field] = start;
    job.ends[field] = at - 1;
    return at;
  }
  job.starts[field] = at;
  if (byte === openBrace && field === Field.payload) {
    at = scanPayload(scan, bytes, at + 1);
  } else {
    const type = typeAt[byte];
    if (type !== 0 && (allowed & type) === 0) {
      return scan.fail('local.wrong-type', at, `${fieldRules[field].wanted} is wanted`);
    }
    // A number, true or false: objects are allowed for the payload only, arrays nowhere.
    at = scanValue(scan, bytes, at, 1);
  }
  job.ends[field] = at;
  return at;
}

function skipLineSpace(bytes: Buffer, at: number): number {
  while (isLineSpace[bytes[at]] === 1) at++;
  return at;
}

function scanEnd(scan: JsonScan, bytes: Buffer, at: number): number {
  at = skipLineSpace(bytes, at);
  return bytes[at] === lineFeed
    ? at
    : scan.fail('local.not-json', at, 'the job ends before this; one line holds one job');
}

function failNoJob(scan: JsonScan, bytes: Buffer, at: number): number {
  if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) {
    return scan.fail('local.not-json', at, 'a byte order mark belongs at the start of the first line only');
  }
  scan.keyStartMax = at + largestPayloadBytes;
  const after = scanValue(scan, bytes, at, 1);
  if (after >= 0) scanEnd(scan, bytes, after);
  const code = scan.code === 'local.not-json' ? 'local.not-json' : 'local.not-a-job';
  return scan.fail(code, at, 'one job is one JSON object in { }');
}

function failField(scan: JsonScan, bytes: Buffer, start: number, end: number): number {
  const from = scan.unescapeKey(bytes, start, end);
  if (isForbiddenKey(scan.side, from, scan.sideLength)) return failForbidden(scan, start - 1);
  return scan.fail('local.unknown-field', start - 1, scan.side.toString('utf8', from, scan.sideLength));
}
