// The short way in for job objects: plain ones, as nearly all are, become spans and text without being written down as
// JSON and scanned again. It only ever says "plain" or "not sure"; whatever is not plain goes the long way
// (job-object.ts and the scan), which finds what is wrong and words it.
//
// `send` with an object: 1.1 µs instead of 2.3 for everything up to the arena (docs/BENCHMARKS.md, micro).

import { factsOfAps } from './checks/aps-facts.ts';
import { allowedTypes, Field, fieldNames } from './job-fields.ts';
import { JsonType } from './json-type.ts';
import type { JobSpans } from './scan-job.ts';
import { depthMax, type PayloadNotes } from './scan-json.ts';

/** Octets that the fields of a plain job may take together; a job with more goes the long way. */
export const plainFieldsBytesMax = 2048;
/** Values visited in a payload; one with more goes the long way. */
const valuesMax = 1000;
const payloadCharsMax = 8192;

const fieldNumbers: ReadonlyMap<string, number> = new Map(fieldNames.map((name, field) => [name, field]));

/**
 * Writes the fields of `object` but the payload into `target`, which has `plainFieldsBytesMax` octets, and their places
 * into `spans`. False: not plain, and the spans mean nothing.
 */
export function writePlainFields(object: object, spans: JobSpans, target: Buffer): boolean {
  spans.seen = 0;
  spans.strings = 0;
  spans.escaped = 0;
  spans.faultField = -1;
  let at = 0;
  for (const name in object) {
    const field = fieldNumbers.get(name);
    if (field === undefined || !Object.hasOwn(object, name)) return false;
    if (field === Field.payload) continue;
    const value: unknown = (object as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    const allowed = allowedTypes[field];
    let text: string;
    if (typeof value === 'string' && (allowed & JsonType.string) !== 0) {
      text = value;
      spans.strings |= 1 << field;
    } else if (typeof value === 'number' && (allowed & JsonType.number) !== 0 && Number.isSafeInteger(value)) {
      text = String(value);
    } else if (typeof value === 'boolean' && (allowed & JsonType.boolean) !== 0) {
      text = value ? 'true' : 'false';
    } else return false;
    if (at + text.length > plainFieldsBytesMax) return false;
    // Not ASCII: fewer characters than octets. No field may hold such, and the long way says which and why.
    if (target.write(text, at, 'utf8') !== text.length) return false;
    spans.seen |= 1 << field;
    spans.starts[field] = at;
    at += text.length;
    spans.ends[field] = at;
  }
  return true;
}

/** Visits a payload before it is written: is it what JSON.stringify writes without changing anything, and nothing we refuse? */
export class PlainPayload implements PayloadNotes {
  facts = 0;
  // Who must shorten the alert goes the long way, which finds it.
  readonly textStart: number = -1;
  readonly textEnd: number = -1;
  #values = 0;

  /** The text of a plain payload; null: not sure. May throw what the object's own code throws. */
  write(payload: object): string | null {
    this.facts = 0;
    this.#values = 0;
    if (Array.isArray(payload) || !this.#isPlain(payload, 1)) return null;
    const { aps } = payload as { aps?: unknown };
    if (aps !== undefined) this.facts = factsOfAps(aps);
    const text = JSON.stringify(payload);
    // `\ud…`: half of a surrogate pair, as JSON.stringify writes it (or a text that looks so; the scan knows).
    return text.length > payloadCharsMax || text.includes('\\ud') ? null : text;
  }

  #isPlain(value: object, depth: number): boolean {
    if (depth > depthMax) return false;
    if (Array.isArray(value)) {
      for (const child of value) if (child === undefined || !this.#isPlainValue(child, depth)) return false;
      return true;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key in value) {
      if (key === '__proto__' || key === 'constructor' || key === 'prototype' || key === 'toJSON') return false;
      const child: unknown = (value as Readonly<Record<string, unknown>>)[key];
      // A key without a value is left out, and the scan would not have seen it.
      if (child !== undefined && !this.#isPlainValue(child, depth)) return false;
    }
    return true;
  }

  #isPlainValue(value: unknown, depth: number): boolean {
    if (++this.#values > valuesMax) return false;
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return true;
      case 'number':
        return Number.isFinite(value);
      case 'object':
        return value === null || this.#isPlain(value, depth + 1);
      default:
        return false;
    }
  }
}
