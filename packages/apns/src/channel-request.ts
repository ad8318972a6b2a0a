// How channels are managed: what each operation is on the wire. Source: Apple, "Sending channel management requests to
// APNs"; where `environment.ts` says.

import type { PlannedField, PlannedSlot } from './header-plan.ts';
import type { ProviderToken } from './provider-token.ts';
import { type StoragePolicy, storagePolicyNumbers } from './storage-policy.ts';
import type { Topic } from './topic.ts';

export type ChannelOperation = 'create' | 'read' | 'list' | 'delete';

export interface ChannelRequestRule {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** The last part of the path. */
  readonly collection: 'channels' | 'all-channels';
  /** The channel is named in `apns-channel-id`. */
  readonly namesChannel: boolean;
  /** Twice is the same as once: an answer that was lost may be asked for again. A second `create` makes a second channel. */
  readonly isIdempotent: boolean;
}

export const channelRequests: Readonly<Record<ChannelOperation, ChannelRequestRule>> = {
  create: { method: 'POST', collection: 'channels', namesChannel: false, isIdempotent: false },
  read: { method: 'GET', collection: 'channels', namesChannel: true, isIdempotent: true },
  list: { method: 'GET', collection: 'all-channels', namesChannel: false, isIdempotent: true },
  delete: { method: 'DELETE', collection: 'channels', namesChannel: true, isIdempotent: true },
};

/** Apple: channels of one app in one environment. */
export const channelsMax = 10_000;

/** What `create` sends. The push type is written so here, and `liveactivity` in the header of a broadcast. */
export function channelCreation(storagePolicy: StoragePolicy): Buffer {
  const policy = storagePolicyNumbers[storagePolicy];
  return Buffer.from(JSON.stringify({ 'message-storage-policy': policy, 'push-type': 'LiveActivity' }));
}

export function channelPath(operation: ChannelOperation, bundleId: Topic): string {
  return `/1/apps/${bundleId}/${channelRequests[operation].collection}`;
}

export const channelSlots = { channel: 0, requestId: 1 } as const;

export interface ChannelPlanOptions {
  /** `Endpoint.authority` of the management gateway. */
  readonly authority: string;
  /** Null on a connection with a client certificate, which Apple takes as well. */
  readonly providerToken: ProviderToken | null;
  readonly operation: ChannelOperation;
  readonly bundleId: Topic;
}

export function channelPlan(options: ChannelPlanOptions): readonly (PlannedField | PlannedSlot)[] {
  const { authority, providerToken, operation, bundleId } = options;
  const indexed = 'incremental';
  return [
    { name: ':method', value: channelRequests[operation].method, indexing: indexed },
    { name: ':scheme', value: 'https', indexing: indexed },
    { name: ':authority', value: authority, indexing: indexed },
    { name: ':path', value: channelPath(operation, bundleId), indexing: 'without' },
    ...(providerToken === null
      ? []
      : [{ name: 'authorization', value: `bearer ${providerToken.token}`, indexing: indexed } as const]),
    { name: 'apns-channel-id', slot: channelSlots.channel, indexing: 'name' },
    { name: 'apns-request-id', slot: channelSlots.requestId, indexing: 'name' },
  ];
}
