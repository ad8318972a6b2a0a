// Apple's reason strings with their status, for device pushes (apns-protocol.md A.7), broadcasts and channels (D.4): this
// simulator's own reading.

export const statusByReason = {
  BadCollapseId: 400,
  BadDeviceToken: 400,
  BadExpirationDate: 400,
  BadMessageId: 400,
  BadPriority: 400,
  BadTopic: 400,
  DeviceTokenNotForTopic: 400,
  DuplicateHeaders: 400,
  IdleTimeout: 400,
  InvalidPushType: 400,
  MissingDeviceToken: 400,
  MissingTopic: 400,
  PayloadEmpty: 400,
  TopicDisallowed: 400,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  // The page says BadEnvironmentKeyIdInToken; this is what the wire was seen to say.
  BadEnvironmentKeyInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
  // Broadcasts and channels only. The page says FeatureNotEnabled, the wire was seen to say the other.
  FeatureNotEnabled: 400,
  BroadcastFeatureNotEnabled: 400,
  MissingChannelId: 400,
  BadChannelId: 400,
  ChannelNotRegistered: 400,
  BadRequestParams: 400,
  BadRequestPayload: 400,
  MissingPushType: 400,
  CannotCreateChannelConfig: 400,
  // Seen for a storage policy that is absent or wrong; on no page.
  MissingChannelQueueSize: 400,
  TopicMismatch: 403,
} as const;

export type Reason = keyof typeof statusByReason;

/** The status of a scripted reason; text that is not Apple's counts as a bad request. */
export function statusOf(reason: string): number {
  return Object.hasOwn(statusByReason, reason) ? statusByReason[reason as Reason] : 400; // the key was just checked
}
