// The way out: a payload as Apple will see it, for a push type that these builders do not know or know less well. It is
// checked like every other when it is prepared.

import { isFault, parsePushType } from '@carillon/apns';
import { type Notification, NotificationError } from './notification.ts';

export type RawOptions = Notification;

/** A push type we do not know is taken if it looks like one: Apple decides. */
export function raw(options: RawOptions): Notification {
  const pushType = parsePushType(options.pushType);
  if (isFault(pushType)) throw new NotificationError('pushType', pushType.message);
  const { payload } = options;
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return { ...options };
  throw new NotificationError('payload', 'it is no object; {"aps":{"alert":"Hi"}} is one');
}
