// The headers that broadcasts and channel calls share (apns-protocol.md A.3, D.3).
import { uuid } from './headers.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { Check } from './verdict.ts';

/** A length is not promised; BERR calls "too long" a bad one. A guess: five times what was seen. */
const channelIdCharsMax = 128;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const documentedFields: readonly string[] = [
  'authorization',
  'apns-channel-id',
  'apns-request-id',
  'apns-push-type',
  'apns-expiration',
  'apns-priority',
];

export function checkBroadcastDuplicates({ fields }: PushRequest): Check {
  const isRepeated = documentedFields.some((name) => fields.filter((field) => field.name === name).length > 1);
  return isRepeated ? { reason: 'DuplicateHeaders' } : null;
}

export function checkRequestId(request: PushRequest): Check {
  const requestId = fieldValue(request, 'apns-request-id');
  return requestId === null || uuid.test(requestId) ? null : { reason: 'BadMessageId' };
}

export function checkChannelSyntax(request: PushRequest): Check {
  const channel = fieldValue(request, 'apns-channel-id');
  if (channel === null || channel === '') return { reason: 'MissingChannelId' };
  return channel.length <= channelIdCharsMax && base64.test(channel) ? null : { reason: 'BadChannelId' };
}

/** BSND and CLI write `Liveactivity`, the sample `liveactivity`, CHM `LiveActivity`. */
export function isLiveActivity(pushType: string): boolean {
  return pushType.toLowerCase() === 'liveactivity';
}
