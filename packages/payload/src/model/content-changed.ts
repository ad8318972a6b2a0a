// `widgets` and `controls`: what they show is out of date, and the system asks the app for it (Apple, Updating widgets
// with WidgetKit push notifications; Updating controls locally and remotely). There is nothing else to say.

import { wireAps } from './aps.ts';
import type { Notification } from './notification.ts';

export function widgets(): Notification {
  return { pushType: 'widgets', payload: { aps: wireAps({ contentChanged: true }) } };
}

/** Priority 10 and no keeping, as in Apple's sample. */
export function controls(): Notification {
  return { pushType: 'controls', payload: { aps: wireAps({ contentChanged: true }) }, priority: 10, expiration: 0 };
}
