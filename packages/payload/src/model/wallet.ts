// A pass in Wallet changed; the device fetches it (Apple, Adding a Web Service to Update Passes). Production only.

import type { Notification } from './notification.ts';

/** `passTypeId`: `pass.com.example.ticket`, which is the topic. */
export function wallet(passTypeId: string): Notification {
  return { pushType: 'alert', topic: passTypeId, payload: {} };
}
