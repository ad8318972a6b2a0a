// Apple's rules for a broadcast: one push to a channel, for everybody who has subscribed to it (iOS 18). Source: Apple,
// "Sending broadcast push notification requests to APNs".

import { fault, type ApnsFault } from './fault.ts';
import type { PlannedField, PlannedSlot } from './header-plan.ts';
import type { Priority } from './priority.ts';
import type { ProviderToken } from './provider-token.ts';
import { pushTypes, type PushType } from './push-type.ts';
import { quote } from './quote.ts';
import type { Topic } from './topic.ts';

export const broadcastPathPrefix = '/4/broadcasts/apps/';

/**
 * Of broadcasts that name none. Apple demands the header (without it: 400 BadExpirationDate, seen). 0 is the one value
 * that every channel takes: anything else is refused for a channel whose storage policy keeps nothing.
 */
export const broadcastExpirationDefault = '0';

/** The slots of a broadcast's plan. They stand where `headerSlots` has a device token, an apns-id and an expiration. */
export const broadcastSlots = { channel: 0, requestId: 1, expiration: 2 } as const;

export interface BroadcastPlanOptions {
  /** `Endpoint.authority`. */
  readonly authority: string;
  /** Null on a connection with a client certificate. */
  readonly providerToken: ProviderToken | null;
  readonly bundleId: Topic;
  readonly pushType: PushType;
  readonly priority: Priority;
}

/**
 * No topic: the path names the app. The path is the same for every broadcast of an app and yet not indexed: broadcasts
 * are rare beside pushes, whose topics need the room.
 */
export function broadcastPlan(options: BroadcastPlanOptions): readonly (PlannedField | PlannedSlot)[] {
  const { authority, providerToken, bundleId, pushType, priority } = options;
  const indexed = 'incremental';
  return [
    { name: ':method', value: 'POST', indexing: indexed },
    { name: ':scheme', value: 'https', indexing: indexed },
    { name: ':authority', value: authority, indexing: indexed },
    { name: ':path', value: `${broadcastPathPrefix}${bundleId}`, indexing: 'without' },
    ...(providerToken === null
      ? []
      : [{ name: 'authorization', value: `bearer ${providerToken.token}`, indexing: indexed } as const]),
    { name: 'apns-push-type', value: pushType.name, indexing: pushType.isKnown ? indexed : 'without' },
    { name: 'apns-priority', value: String(priority), indexing: indexed },
    { name: 'apns-channel-id', slot: broadcastSlots.channel, indexing: 'name' },
    { name: 'apns-request-id', slot: broadcastSlots.requestId, indexing: 'name' },
    { name: 'apns-expiration', slot: broadcastSlots.expiration, indexing: 'name' },
  ];
}

/** Null when Apple broadcasts this type. A type we do not know yet is Apple's to judge. */
export function checkBroadcastType(pushType: PushType): ApnsFault | null {
  if (pushType === pushTypes.liveactivity || !pushType.isKnown) return null;
  return fault(
    'local.bad-push-type',
    'pushType',
    `pushType ${quote(pushType.name)} cannot be broadcast to a channel; liveactivity is right, and what is taken when none is named`,
  );
}

/** Null when the topic is a bare bundle id. Apple answers TopicDisallowed to one with the suffix of a push type. */
export function checkBroadcastTopic(topic: Topic): ApnsFault | null {
  const { topicSuffix } = pushTypes.liveactivity;
  if (!topic.endsWith(topicSuffix)) return null;
  const bundleId = topic.slice(0, topic.length - topicSuffix.length);
  return fault(
    'local.bad-topic',
    'topic',
    `topic ${quote(topic)} of a broadcast is the bundle id alone; ${quote(bundleId)} is right`,
  );
}
