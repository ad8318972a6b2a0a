// Push types with the suffix their topics carry (apns-protocol.md A.4), as this simulator reads Apple's page.

export interface PushTypeRule {
  /** Appended to the bundle id; null: the topic is anything (mdm: the UID of its certificate). */
  readonly topicSuffix: string | null;
  readonly payloadBytesMax: number;
  /** Null: 10, 5 and 1. */
  readonly priorities: readonly string[] | null;
}

/** GEN, SNR: 4 KB, VoIP 5 KB. */
const payloadBytesMax = 4_096;
const voipPayloadBytesMax = 5_120;

function rule(topicSuffix: string | null, more: Partial<PushTypeRule> = {}): PushTypeRule {
  return { topicSuffix, payloadBytesMax, priorities: null, ...more };
}

export const pushTypes: ReadonlyMap<string, PushTypeRule> = new Map([
  ['alert', rule('')],
  ['background', rule('', { priorities: ['5', '1'] })], // SNR: 10 is an error
  ['voip', rule('.voip', { payloadBytesMax: voipPayloadBytesMax })],
  ['complication', rule('.complication')],
  ['fileprovider', rule('.pushkit.fileprovider')],
  ['mdm', rule(null)],
  ['location', rule('.location-query')],
  ['liveactivity', rule('.push-type.liveactivity')],
  ['pushtotalk', rule('.voip-ptt')],
  ['widgets', rule('.push-type.widgets')],
  ['controls', rule('.push-type.controls')],
]);

/** A request without apns-push-type: everything but watchOS 6 still takes it. */
export const untypedPush: PushTypeRule = rule(null);

/** What is left of a topic without the suffix of its push type. */
export function bundleIdOf(topic: string): string {
  let longest = '';
  for (const { topicSuffix } of pushTypes.values()) {
    if (topicSuffix !== null && topicSuffix.length > longest.length && topic.endsWith(topicSuffix))
      longest = topicSuffix;
  }
  return topic.slice(0, topic.length - longest.length);
}
