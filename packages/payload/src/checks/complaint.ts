// What is to be said about a payload: it will not be sent, or it will and something in it is probably not what its author
// meant.

import { quote, quoteUnknown } from '@carillon/apns';
import type { PayloadCode, WarningCode } from '../codes.ts';

export type Complaint =
  | { readonly kind: 'refusal'; readonly code: PayloadCode; readonly path: string; readonly message: string }
  | ({ readonly kind: 'warning' } & Warning);

/** Something about a push that is sent all the same. */
export interface Warning {
  readonly code: WarningCode;
  /** In the payload, such as `aps.alert.title-loc-args[2]`; or a field of the job. */
  readonly path: string;
  /** For people: what is there, and what would be right. */
  readonly message: string;
}

/** Complaints about one payload. Ours: whoever has more mistakes in one payload finds the others after these. */
export const complaintsMax = 8;

/** Characters of a key in a path: every name of Apple's fits, and a device token does not. */
const keyCharsMax = 32;
const plainKey = /^[A-Za-z_][A-Za-z0-9_-]*$/;

export function memberPath(path: string, key: string): string {
  if (key.length <= keyCharsMax && plainKey.test(key)) return path === '' ? key : `${path}.${key}`;
  return `${path}[${quote(key, keyCharsMax)}]`;
}

/** Collects them, in the order in which they are found. */
export class Complaints {
  readonly found: Complaint[] = [];

  refuse(code: PayloadCode, path: string, message: string): void {
    this.#add({ kind: 'refusal', code, path, message: `${path} ${message}` });
  }

  warn(code: WarningCode, path: string, message: string): void {
    this.#add({ kind: 'warning', code, path, message: `${path} ${message}` });
  }

  /** A refusal always finds room: it decides what becomes of the job. */
  #add(complaint: Complaint): void {
    if (this.found.length < complaintsMax) this.found.push(complaint);
    else if (complaint.kind === 'refusal' && !this.found.some(({ kind }) => kind === 'refusal')) {
      this.found[complaintsMax - 1] = complaint;
    }
  }
}

/** A value in short; of long texts and of objects only what they are. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : quoteUnknown(value);
}
