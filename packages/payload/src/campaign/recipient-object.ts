// A recipient as a JavaScript value: a device token, or an object with one. Its parts are written down where a line's
// would lie, so that one writer makes the record of both. Whatever is in the object, the answer is a value.

import { quote } from '@carillon/apns';
import { jobFault, type JobFault } from '../rejection.ts';
import { recipientFields, RecipientKey, type RecipientSpans, ValueKind } from './scan-recipient.ts';

export interface Recipient {
  /** Device token, hex. */
  readonly token: string;
  /** A correlation key, as a job's. Default: the push's apns-id. */
  readonly id?: string | undefined;
  /** By the names of the notification's slots; others are ignored. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** Characters of one text. Above, it is in no payload, and nothing is copied. */
const textCharsMax = 65_536;

/** ES2024: every Node we run on has it, the type library of our target does not. */
type WellFormedString = string & { isWellFormed(): boolean };

/** Where the parts of a recipient that is no line are written. */
export class RecipientScratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(1024);
  length = 0;

  /** Three octets a UTF-16 unit at most (RFC 3629). Returns where it begins; it ends at `length`. */
  write(text: string): number {
    const start = this.length;
    if (this.bytes.length - start < 3 * text.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (start + 3 * text.length));
      this.bytes.copy(larger, 0, 0, start);
      this.bytes = larger;
    }
    this.length = start + this.bytes.write(text, start, 'utf8');
    return start;
  }
}

/** Null when the spans are those of `recipient`, and lie in the scratch. */
export function writeRecipient(recipient: unknown, spans: RecipientSpans, scratch: RecipientScratch): JobFault | null {
  scratch.length = 0;
  spans.clear();
  if (typeof recipient === 'string') return writeText(recipient, RecipientKey.token, spans, scratch);
  if (typeof recipient !== 'object' || recipient === null || Array.isArray(recipient)) return notARecipient;
  try {
    return writeObject(recipient as Readonly<Record<string, unknown>>, spans, scratch); // any object can be looked at so
  } catch (error) {
    // Code of the caller's ran: a getter or a proxy. What it throws can be anything.
    const reason = error instanceof Error ? error.message : 'something that is no Error';
    return jobFault('local.not-serialisable', null, `reading the recipient threw: ${quote(reason)}`);
  }
}

function writeObject(
  recipient: Readonly<Record<string, unknown>>,
  spans: RecipientSpans,
  scratch: RecipientScratch,
): JobFault | null {
  for (const name of Object.keys(recipient)) {
    const value = recipient[name];
    if (value === undefined) continue;
    let fault: JobFault | null;
    if (name === 'token') fault = writeText(value, RecipientKey.token, spans, scratch);
    else if (name === 'id') fault = writeText(value, RecipientKey.id, spans, scratch);
    else if (name === 'variables' || name === 'vars') fault = writeVariables(value, spans, scratch);
    else fault = unknownRecipientField(name);
    if (fault !== null) return fault;
  }
  return null;
}

function writeText(value: unknown, key: number, spans: RecipientSpans, scratch: RecipientScratch): JobFault | null {
  const field = recipientFields[key];
  if (typeof value !== 'string') return jobFault('local.wrong-type', field, `${field} is no text; a string is wanted`);
  if (value.length > textCharsMax) {
    return jobFault('local.line-too-long', field, `${field} has more than ${textCharsMax} characters`);
  }
  spans.starts[key] = scratch.write(value);
  spans.ends[key] = scratch.length;
  spans.seen |= 1 << key;
  return null;
}

function writeVariables(value: unknown, spans: RecipientSpans, scratch: RecipientScratch): JobFault | null {
  if (spans.has(RecipientKey.variables)) {
    return jobFault('local.duplicate-key', 'variables', 'variables and vars are the same; keep one of them');
  }
  spans.seen |= 1 << RecipientKey.variables;
  if (typeof value !== 'object' || value === null) {
    return jobFault('local.wrong-type', 'variables', 'variables is no object; {"name":"Ann"} is one');
  }
  for (const [variable, octets] of spans.names.entries()) {
    const name = octets.toString();
    if (!Object.hasOwn(value, name)) continue;
    const fault = writeVariable((value as Readonly<Record<string, unknown>>)[name], variable, name, spans, scratch);
    if (fault !== null) return fault;
  }
  return null;
}

function writeVariable(
  value: unknown,
  variable: number,
  name: string,
  spans: RecipientSpans,
  scratch: RecipientScratch,
): JobFault | null {
  let text: string;
  let kind: number;
  switch (typeof value) {
    case 'undefined':
      return null; // not given
    case 'string': {
      const field = `variables.${name}`;
      if (value.length > textCharsMax) {
        return jobFault('local.payload-too-large', field, `${field} alone has more characters than any payload takes`);
      }
      if (!(value as WellFormedString).isWellFormed()) {
        return jobFault('local.lone-surrogate', field, `${field}: half of a surrogate pair without the other half`);
      }
      text = isPlain.test(value) ? value : JSON.stringify(value).slice(1, -1);
      kind = ValueKind.text;
      break;
    }
    case 'number':
    case 'bigint':
      if (typeof value === 'number' && !Number.isFinite(value)) return notSerialisable(name, String(value));
      text = String(value);
      kind = ValueKind.number;
      break;
    case 'boolean':
      text = String(value);
      kind = ValueKind.boolean;
      break;
    case 'object':
      text = value === null ? 'null' : '{}';
      kind = value === null ? ValueKind.null : ValueKind.nested;
      break;
    default:
      return notSerialisable(name, `a ${typeof value}`);
  }
  spans.valueStarts[variable] = scratch.write(text);
  spans.valueEnds[variable] = scratch.length;
  spans.kinds[variable] = kind;
  return null;
}

// Nothing in it that JSON writes as an escape.
const isPlain = /^[^"\\\u0000-\u001f]*$/;

function notSerialisable(name: string, what: string): JobFault {
  return jobFault(
    'local.not-serialisable',
    `variables.${name}`,
    `variables.${name} is ${what}, which JSON cannot carry`,
  );
}

export const notARecipient: JobFault = jobFault(
  'local.not-a-recipient',
  null,
  'one recipient is a device token, or one object with a token: {"token":"c9d4…","variables":{"name":"Ann"}}',
);

const ofTheNotification: ReadonlySet<string> = new Set([
  'payload',
  'aps',
  'pushType',
  'topic',
  'priority',
  'expiration',
  'collapseId',
  'deadline',
  'onAmbiguous',
  'truncate',
]);

export function unknownRecipientField(name: string): JobFault {
  const hint = ofTheNotification.has(name)
    ? 'it belongs to the notification, which is the same for all'
    : 'token, id and variables are its fields; what the text needs goes into variables';
  return jobFault('local.unknown-field', null, `a recipient has no field ${quote(name)}; ${hint}`);
}
