export { fault, isFault, type ApnsFault, type ApnsFaultCode } from './fault.ts';
export {
  parseDeviceToken,
  deviceTokenDigitsMin,
  deviceTokenDigitsMax,
  type DeviceToken,
} from './device-token.ts';
export { parseTopic, topicFor, topicCharsMax, type Topic } from './topic.ts';
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
