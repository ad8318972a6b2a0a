// The fields of a job (contract) as small numbers, and which JSON types each may have.

import { equalAt } from './byte-classes.ts';
import { JsonType } from './json-type.ts';

export const Field = {
  id: 0,
  app: 1,
  token: 2,
  channel: 3,
  pushType: 4,
  topic: 5,
  priority: 6,
  expiration: 7,
  collapseId: 8,
  apnsId: 9,
  deadline: 10,
  sendAt: 11,
  onAmbiguous: 12,
  truncate: 13,
  payload: 14,
} as const;

export const fieldNames: readonly string[] = Object.keys(Field);
export const fieldCount: number = fieldNames.length;

interface FieldRule {
  /** Bits of JsonType. */
  readonly types: number;
  /** What is right, for the message. */
  readonly wanted: string;
}

const text: FieldRule = { types: JsonType.string, wanted: 'a string' };

/** By field number. `null` is no type of any field: a field that is not given is left out. */
export const fieldRules: readonly FieldRule[] = [
  text, // id
  text, // app
  text, // token
  text, // channel
  text, // pushType
  text, // topic
  { types: JsonType.number, wanted: 'the number 10, 5 or 1' },
  { types: JsonType.number | JsonType.string, wanted: 'unix seconds or an ISO time' },
  text, // collapseId
  text, // apnsId
  text, // deadline
  text, // sendAt
  text, // onAmbiguous
  { types: JsonType.boolean, wanted: 'true or false' },
  { types: JsonType.object | JsonType.string, wanted: 'an object, or a string of JSON that holds one' },
];

/** The same by field number, for the scan. */
export const allowedTypes: Uint8Array = Uint8Array.from(fieldRules, (rule) => rule.types);

const names: readonly Buffer[] = fieldNames.map((name) => Buffer.from(name));

/** The field a key names, or -1. By length first: at most three names have the same. */
export function fieldOf(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return is(Field.id, bytes, start, end);
    case 3:
      return is(Field.app, bytes, start, end);
    case 5:
      return bytes[start + 2] === 0x6b ? is(Field.token, bytes, start, end) : is(Field.topic, bytes, start, end);
    case 6:
      return bytes[start] === 0x61 ? is(Field.apnsId, bytes, start, end) : is(Field.sendAt, bytes, start, end);
    case 7:
      return bytes[start] === 0x70 ? is(Field.payload, bytes, start, end) : is(Field.channel, bytes, start, end);
    case 8:
      return eightLetters(bytes, start, end);
    case 10:
      return bytes[start] === 0x65 ? is(Field.expiration, bytes, start, end) : is(Field.collapseId, bytes, start, end);
    case 11:
      return is(Field.onAmbiguous, bytes, start, end);
    default:
      return -1;
  }
}

function eightLetters(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start + 2]) {
    case 0x73:
      return is(Field.pushType, bytes, start, end); // puSh
    case 0x69:
      return is(Field.priority, bytes, start, end); // prIo
    case 0x61:
      return is(Field.deadline, bytes, start, end); // deAd
    default:
      return is(Field.truncate, bytes, start, end);
  }
}

function is(field: number, bytes: Uint8Array, start: number, end: number): number {
  return equalAt(bytes, start, end, names[field]) ? field : -1;
}

/** Lower case without separators → the field that was meant: what other senders and Apple's headers call it. */
const meanings: ReadonlyMap<string, string> = new Map([
  ...fieldNames.map((name) => [name.toLowerCase(), name] as const),
  ['devicetoken', 'token'],
  ['device', 'token'],
  ['apnspushtype', 'pushType'],
  ['type', 'pushType'],
  ['apnstopic', 'topic'],
  ['bundleid', 'topic'],
  ['apnspriority', 'priority'],
  ['apnsexpiration', 'expiration'],
  ['expiry', 'expiration'],
  ['ttl', 'expiration'],
  ['apnscollapseid', 'collapseId'],
  ['collapsekey', 'collapseId'],
  ['channelid', 'channel'],
  ['apnschannelid', 'channel'],
  ['notification', 'payload'],
  ['message', 'payload'],
]);

/** The field that an unknown name was probably meant for, or null. */
export function meantField(name: string): string | null {
  return name.length > 40 ? null : (meanings.get(name.toLowerCase().replace(/[-_ ]/g, '')) ?? null);
}
