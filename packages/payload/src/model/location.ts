// `location`: asks a device where it is (Apple, Creating a location push service extension).

import { type CustomData, type Notification, payloadWith } from './notification.ts';

/** `isUrgent`: somebody waits for the answer. Otherwise priority 5, as the page asks. */
export function location(
  data: CustomData = {},
  { isUrgent = false }: { readonly isUrgent?: boolean } = {},
): Notification {
  return { pushType: 'location', payload: payloadWith({}, data), priority: isUrgent ? 10 : 5 };
}
