// `voip`: an incoming call; the app must report one for each (Apple, Responding to VoIP Notifications from PushKit).

import { type CustomData, type Notification, payloadWith } from './notification.ts';

/** Not kept by Apple: a call that rings late is worse than none. `expiration` allows a few seconds, as UNIX time. */
export function voip(data: CustomData, expiration: number = 0): Notification {
  return { pushType: 'voip', payload: payloadWith(null, data), expiration };
}
