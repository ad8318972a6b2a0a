// `liveactivity`: starts, updates and ends Live Activities (Apple, Starting and updating Live Activities with ActivityKit
// push notifications). Its alerts are not those of `alert`: a title may be an object, and the sound is inside.

import type { Priority } from '@carillon/apns';
import { type ApsFields, wireAps } from './aps.ts';
import type { Instant } from './instant.ts';
import { type Notification, priorityOf } from './notification.ts';
import type { Text } from './text.ts';

export interface LiveActivityAlert {
  readonly title: Text;
  readonly body: Text;
  readonly sound?: string;
}

interface Common {
  /** When it is said: of two events, the device keeps the later. */
  readonly timestamp: Instant;
  /** 10 counts against an hourly budget, 5 does not. */
  readonly priority?: Priority;
}

interface Shown {
  /** Must decode, with default JSON coding, into the app's ContentState. */
  readonly contentState: object;
  readonly staleDate?: Instant;
  /** Any number: the order among several activities. */
  readonly relevanceScore?: number;
}

export interface LiveActivityStart extends Common, Shown {
  readonly attributesType: string;
  readonly attributes: object;
  readonly alert: LiveActivityAlert;
  /** iOS 18: how it is updated later, by a token of its own or through a channel. Older devices then do not start. */
  readonly updatesBy?: 'token' | { readonly channel: string };
}

export interface LiveActivityUpdate extends Common, Shown {
  readonly alert?: LiveActivityAlert;
}

export interface LiveActivityEnd extends Common, Partial<Shown> {
  readonly alert?: LiveActivityAlert;
  /** When it disappears: in the past at once; at most, and by default, 4 hours after the end. */
  readonly dismissalDate?: Instant;
}

/** Says which event it is, so that a start cannot be broadcast. */
export interface LiveActivityNotification<Event extends 'start' | 'update' | 'end'> extends Notification {
  readonly pushType: 'liveactivity';
  readonly payload: { readonly aps: { readonly event: Event } & Readonly<Record<string, unknown>> };
}

export function startLiveActivity(options: LiveActivityStart): LiveActivityNotification<'start'> {
  const { alert, updatesBy, priority, ...same } = options;
  const channel = typeof updatesBy === 'object' ? { inputPushChannel: updatesBy.channel } : {};
  const token = updatesBy === 'token' ? ({ inputPushToken: true } as const) : {};
  return notificationOf('start', { ...same, ...channel, ...token }, alert, priority);
}

export function updateLiveActivity({
  alert,
  priority,
  ...same
}: LiveActivityUpdate): LiveActivityNotification<'update'> {
  return notificationOf('update', same, alert, priority);
}

export function endLiveActivity({ alert, priority, ...same }: LiveActivityEnd): LiveActivityNotification<'end'> {
  return notificationOf('end', same, alert, priority);
}

function notificationOf<Event extends 'start' | 'update' | 'end'>(
  event: Event,
  fields: ApsFields,
  alert: LiveActivityAlert | undefined,
  priority: Priority | undefined,
): LiveActivityNotification<Event> {
  const shown = alert === undefined ? {} : { alert: wireAlert(alert) };
  return {
    pushType: 'liveactivity',
    payload: { aps: { ...wireAps(fields), event, ...shown } },
    ...priorityOf(priority),
  };
}

function wireAlert({ title, body, sound }: LiveActivityAlert): object {
  return { title: wireText(title), body: wireText(body), ...(sound === undefined ? {} : { sound }) };
}

function wireText(text: Text): string | object {
  if (typeof text === 'string') return text;
  return text.args === undefined ? { 'loc-key': text.key } : { 'loc-key': text.key, 'loc-args': text.args };
}
