// `complication`: what a watch face shows is out of date.

import { type CustomData, type Notification, payloadWith } from './notification.ts';

export function complication(data: CustomData): Notification {
  return { pushType: 'complication', payload: payloadWith(null, data) };
}
