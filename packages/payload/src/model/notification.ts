// What every builder of this folder gives: the part of a job that does not say to whom. `{ token, ...alert({ … }) }` is
// a job. Builders put things where Apple wants them; what may be sent is checked when the job is prepared.

import type { Priority } from '@carillon/apns';

export interface Notification {
  readonly pushType: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly priority?: Priority;
  /** Unix seconds; 0: Apple tries once and keeps nothing. */
  readonly expiration?: number;
  /** Only where it is not the app's bundle id with the push type's suffix. */
  readonly topic?: string;
}

/** The app's own keys, beside `aps`: inside it Apple ignores them (Generating a remote notification). */
export interface CustomData {
  readonly [key: string]: unknown;
  readonly aps?: never;
}

/** Callers in plain JavaScript have no compiler that tells them. */
export class NotificationError extends Error {
  readonly code = 'ERR_NOTIFICATION';
  /** Such as `data.aps`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = 'NotificationError';
    this.path = path;
  }
}

/** A payload: Apple's dictionary first, the app's data beside it. */
export function payloadWith(aps: object | null, data: CustomData | undefined): Record<string, unknown> {
  if (data !== undefined && Object.hasOwn(data, 'aps')) {
    throw new NotificationError('data.aps', 'aps is made by the builder; its own options say what is in it');
  }
  return aps === null ? { ...data } : { aps, ...data };
}

/** The priority where one is given; without it the push type's default holds. */
export function priorityOf(priority: Priority | undefined): { priority?: Priority } {
  return priority === undefined ? {} : { priority };
}
