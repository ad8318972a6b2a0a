// Which headers a push carries, in which order, and how HPACK treats each. The plan of one head (topic, push type,
// priority) is stable for a connection and a provider token; the four slots change with every push.
//
// Apple's table has 4096 octets. Indexed: authority, authorization, push types, priorities, the names of the three
// optional headers, and topics while they fit (TopicBudget). Never indexed into the table: the path, which is
// different every time and would evict everything useful. In steady state nothing is evicted.

import type { Priority } from './priority.ts';
import type { ProviderToken } from './provider-token.ts';
import type { PushType } from './push-type.ts';
import type { Topic } from './topic.ts';

/** How a field is encoded (RFC 7541 §6.2); `name`: the first use inserts, later ones use the indexed name. */
export interface PlannedField {
  readonly name: string;
  readonly value: string;
  readonly indexing: 'incremental' | 'without';
}

export interface PlannedSlot {
  readonly name: string;
  readonly slot: number;
  readonly prefix?: string;
  readonly indexing: 'without' | 'name';
}

export type HeaderPlanField = PlannedField | PlannedSlot;

/** The slots, in the order in which a push's record holds their values. */
export const headerSlots = { deviceToken: 0, apnsId: 1, expiration: 2, collapseId: 3 } as const;

export const devicePathPrefix = '/3/device/';

export interface HeaderPlanOptions {
  /** `Endpoint.authority`. */
  readonly authority: string;
  /** Null on a connection with a client certificate: Apple would ignore it. */
  readonly providerToken: ProviderToken | null;
  readonly topic: Topic;
  readonly pushType: PushType;
  readonly priority: Priority;
  /** From the connection's TopicBudget. */
  readonly isTopicIndexed: boolean;
}

export function headerPlan(options: HeaderPlanOptions): readonly HeaderPlanField[] {
  const { authority, providerToken, topic, pushType, priority, isTopicIndexed } = options;
  const indexed = 'incremental';
  // Stable fields stand together, so that a template copies them in two runs around the path.
  return [
    { name: ':method', value: 'POST', indexing: indexed },
    { name: ':scheme', value: 'https', indexing: indexed },
    { name: ':authority', value: authority, indexing: indexed },
    { name: ':path', slot: headerSlots.deviceToken, prefix: devicePathPrefix, indexing: 'without' },
    // The bearer token is a secret, but constant on our own connection; Apple's page on connections allows indexing it.
    ...(providerToken === null
      ? []
      : [{ name: 'authorization', value: `bearer ${providerToken.token}`, indexing: indexed } as const]),
    { name: 'apns-topic', value: topic, indexing: isTopicIndexed ? indexed : 'without' },
    { name: 'apns-push-type', value: pushType.name, indexing: pushType.isKnown ? indexed : 'without' },
    { name: 'apns-priority', value: String(priority), indexing: indexed },
    { name: 'apns-id', slot: headerSlots.apnsId, indexing: 'name' },
    { name: 'apns-expiration', slot: headerSlots.expiration, indexing: 'name' },
    { name: 'apns-collapse-id', slot: headerSlots.collapseId, indexing: 'name' },
  ];
}
