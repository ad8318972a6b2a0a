// `background`: the app is woken, and nobody sees anything (Apple, Pushing background updates to your App).

import { wireAps } from './aps.ts';
import { type CustomData, type Notification, payloadWith } from './notification.ts';

/** Nothing visible can be asked for, and no priority: any but 5 is an error at Apple. */
export function background(data?: CustomData): Notification {
  return { pushType: 'background', payload: payloadWith(wireAps({ contentAvailable: true }), data), priority: 5 };
}
