// Apple's reason strings as data: what each means, who is to blame, and how an attempt that met it ends. Sources: Apple,
// "Handling notification responses from APNs" and "Handling error responses" (broadcast); rows marked "seen" come from
// observation. A reason that is not here is kept as text and judged by its status.

import type { Blame, Processed } from './verdict.ts';

/** Where the fault lies; more precise than blame, for messages and metrics. */
export type FaultScope =
  | 'request'
  | 'device-token'
  | 'client'
  | 'configuration'
  | 'connection'
  | 'credential'
  | 'gateway';

/** When the next attempt may come. */
export type RetryDelay =
  /** As soon as backoff and budget allow. */
  | 'none'
  /** This device token rests, longer each time. */
  | 'device'
  /** Until a provider token may change again. */
  | 'provider-token'
  /** Apple's 15 minutes. */
  | 'server-error';

/** What the engine does besides ending or resending the push. */
export type Reaction =
  /** Drain this connection; it answers nothing but errors from now on, or says that it closes. */
  | 'replace-connection'
  /** Use a new provider token if the quantum has moved; if it has not, the clock is wrong. */
  | 'renew-provider-token'
  /** No new provider token, whatever else happens. */
  | 'hold-provider-token'
  /** The lanes of this credential wait until it is replaced or a probe succeeds. */
  | 'park-credential'
  /** The lane of this credential and topic waits behind a breaker. */
  | 'break-topic'
  /** New pushes to this gateway resume through one probe. */
  | 'probe-gateway'
  /** Nothing else to this device token until the delay is over. */
  | 'cool-device'
  /** This device token travels on the probation connection from now on. */
  | 'suspect-device'
  /** Nothing to this device token until it registers again. */
  | 'forget-device';

export type ReasonEnd =
  | { readonly kind: 'rejected' }
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'retry'; readonly processed: Processed; readonly delay: RetryDelay };

export interface ReasonRule {
  readonly reason: string;
  /** Other spellings of the same, seen on the wire or printed elsewhere in Apple's pages. */
  readonly alsoSpelled: readonly string[];
  /** Where Apple documents it; the first is the usual one. */
  readonly statuses: readonly number[];
  readonly meaning: string;
  readonly scope: FaultScope;
  readonly blame: Blame;
  readonly end: ReasonEnd;
  readonly reactions: readonly Reaction[];
  /** Documented for broadcasts and channels only. */
  readonly isBroadcastOnly: boolean;
}

const blameOf: Readonly<Record<FaultScope, Blame>> = {
  request: 'push',
  'device-token': 'push',
  client: 'push',
  configuration: 'credential',
  connection: 'connection',
  credential: 'credential',
  gateway: 'gateway',
};

const rejected: ReasonEnd = { kind: 'rejected' };
const unregistered: ReasonEnd = { kind: 'unregistered' };

/** A refusal is an answer: the push was not processed, except where the server itself failed in the middle. */
function retry(delay: RetryDelay, processed: Processed = 'no'): ReasonEnd {
  return { kind: 'retry', processed, delay };
}

interface RowExtras {
  readonly alsoSpelled?: readonly string[];
  readonly reactions?: readonly Reaction[];
  readonly isBroadcastOnly?: boolean;
}

function row(
  statuses: readonly number[],
  reason: string,
  scope: FaultScope,
  end: ReasonEnd,
  meaning: string,
  extras: RowExtras = {},
): ReasonRule {
  const { alsoSpelled = [], reactions = [], isBroadcastOnly = false } = extras;
  return { reason, alsoSpelled, statuses, meaning, scope, blame: blameOf[scope], end, reactions, isBroadcastOnly };
}

const parked: RowExtras = { reactions: ['park-credential'] };
const broken: RowExtras = { reactions: ['break-topic'] };
const suspect: RowExtras = { reactions: ['suspect-device'] };
const forgotten: RowExtras = { reactions: ['forget-device'] };
const replaced: RowExtras = { reactions: ['replace-connection'] };
const broadcast: RowExtras = { isBroadcastOnly: true };

/** In the order of Apple's tables. */
export const reasons: readonly ReasonRule[] = [
  row([400], 'BadCollapseId', 'request', rejected, 'the collapse id is longer than 64 bytes'),
  row(
    [400],
    'BadDeviceToken',
    'device-token',
    rejected,
    'the device token is malformed or of the other environment',
    suspect,
  ),
  row([400], 'BadExpirationDate', 'request', rejected, 'the expiration is not valid'),
  row([400], 'BadMessageId', 'request', rejected, 'the apns-id is not valid'),
  row([400], 'BadPriority', 'request', rejected, 'the priority is not valid'),
  row([400], 'BadTopic', 'configuration', rejected, 'the topic is not valid', broken),
  row([400], 'DeviceTokenNotForTopic', 'device-token', rejected, 'the device token belongs to another topic', suspect),
  row([400], 'DuplicateHeaders', 'client', rejected, 'a header is there twice'),
  row([400], 'IdleTimeout', 'connection', retry('none'), 'the connection was idle for too long', replaced),
  row([400], 'InvalidPushType', 'request', rejected, 'the push type is not valid'),
  row([400], 'MissingDeviceToken', 'client', rejected, 'the path names no device token'),
  row([400], 'MissingTopic', 'client', rejected, 'the topic is required and missing'),
  row([400], 'PayloadEmpty', 'request', rejected, 'the payload is empty'),
  row([400], 'TopicDisallowed', 'configuration', rejected, 'this credential may not push to the topic', broken),
  row([403], 'BadCertificate', 'credential', retry('none'), 'the certificate is not valid', parked),
  row(
    [403],
    'BadCertificateEnvironment',
    'credential',
    retry('none'),
    'the certificate is for the other environment',
    parked,
  ),
  // A connection that met an expired token keeps answering so, whatever token follows (seen).
  row([403], 'ExpiredProviderToken', 'credential', retry('none'), 'the provider token is older than an hour', {
    reactions: ['replace-connection', 'renew-provider-token'],
  }),
  // Apple: must not be retried.
  row([403], 'Forbidden', 'configuration', rejected, 'the action is not allowed', broken),
  row(
    [403],
    'InvalidProviderToken',
    'credential',
    retry('none'),
    'the provider token is malformed, its signature wrong, or its key unknown or of another team',
    parked,
  ),
  row(
    [403],
    'MissingProviderToken',
    'credential',
    retry('none'),
    'neither a certificate nor a provider token was there',
    parked,
  ),
  row(
    [403],
    'UnrelatedKeyIdInToken',
    'connection',
    retry('none'),
    'the key is not related to the one this connection began with',
    replaced,
  ),
  row([403], 'BadEnvironmentKeyIdInToken', 'credential', retry('none'), 'the key is for the other environment', {
    alsoSpelled: ['BadEnvironmentKeyInToken'], // what the wire says (seen)
    reactions: ['park-credential'],
  }),
  row([404], 'BadPath', 'client', rejected, 'the path is not valid'),
  row([405], 'MethodNotAllowed', 'client', rejected, 'the method was not POST'),
  // 400 until 2023.
  row([410, 400], 'ExpiredToken', 'device-token', unregistered, 'the device token has expired', forgotten),
  row(
    [410],
    'Unregistered',
    'device-token',
    unregistered,
    'the device token is no longer active for the topic',
    forgotten,
  ),
  row([413], 'PayloadTooLarge', 'request', rejected, 'the payload is over the limit of its push type'),
  row(
    [429],
    'TooManyProviderTokenUpdates',
    'credential',
    retry('provider-token'),
    'the provider token changed more often than every 20 minutes',
    {
      reactions: ['hold-provider-token', 'park-credential'],
    },
  ),
  row([429], 'TooManyRequests', 'device-token', retry('device'), 'too many consecutive requests to one device token', {
    reactions: ['cool-device'],
  }),
  // The server failed somewhere: nobody knows how far the push had come.
  row([500], 'InternalServerError', 'gateway', retry('server-error', 'unknown'), 'the server failed', {
    reactions: ['probe-gateway'],
  }),
  row([503], 'ServiceUnavailable', 'gateway', retry('server-error'), 'the service is not available', {
    alsoSpelled: ['Service Unavailable'], // as Apple's broadcast page prints it
    // The connection stays: replacing it for each of a scatter of 503s would be a storm of dials (connections-steady).
    reactions: ['probe-gateway'],
  }),
  // Apple's rule for 5xx is 15 minutes; this one says that one server goes, and another connection is the answer.
  row([503], 'Shutdown', 'connection', retry('none'), 'this server is shutting down', replaced),

  row([400], 'FeatureNotEnabled', 'configuration', rejected, 'broadcasts are not enabled for the topic', {
    alsoSpelled: ['BroadcastFeatureNotEnabled'], // what the wire says (seen)
    reactions: ['break-topic'],
    isBroadcastOnly: true,
  }),
  row([400], 'MissingChannelId', 'client', rejected, 'the channel id is missing', broadcast),
  row(
    [400],
    'BadChannelId',
    'request',
    rejected,
    'the channel id is not base64, too long, or never existed',
    broadcast,
  ),
  row([400], 'ChannelNotRegistered', 'request', rejected, 'the channel does not exist any more', broadcast),
  row([400], 'BadRequestParams', 'request', rejected, 'the request has an unknown attribute', broadcast),
  row([400], 'BadRequestPayload', 'request', rejected, 'the payload is not JSON', broadcast),
  row([400], 'MissingPushType', 'client', rejected, 'the push type is missing', broadcast),
  row([400], 'CannotCreateChannelConfig', 'configuration', rejected, 'the app has its 10,000 channels', broadcast),
  row(
    [400],
    'MissingChannelQueueSize',
    'request',
    rejected,
    'the storage policy is missing or wrong (seen)',
    broadcast,
  ),
  row([403], 'TopicMismatch', 'credential', retry('none'), 'the credential does not cover the bundle id of the path', {
    reactions: ['break-topic'],
    isBroadcastOnly: true,
  }),
];

const bySpelling: ReadonlyMap<string, ReasonRule> = new Map(
  reasons.flatMap((rule) => [rule.reason, ...rule.alsoSpelled].map((spelling) => [spelling, rule] as const)),
);

/** Null for a reason Apple has not documented and nobody has reported. */
export function findReason(reason: string): ReasonRule | null {
  return bySpelling.get(reason) ?? null;
}
