// A broadcast: a change of a Live Activity for everybody who has subscribed to a channel. It cannot start one.

import type { LiveActivityNotification } from './live-activity.ts';

export type Broadcast = LiveActivityNotification<'update' | 'end'> & { readonly channel: string };

/** `channel`: the id that Apple gave it, in base64. */
export function broadcast(channel: string, change: LiveActivityNotification<'update' | 'end'>): Broadcast {
  return { ...change, channel };
}
