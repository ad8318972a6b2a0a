export { fault, isFault, type ApnsFault, type ApnsFaultCode } from './fault.ts';
export { parseDeviceToken, deviceTokenDigitsMin, deviceTokenDigitsMax, type DeviceToken } from './device-token.ts';
export { channelIdCharsMax, parseChannelId, type ChannelId } from './channel-id.ts';
export { checkTopicSuffix, parseTopic, topicFor, topicCharsMax, type Topic } from './topic.ts';
export { pushTypes, parsePushType, checkPriority, type PushType, type PushTypeName } from './push-type.ts';
export { parsePriority, type Priority } from './priority.ts';
export { parseCollapseId, collapseIdBytesMax, type CollapseId } from './collapse-id.ts';
export {
  parseApnsId,
  apnsIdBytes,
  ApnsIdGenerator,
  type ApnsId,
  type ApnsIdGeneratorOptions,
  type RandomFill,
} from './apns-id.ts';
export { parseExpiration, expirationSecondsMax } from './expiration.ts';
export { payloadBytesMax, broadcastPayloadBytesMax } from './payload-limit.ts';
export { parseInstant, type EpochMs, type EpochSeconds, type Ms } from './time.ts';
export { quote, quoteSecret, quoteUnknown } from './quote.ts';
export {
  alternativePort,
  channelEndpoints,
  endpoints,
  parseEndpoint,
  parseEnvironment,
  type Endpoint,
  type Environment,
} from './environment.ts';
export {
  conductLimits,
  conductRules,
  expiryWarningsMs,
  type ConductLimit,
  type ConductRule,
  type ConductRuleId,
} from './conduct.ts';
export {
  isFreeResend,
  type Abandoned,
  type Abandonment,
  type Accepted,
  type Blame,
  type Outcome,
  type Processed,
  type Rejected,
  type Retry,
  type Unregistered,
  type Verdict,
} from './verdict.ts';
export {
  findReason,
  reasons,
  type FaultScope,
  type Reaction,
  type ReasonEnd,
  type ReasonRule,
  type RetryDelay,
} from './reasons.ts';
export { judge, judgeFailure, reactionsTo, type FailureFacts, type JudgeContext, type ReplyFacts } from './judge.ts';
export { parseReplyBody, replyBodyBytesMax, type ReplyBody } from './reply-body.ts';
export {
  devicePathPrefix,
  headerPlan,
  headerSlots,
  type HeaderPlanField,
  type HeaderPlanOptions,
  type PlannedField,
  type PlannedSlot,
} from './header-plan.ts';
export {
  broadcastExpirationDefault,
  broadcastPathPrefix,
  broadcastPlan,
  broadcastSlots,
  checkBroadcastTopic,
  checkBroadcastType,
  type BroadcastPlanOptions,
} from './broadcast.ts';
export { parseStoragePolicy, storagePolicyNumbers, type StoragePolicy } from './storage-policy.ts';
export {
  channelCreation,
  channelPath,
  channelPlan,
  channelRequests,
  channelSlots,
  channelsMax,
  type ChannelOperation,
  type ChannelPlanOptions,
  type ChannelRequestRule,
} from './channel-request.ts';
export {
  channelReplyBytesMax,
  parseChannelDescription,
  parseChannelList,
  type ChannelDescription,
  type ChannelList,
  type Unreadable,
} from './channel-reply.ts';
export { judgeChannelReply, type ChannelRefusal, type ChannelVerdict } from './judge-channel.ts';
export { TopicBudget, topicOctetsMax } from './topic-budget.ts';
export { parseSigningKey, type SigningKey } from './signing-key.ts';
export {
  issuedAtOf,
  nextTokenAt,
  openProviderTokenSource,
  ProviderTokenHold,
  ProviderToken,
  type ProviderTokenSource,
  type ProviderTokenSourceOptions,
} from './provider-token.ts';
export {
  checkCertificate,
  checkCertificateKey,
  expiryWarning,
  parseCertificate,
  type CertificateTopic,
  type CertificateUse,
  type PushCertificate,
} from './certificate.ts';
