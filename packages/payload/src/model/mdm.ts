// `mdm`: a managed device is to ask its server what there is to do (Apple, Device Management).

import type { Notification } from './notification.ts';

/** `pushMagic`: what the device sent at its check-in. The payload holds nothing else. */
export function mdm(pushMagic: string): Notification {
  return { pushType: 'mdm', payload: { mdm: pushMagic } };
}
