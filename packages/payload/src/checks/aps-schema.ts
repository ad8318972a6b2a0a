// Apple's keys as data: which JSON types each may have, which of its values need a look, and for which push types it is
// meant (Apple, Generating a remote notification, Tables 1 to 3; Starting and updating Live Activities with ActivityKit
// push notifications; Updating widgets with WidgetKit push notifications; Notification Programming Guide for Websites).
// What is refused and what is only warned about, and why: docs/PAYLOADS.md.

import { JsonType } from '../json-type.ts';

const { string, number, boolean, null: nothing, object, array } = JsonType;

/** How a value of the right type is looked at. */
export type ValueRule =
  | 'any'
  /** The number 1. Devices have taken true and "1" for it: practice is wider than the page, so these are warned about. */
  | 'one'
  /** The boolean true. */
  | 'true'
  /** A whole number from 0 on; the page says no more than "number". */
  | 'count'
  /** UNIX seconds. */
  | 'time'
  /** 0 to 1, both included. */
  | 'unit'
  /** As `unit`; of Live Activities any number. */
  | 'score'
  | 'level'
  | 'event'
  /** An array of strings. */
  | 'texts'
  | 'alert'
  | 'sound'
  /** A string; in alerts of Live Activities also an object with `loc-key` and `loc-args`. */
  | 'text';

export interface KeyRule {
  /** Bits of JsonType. */
  readonly types: number;
  /** What is right, for messages. */
  readonly wanted: string;
  readonly value: ValueRule;
  /** For which pushes the key means something. */
  readonly meantFor: 'any' | 'live activities' | 'widgets and controls';
}

const text: KeyRule = { types: string, wanted: 'a string', value: 'any', meantFor: 'any' };
const texts: KeyRule = { types: array, wanted: 'an array of strings', value: 'texts', meantFor: 'any' };
const live = { meantFor: 'live activities' } as const;
const time: KeyRule = { types: number, wanted: 'a time in UNIX seconds', value: 'time', ...live };
const dictionary: KeyRule = { types: object, wanted: 'an object', value: 'any', ...live };
const flag: KeyRule = { types: number | boolean | string, wanted: 'the number 1', value: 'one', meantFor: 'any' };

export type ApsKeyName =
  | 'alert'
  | 'badge'
  | 'sound'
  | 'thread-id'
  | 'category'
  | 'content-available'
  | 'mutable-content'
  | 'target-content-id'
  | 'interruption-level'
  | 'relevance-score'
  | 'filter-criteria'
  | 'stale-date'
  | 'content-state'
  | 'timestamp'
  | 'event'
  | 'dismissal-date'
  | 'attributes-type'
  | 'attributes'
  | 'input-push-channel'
  | 'input-push-token'
  | 'content-changed'
  | 'url-args';

/** The order is that of the bits of aps-facts.ts. */
const apsRules: Readonly<Record<ApsKeyName, KeyRule>> = {
  alert: { types: string | object, wanted: 'a string or an object', value: 'alert', meantFor: 'any' },
  badge: { types: number, wanted: 'a whole number from 0 on', value: 'count', meantFor: 'any' },
  sound: { types: string | object, wanted: 'a string or an object', value: 'sound', meantFor: 'any' },
  'thread-id': text,
  category: text,
  'content-available': flag,
  'mutable-content': flag,
  'target-content-id': text,
  'interruption-level': { ...text, value: 'level' },
  'relevance-score': { types: number, wanted: 'a number from 0 to 1', value: 'score', meantFor: 'any' },
  'filter-criteria': text,
  'stale-date': time,
  'content-state': dictionary,
  timestamp: time,
  event: { ...text, value: 'event', ...live },
  'dismissal-date': time,
  'attributes-type': { ...text, ...live },
  attributes: dictionary,
  'input-push-channel': { ...text, ...live },
  'input-push-token': { ...flag, ...live },
  'content-changed': {
    types: boolean | number,
    wanted: 'true',
    value: 'true',
    meantFor: 'widgets and controls',
  },
  'url-args': texts,
};

/** The keys of `alert`, those included that only older systems and Safari know. `body` is the first: a scan looks for it. */
export const alertSchema: Readonly<Record<string, KeyRule>> = {
  body: { ...text, value: 'text' },
  title: { ...text, value: 'text' },
  subtitle: text,
  'launch-image': text,
  'title-loc-key': text,
  'title-loc-args': texts,
  'subtitle-loc-key': text,
  'subtitle-loc-args': texts,
  'loc-key': text,
  'loc-args': texts,
  // Before iOS 10; null hid the button.
  'action-loc-key': { ...text, types: string | nothing, wanted: 'a string or null' },
  action: text,
  // iOS 12 to 14.
  'summary-arg': text,
  'summary-arg-count': { types: number, wanted: 'a number', value: 'any', meantFor: 'any' },
  sound: { ...text, ...live },
};

/** The `sound` of a critical alert. */
export const soundRules: Readonly<Record<string, KeyRule>> = {
  critical: flag,
  name: text,
  volume: { types: number, wanted: 'a number from 0 to 1', value: 'unit', meantFor: 'any' },
};

/** A `title` or `body` of a Live Activity's alert that is an object. */
export const localisedTextRules: Readonly<Record<string, KeyRule>> = { 'loc-key': text, 'loc-args': texts };

export const apsSchema: Readonly<Record<string, KeyRule>> = apsRules;

/** Apple's, today. A level that comes later is warned about and sent. */
export const interruptionLevels: readonly string[] = ['passive', 'active', 'time-sensitive', 'critical'];
export const activityEvents: readonly string[] = ['start', 'update', 'end'];

/** Later than this in seconds is the year 5138: somebody meant milliseconds, and the device would wait until then. */
export const secondsMax = 1e11;
