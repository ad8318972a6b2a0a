// What one pass learns of a payload's `aps`, as bits of one number: which of Apple's keys it has, and whether anything in
// it is to be looked at more closely. The pass only proves that there is nothing to say; whatever is odd, rare or wrong
// sets `odd`, and check-payload.ts takes a second look, with time to find words. A property test holds the two together:
// where the facts are silent, the second look has no complaint.
//
// Cost: one look-up a key of `aps` and of `alert`, and a few comparisons for numbers; nothing is allocated.

import { endsRun, equalAt, isSpace } from '../byte-classes.ts';
import { JsonType, typeAt, typeOf } from '../json-type.ts';
import {
  activityEvents,
  alertSchema,
  apsSchema,
  type ApsKeyName,
  interruptionLevels,
  type KeyRule,
  secondsMax,
  type ValueRule,
} from './aps-schema.ts';
import { KeyTable } from './key-table.ts';

const apsNames = Object.keys(apsSchema);
const alertNames = Object.keys(alertSchema);

/** The bit of a key of `aps` that is there. */
export function apsBit(name: ApsKeyName): number {
  return 1 << apsNames.indexOf(name);
}

type ApsFactName = 'odd' | 'wakes' | 'scoreBeyond' | 'starts' | 'alertSound' | 'hasAps' | 'badAps';

/** What else there is to know; the bits above those of the keys. */
export const ApsFact: Readonly<Record<ApsFactName, number>> = {
  /** Something needs a second look, whatever the push type. */
  odd: 1 << 22,
  /** `content-available` is 1. */
  wakes: 1 << 23,
  /** `relevance-score` is not within 0 to 1. */
  scoreBeyond: 1 << 24,
  /** `event` is "start". */
  starts: 1 << 25,
  /** `alert` has a sound of its own. */
  alertSound: 1 << 26,
  /** The payload has an `aps` that is an object. */
  hasAps: 1 << 27,
  /** It has one that is none. */
  badAps: 1 << 28,
};

/** What a person sees or hears. */
export const visibleBits: number = apsBit('alert') | apsBit('badge') | apsBit('sound');

/** In the payload, in `aps` and in `alert`: the names, and the schema's columns by the places of the names. */
export class KeyColumns {
  readonly keys: KeyTable;
  readonly types: Uint8Array;
  /** The types of which any value is right. */
  readonly plainTypes: Uint8Array;
  readonly rules: readonly ValueRule[];

  constructor(schema: Readonly<Record<string, KeyRule>>) {
    this.keys = new KeyTable(Object.keys(schema));
    this.types = Uint8Array.from(Object.values(schema), ({ types }) => types);
    this.plainTypes = Uint8Array.from(Object.values(schema), plainTypesOf);
    this.rules = Object.values(schema).map(({ value }) => value);
  }
}

function plainTypesOf({ types, value }: KeyRule): number {
  if (value === 'any' || value === 'alert' || value === 'text') return types;
  return value === 'sound' ? JsonType.string : 0;
}

export const apsColumns: KeyColumns = new KeyColumns(apsSchema);
export const alertColumns: KeyColumns = new KeyColumns(alertSchema);
const alertSoundKey = alertNames.indexOf('sound');
const placeInAps: ReadonlyMap<string, number> = new Map(apsNames.map((name, key) => [name, key]));
const placeInAlert: ReadonlyMap<string, number> = new Map(alertNames.map((name, key) => [name, key]));

const quote = 0x22;
const comma = 0x2c;
const closeBracket = 0x5d;
const zero = 0x30;
const one = 0x31;
const start = Buffer.from('"start"');
const events = activityEvents.map((event) => Buffer.from(`"${event}"`));
const levels = interruptionLevels.map((level) => Buffer.from(`"${level}"`));

/** The facts of a value of `aps`, scanned and right, from `at` to `end`; `key` is its place among the names, or -1. */
export function apsFactsAt(key: number, bytes: Buffer, at: number, end: number): number {
  if (key < 0) return ApsFact.odd;
  const fact = 1 << key;
  const type = typeAt[bytes[at]];
  if ((apsColumns.plainTypes[key] & type) !== 0) return fact;
  if ((apsColumns.types[key] & type) === 0) return fact | ApsFact.odd;
  switch (apsColumns.rules[key]) {
    case 'one':
      // 1 is what people write; 1.0 and 1e0 are the same number, and the second look knows.
      if (end - at !== 1 || bytes[at] !== one) return fact | ApsFact.odd | oddWakes(key, bytes, at, end);
      return key === contentAvailable ? fact | ApsFact.wakes : fact;
    case 'count':
      return isCount(bytes, at, end, 9) ? fact : fact | ApsFact.odd;
    case 'time':
      return isCount(bytes, at, end, 11) ? fact : fact | ApsFact.odd;
    case 'score':
      return isWithinOne(bytes, at, end) ? fact : fact | ApsFact.scoreBeyond;
    case 'true':
      return bytes[at] === 0x74 ? fact : fact | ApsFact.odd;
    case 'event':
      if (!isOneOf(bytes, at, end, events)) return fact | ApsFact.odd;
      return end - at === start.length && bytes[at + 1] === 0x73 ? fact | ApsFact.starts : fact;
    case 'level':
      return isOneOf(bytes, at, end, levels) ? fact : fact | ApsFact.odd;
    case 'texts':
      return isTexts(bytes, at, end) ? fact : fact | ApsFact.odd;
    default:
      // A sound that is an object: rare, and all of it is to be looked at.
      return fact | ApsFact.odd;
  }
}

/** The same of a value of `alert`. */
export function alertFactsAt(key: number, bytes: Buffer, at: number, end: number): number {
  if (key < 0) return ApsFact.odd;
  const type = typeAt[bytes[at]];
  if (key === alertSoundKey && type === JsonType.string) return ApsFact.alertSound;
  if ((alertColumns.plainTypes[key] & type) !== 0) return 0;
  if ((alertColumns.types[key] & type) === 0) return ApsFact.odd;
  return alertColumns.rules[key] === 'texts' && !isTexts(bytes, at, end) ? ApsFact.odd : 0;
}

/** The facts of an `aps` as a JavaScript value, objects in it being plain. */
export function factsOfAps(aps: unknown): number {
  if (typeof aps !== 'object' || aps === null || Array.isArray(aps)) return ApsFact.badAps;
  let facts: number = ApsFact.hasAps;
  for (const name in aps) {
    const value: unknown = (aps as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) facts |= factsOfMember(placeInAps.get(name) ?? -1, value);
  }
  return facts;
}

function factsOfMember(key: number, value: unknown): number {
  if (key < 0) return ApsFact.odd;
  const fact = 1 << key;
  if ((apsColumns.types[key] & typeOf(value)) === 0) return fact | ApsFact.odd;
  switch (apsColumns.rules[key]) {
    case 'any':
      return fact;
    case 'alert':
      return typeof value === 'string' ? fact : fact | factsOfAlert(value as Readonly<Record<string, unknown>>); // by its type
    case 'one':
      if (value !== 1) return fact | ApsFact.odd;
      return key === contentAvailable ? fact | ApsFact.wakes : fact;
    case 'count':
      return isWhole(value, 1e9) ? fact : fact | ApsFact.odd;
    case 'time':
      return isWhole(value, secondsMax) ? fact : fact | ApsFact.odd;
    case 'score':
      return Number(value) >= 0 && Number(value) <= 1 ? fact : fact | ApsFact.scoreBeyond;
    case 'true':
      return value === true ? fact : fact | ApsFact.odd;
    case 'event':
      if (!activityEvents.includes(String(value))) return fact | ApsFact.odd;
      return value === 'start' ? fact | ApsFact.starts : fact;
    case 'level':
      return interruptionLevels.includes(String(value)) ? fact : fact | ApsFact.odd;
    case 'texts':
      return isStrings(value) ? fact : fact | ApsFact.odd;
    default:
      return typeof value === 'string' ? fact : fact | ApsFact.odd;
  }
}

function factsOfAlert(alert: Readonly<Record<string, unknown>>): number {
  let facts = 0;
  for (const name in alert) {
    const value = alert[name];
    if (value === undefined) continue;
    const key = placeInAlert.get(name) ?? -1;
    if (key < 0 || (alertColumns.types[key] & typeOf(value)) === 0) facts |= ApsFact.odd;
    else if (key === alertSoundKey) facts |= ApsFact.alertSound;
    else if (alertColumns.rules[key] === 'texts' && !isStrings(value)) facts |= ApsFact.odd;
  }
  return facts;
}

/** From 0 on, and below `limit`. */
function isWhole(value: unknown, limit: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < limit;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

const contentAvailable = apsNames.indexOf('content-available');

/** The push type of a job that names none hangs on this fact, so it is exact. */
function oddWakes(key: number, bytes: Buffer, at: number, end: number): number {
  if (key !== contentAvailable) return 0;
  return Number(bytes.toString('latin1', at, end)) === 1 ? ApsFact.wakes : 0;
}

/** Only digits, and at most so many. */
function isCount(bytes: Buffer, at: number, end: number, digitsMax: number): boolean {
  if (end - at > digitsMax) return false;
  for (; at < end; at++) if (bytes[at] < zero || bytes[at] > 0x39) return false;
  return true;
}

/** `0`, `1`, `0.…` without an exponent; others may be within, too. */
function isWithinOne(bytes: Buffer, at: number, end: number): boolean {
  if (end - at === 1) return bytes[at] === zero || bytes[at] === one;
  if (bytes[at] !== zero || bytes[at + 1] !== 0x2e) return false;
  return isCount(bytes, at + 2, end, 40);
}

function isOneOf(bytes: Buffer, at: number, end: number, texts: readonly Buffer[]): boolean {
  for (const text of texts) if (equalAt(bytes, at, end, text)) return true;
  return false;
}

/** An array, scanned and right, of strings without escapes. */
function isTexts(bytes: Buffer, at: number, end: number): boolean {
  at = spaceEnd(bytes, at + 1);
  while (at < end && bytes[at] === quote) {
    do at++;
    while (endsRun[bytes[at]] === 0);
    // A string with an escape in it: not worth more care here.
    if (bytes[at] !== quote) return false;
    at = spaceEnd(bytes, at + 1);
    if (bytes[at] === comma) at = spaceEnd(bytes, at + 1);
  }
  return bytes[at] === closeBracket;
}

function spaceEnd(bytes: Buffer, at: number): number {
  while (isSpace[bytes[at]] === 1) at++;
  return at;
}
