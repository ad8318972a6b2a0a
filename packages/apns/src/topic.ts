// Topics: the app's bundle id, plus the suffix of the push type. The allow-list is also what keeps a header and the
// HPACK table safe: no CR, LF, NUL, space or control character can pass.

import { fault, type ApnsFault } from './fault.ts';
import type { PushType } from './push-type.ts';
import { quote } from './quote.ts';

declare const brand: unique symbol;
/** 1 to 255 of [A-Za-z0-9.-]: what Apple allows in a bundle id, a pass type id and a website push id. */
export type Topic = string & { readonly [brand]: 'Topic' };

/** Ours: bundle ids are at most 155 characters (App Store Connect), the longest suffix is 23. */
export const topicCharsMax = 255;

export function parseTopic(text: string, field: string = 'topic'): Topic | ApnsFault {
  if (text.length === 0) return refuse(text, field, 'is empty');
  if (text.length > topicCharsMax) return refuse(text, field, 'is too long');
  for (let i = 0; i < text.length; i++) {
    if (!isTopicCode(text.charCodeAt(i))) {
      return refuse(text, field, `must not contain ${quote(text.charAt(i))} (character ${i + 1})`);
    }
  }
  return text as Topic;
}

/** The topic of an app's pushes of this type. A bundle id that carries the suffix already is taken as it is. */
export function topicFor(bundleId: Topic, pushType: PushType): Topic | ApnsFault {
  if (pushType.topicSuffix === '' || bundleId.endsWith(pushType.topicSuffix)) return bundleId;
  return parseTopic(bundleId + pushType.topicSuffix);
}

/**
 * Null when a whole topic goes with the push type. Without the suffix it is another topic than the token's: APNs refuses
 * it (BadTopic, DeviceTokenNotForTopic), and too many such answers slow a connection down.
 */
export function checkTopicSuffix(pushType: PushType, topic: Topic): ApnsFault | null {
  if (topic.endsWith(pushType.topicSuffix)) return null;
  return fault(
    'local.bad-topic',
    'topic',
    `topic ${quote(topic)} is none of push type ${pushType.name}: its topics end in ${pushType.topicSuffix}. ` +
      "Without the field, the topic is the app's with that suffix",
  );
}

function isTopicCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x30 && code <= 0x39) || // 0-9
    code === 0x2e || // .
    code === 0x2d // -
  );
}

function refuse(text: string, field: string, problem: string): ApnsFault {
  return fault(
    'local.bad-topic',
    field,
    `${field} ${quote(text)} ${problem}. A topic is a bundle id such as com.example.app: ` +
      `1 to ${topicCharsMax} letters, digits, dots and hyphens`,
  );
}
