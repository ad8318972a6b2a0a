// `pushtotalk`: somebody speaks, or a channel changed (Apple, Creating a Push to Talk app).

import { type CustomData, type Notification, payloadWith } from './notification.ts';

/** Priority 10 and no keeping, as the page asks: the token lives as long as the person is in the channel. */
export function pushToTalk(data: CustomData): Notification {
  return { pushType: 'pushtotalk', payload: payloadWith({}, data), priority: 10, expiration: 0 };
}
