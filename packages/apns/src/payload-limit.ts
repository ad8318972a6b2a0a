// How large a body Apple takes, in bytes as sent: white space and escapes count.

import type { PushType } from './push-type.ts';

/** Apple, "Sending broadcast push notification requests to APNs". */
export const broadcastPayloadBytesMax = 5120;

export function payloadBytesMax(pushType: PushType, isBroadcast: boolean = false): number {
  return isBroadcast ? broadcastPayloadBytesMax : pushType.payloadBytesMax;
}
