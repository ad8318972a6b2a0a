// What the management gateway says of channels. Everything is untrusted: whatever bytes come, a value goes on, and what
// cannot be read is said in a phrase.

import { type ChannelId, parseChannelId } from './channel-id.ts';
import { channelsMax } from './channel-request.ts';
import { isFault } from './fault.ts';
import { quoteUnknown } from './quote.ts';
import { cleanReason } from './reply-body.ts';
import { type StoragePolicy, parseStoragePolicy } from './storage-policy.ts';

/** 10,000 ids of 24 characters take 270 kB; Apple promises no length, so that thrice as long ones have room. */
export const channelReplyBytesMax = 1_048_576;

export interface Unreadable {
  readonly kind: 'unreadable';
  /** What is wrong with it, for a message. */
  readonly problem: string;
}

export interface ChannelDescription {
  readonly kind: 'channel';
  /** A number that is neither of the documented two, as it came. */
  readonly storagePolicy: StoragePolicy | number;
  /** As Apple writes it, `LiveActivity`; null when the answer has none. */
  readonly pushType: string | null;
}

export interface ChannelList {
  readonly kind: 'channels';
  readonly channels: readonly ChannelId[];
}

/** The body of a 200 to `read`: `{"message-storage-policy":0,"push-type":"LiveActivity"}`. */
export function parseChannelDescription(body: string): ChannelDescription | Unreadable {
  const object = parseObject(body);
  if (object === null) return unreadable('it is no JSON object');
  const given = own(object, 'message-storage-policy');
  if (typeof given !== 'number' || !Number.isSafeInteger(given)) return unreadable('it has no message-storage-policy');
  const policy = parseStoragePolicy(given);
  const pushType = own(object, 'push-type');
  return {
    kind: 'channel',
    storagePolicy: isFault(policy) ? given : policy,
    pushType: typeof pushType === 'string' ? cleanReason(pushType) : null,
  };
}

/** The body of a 200 to `list`: `{"channels":["…"]}`. The page also says that there is none; then there is no channel. */
export function parseChannelList(body: string): ChannelList | Unreadable {
  if (body.trim() === '') return { kind: 'channels', channels: [] };
  const object = parseObject(body);
  if (object === null) return unreadable('it is no JSON object');
  const given = own(object, 'channels');
  if (!Array.isArray(given)) return unreadable('it has no channels');
  if (given.length > channelsMax)
    return unreadable(`it has ${given.length} channels; an app has ${channelsMax} at most`);
  const channels: ChannelId[] = [];
  for (const [index, one] of (given as readonly unknown[]).entries()) {
    const channel = typeof one === 'string' ? parseChannelId(one) : null;
    if (channel === null || isFault(channel))
      return unreadable(`channels[${index}], ${quoteUnknown(one)}, is no channel id`);
    channels.push(channel);
  }
  return { kind: 'channels', channels };
}

function unreadable(problem: string): Unreadable {
  return { kind: 'unreadable', problem };
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Readonly<Record<string, unknown>>)[name] : undefined;
}
