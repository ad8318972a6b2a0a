// A job as a JavaScript object: written down as the text it would have been as a line, so that the one scan and the
// same checks decide. Whatever is in the object (getters that throw, cycles, functions), the answer is a value.

import { jobFault, type JobFault } from './rejection.ts';
import { depthMax } from './scan-json.ts';

/** The fields of the contract. `undefined` is "not given". */
export interface JobObject {
  readonly id?: string | undefined;
  readonly app?: string | undefined;
  readonly token?: string | undefined;
  readonly channel?: string | undefined;
  readonly pushType?: string | undefined;
  readonly topic?: string | undefined;
  readonly priority?: number | undefined;
  readonly expiration?: number | string | Date | undefined;
  readonly collapseId?: string | undefined;
  readonly apnsId?: string | undefined;
  readonly deadline?: string | Date | undefined;
  readonly sendAt?: string | Date | undefined;
  readonly onAmbiguous?: 'resend' | 'report' | undefined;
  readonly truncate?: boolean | undefined;
  /** An object, a string of JSON, or the bytes of JSON. */
  readonly payload?: object | string | Uint8Array | undefined;
}

/** Fields read so far, by name, for the receipt of a job that is refused. */
type ReadFields = Readonly<Record<string, unknown>>;

export type ReadObject =
  | {
      readonly kind: 'job';
      readonly fields: ReadFields;
      readonly fieldText: string;
      readonly payload: string | Uint8Array | null;
    }
  | { readonly kind: 'fault'; readonly fields: ReadFields; readonly fault: JobFault };

/** Characters of the text of a payload or of all other fields. Above, neither can be right, and nothing is copied. */
const textCharsMax = 65_536;

/** Values of a payload visited. Each takes two bytes of JSON at least, so that a payload within its limit has fewer. */
const valuesMax = 5120;

/** ES2024: every Node we run on has it, the type library of our target does not. */
type WellFormedString = string & { isWellFormed(): boolean };

export function readObject(object: unknown): ReadObject {
  // Only own keys other than __proto__ are ever set or read.
  const fields: Record<string, unknown> = {};
  try {
    return readFields(object, fields);
  } catch (error) {
    // Code of the caller's ran: a getter, toJSON or a proxy. What it throws can be anything.
    const reason = error instanceof Error ? error.message : 'something that is no Error';
    return {
      kind: 'fault',
      fields,
      fault: jobFault('local.not-serialisable', null, `reading the job threw: ${shorten(reason)}`),
    };
  }
}

function readFields(object: unknown, fields: Record<string, unknown>): ReadObject {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    return { kind: 'fault', fields, fault: jobFault('local.not-a-job', null, 'one job is one object') };
  }
  let payload: unknown;
  for (const name of Object.keys(object)) {
    const value = (object as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (name === 'payload') {
      payload = value;
      continue;
    }
    if (name === '__proto__') {
      const message = 'the job: the keys __proto__, constructor and prototype are refused; name it otherwise';
      return { kind: 'fault', fields, fault: jobFault('local.forbidden-key', null, message) };
    }
    const problem = fieldProblem(value);
    if (problem !== null) {
      return {
        kind: 'fault',
        fields,
        fault: jobFault('local.not-serialisable', name, `${shorten(name)} is ${problem}`),
      };
    }
    fields[name] = value;
  }
  const text = JSON.stringify(fields);
  if (text.length > textCharsMax) {
    const message = `the fields besides the payload have more than ${textCharsMax} characters`;
    return { kind: 'fault', fields, fault: jobFault('local.line-too-long', null, message) };
  }
  if (payload === undefined) return { kind: 'job', fields, fieldText: text, payload: null };
  const read = readPayload(payload);
  if (typeof read === 'object' && 'code' in read) return { kind: 'fault', fields, fault: read };
  return { kind: 'job', fields, fieldText: text, payload: read };
}

/** What JSON would drop or change in silence. Objects and arrays get through, and the scan says which type is wanted. */
function fieldProblem(value: unknown): string | null {
  switch (typeof value) {
    case 'function':
    case 'symbol':
    case 'bigint':
      return `a ${typeof value}, which JSON cannot carry`;
    case 'number':
      return Number.isFinite(value) ? null : `${value}, which JSON cannot carry`;
    case 'object':
      // A Date is written as its ISO time; an invalid one as null.
      return value instanceof Date && Number.isNaN(value.getTime()) ? 'a Date without a time' : null;
    default:
      return null;
  }
}

function readPayload(payload: unknown): string | Uint8Array | JobFault {
  if (payload instanceof Uint8Array) return payload.length > textCharsMax ? tooLarge(payload.length, 'bytes') : payload;
  let text: unknown = payload;
  if (typeof payload === 'object' && payload !== null) {
    const problem = new PayloadWalk().problem(payload, 1);
    if (problem !== null) return jobFault('local.not-serialisable', 'payload', `the payload has ${problem}`);
    // A toJSON of the payload itself can give anything, undefined too.
    text = JSON.stringify(payload);
  }
  if (typeof text !== 'string') {
    const message = 'the payload is an object, a string of JSON, or bytes; this is none of them';
    return jobFault('local.wrong-type', 'payload', message);
  }
  if (text.length > textCharsMax) return tooLarge(text.length, 'characters');
  // A string with half a surrogate pair would be written as U+FFFD without a word.
  if (!(text as WellFormedString).isWellFormed()) {
    return jobFault('local.lone-surrogate', 'payload', 'payload: half of a surrogate pair without the other half');
  }
  return text;
}

function tooLarge(length: number, unit: string): JobFault {
  const message = `the payload has ${length} ${unit}; Apple takes at most 4096 bytes, 5120 of push type voip`;
  return jobFault('local.payload-too-large', 'payload', message);
}

/**
 * Looks for what JSON.stringify would drop or change in silence: functions and symbols vanish, NaN becomes null, a Map
 * becomes {}. What remains are numbers, strings, booleans, null, arrays, objects, and whatever has a toJSON.
 */
class PayloadWalk {
  #values = 0;

  /** A phrase, or null when all is well. `depth` is that of the value, the payload's being 1. */
  problem(value: unknown, depth: number): string | null {
    if (++this.#values > valuesMax) return `more than ${valuesMax} values, which no payload has room for, or a cycle`;
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? null : `the number ${value} in it, which JSON cannot carry`;
      case 'function':
      case 'symbol':
      case 'bigint':
        return `a ${typeof value} in it, which JSON cannot carry`;
      case 'object':
        return value === null ? null : this.#inside(value, depth);
      default:
        return null;
    }
  }

  #inside(value: object, depth: number): string | null {
    if (depth > depthMax) return `more than ${depthMax} objects and arrays within one another, or a cycle`;
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return null;
    if (value instanceof Map || value instanceof Set) return 'a Map or Set in it, which JSON writes as {}';
    const isArray = Array.isArray(value);
    const keys = Object.keys(value);
    for (const key of keys) {
      const child = (value as Record<string, unknown>)[key];
      if (child === undefined) {
        if (isArray) return 'undefined in an array, which JSON writes as null';
        continue;
      }
      const problem = this.problem(child, depth + 1);
      if (problem !== null) return depth === 1 ? `${problem} (in ${shorten(key)})` : problem;
    }
    // A hole is no key, and JSON writes it as null as well.
    const isSparse = isArray && keys.length < value.length;
    return isSparse ? 'a hole in an array, which JSON writes as null' : null;
  }
}

/** For messages: 40 characters, visible ASCII. */
function shorten(text: string): string {
  const shown = text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
  return text.length > 40 ? `${shown}…` : shown;
}
