// Apple's push types as data: the suffix of the topic, the payload's limit, priorities, and what authenticates them.
// A type we do not know yet is data too: it travels as it is, under the general rules, and Apple judges it.

import { fault, type ApnsFault } from './fault.ts';
import type { Priority } from './priority.ts';
import { quote, quoteUnknown } from './quote.ts';

export type PushTypeName =
  | 'alert'
  | 'background'
  | 'voip'
  | 'complication'
  | 'fileprovider'
  | 'mdm'
  | 'location'
  | 'liveactivity'
  | 'pushtotalk'
  | 'widgets'
  | 'controls';

export interface PushType {
  /** The value of `apns-push-type`. */
  readonly name: string;
  /** False for a type this table does not hold. */
  readonly isKnown: boolean;
  /** Topic = bundle id + this. */
  readonly topicSuffix: string;
  /** Bytes of the body as sent (Apple, Generating a remote notification). */
  readonly payloadBytesMax: number;
  readonly defaultPriority: Priority;
  /** Any other priority is an error at Apple. */
  readonly priorities: readonly Priority[];
  /** What Apple accepts as authentication for this type. */
  readonly authentication: 'token or certificate' | 'token' | 'certificate';
  /** What Apple advises and does not enforce; for documentation and `doctor`. */
  readonly advice: string | null;
}

const anyPriority: readonly Priority[] = [10, 5, 1];

const general: Omit<PushType, 'name'> = {
  isKnown: true,
  topicSuffix: '',
  payloadBytesMax: 4096,
  defaultPriority: 10,
  priorities: anyPriority,
  authentication: 'token or certificate',
  advice: null,
};

/** Apple, "Sending notification requests to APNs"; where another page says more, its name is beside the row. */
export const pushTypes: Readonly<Record<PushTypeName, PushType>> = {
  alert: { ...general, name: 'alert' },
  // Priority 10 is an error at Apple. Also: Pushing background updates to your App.
  background: {
    ...general,
    name: 'background',
    defaultPriority: 5,
    priorities: [5],
    advice: 'content-available: 1 and neither alert, badge nor sound; two or three an hour reach a device',
  },
  // Responding to VoIP Notifications from PushKit.
  voip: {
    ...general,
    name: 'voip',
    topicSuffix: '.voip',
    payloadBytesMax: 5120,
    advice: 'expiration 0 or a few seconds: a call that rings late is worse than none',
  },
  complication: { ...general, name: 'complication', topicSuffix: '.complication' },
  // Using push notifications to signal changes (File Provider): provider tokens only.
  fileprovider: { ...general, name: 'fileprovider', topicSuffix: '.pushkit.fileprovider', authentication: 'token' },
  // Device Management: the topic is the UID of the push certificate's subject; token authentication is not supported.
  mdm: { ...general, name: 'mdm', authentication: 'certificate' },
  // Creating a location push service extension.
  location: {
    ...general,
    name: 'location',
    topicSuffix: '.location-query',
    authentication: 'token',
    advice: 'about 360 a device in 24 hours; priority 5 unless the answer is needed at once',
  },
  // ActivityKit. The page lists certificates for broadcasts only.
  liveactivity: {
    ...general,
    name: 'liveactivity',
    topicSuffix: '.push-type.liveactivity',
    advice: 'priority 5 does not count against the hourly budget; priority 10 for what a person must see now',
  },
  // Creating a Push to Talk app.
  pushtotalk: {
    ...general,
    name: 'pushtotalk',
    topicSuffix: '.voip-ptt',
    advice: 'priority 10 and expiration 0: the token lives as long as the person is in the channel',
  },
  // Updating widgets with WidgetKit push notifications.
  widgets: { ...general, name: 'widgets', topicSuffix: '.push-type.widgets' },
  // Updating controls locally and remotely.
  controls: { ...general, name: 'controls', topicSuffix: '.push-type.controls', advice: 'expiration 0' },
};

// A Map: a push type named "constructor" finds nothing.
const known: ReadonlyMap<string, PushType> = new Map(Object.entries(pushTypes));

// Apple's names are lower-case words; a longer one would be a mistake, and a table entry nobody budgeted for.
const futureName = /^[a-z][a-z0-9-]{0,31}$/;

/** A known type from the table; an unknown one that looks like a type, with the general rules and no suffix. */
export function parsePushType(text: string): PushType | ApnsFault {
  const pushType = known.get(text);
  if (pushType !== undefined) return pushType;
  if (futureName.test(text)) return { ...general, name: text, isKnown: false };
  const lower = text.length <= 32 ? text.toLowerCase() : '';
  const wanted = known.has(lower) ? quote(lower) : `one of ${[...known.keys()].join(', ')}`;
  return fault(
    'local.bad-push-type',
    'pushType',
    `pushType ${quoteUnknown(text)} is not a push type; ${wanted} is right`,
  );
}

/** Null when Apple takes this priority for this type. */
export function checkPriority(pushType: PushType, priority: Priority): ApnsFault | null {
  if (pushType.priorities.includes(priority)) return null;
  return fault(
    'local.bad-priority',
    'priority',
    `priority ${priority} is an error for push type ${pushType.name}; Apple accepts ${pushType.priorities.join(' or ')}`,
  );
}
