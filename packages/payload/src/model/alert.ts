// `alert`: what a person sees and hears.

import type { Priority } from '@carillon/apns';
import { type AlertTexts, dictionaryOf } from './alert-dictionary.ts';
import { type InterruptionLevel, wireAps } from './aps.ts';
import { type CustomData, type Notification, payloadWith, priorityOf } from './notification.ts';
import type { CriticalSound } from './sound.ts';

interface AlertCommon {
  /** 0 clears it. */
  readonly badge?: number;
  /** Notifications with the same are grouped. */
  readonly threadId?: string;
  /** Names the buttons that the app has registered. */
  readonly category?: string;
  /** The app gets time in the background, too. */
  readonly wakesApp?: boolean;
  /** The window that is brought forward. */
  readonly targetContentId?: string;
  /** 0 to 1: the order in the summary. */
  readonly relevanceScore?: number;
  /** Which Focus filter it passes. */
  readonly filterCriteria?: string;
  readonly data?: CustomData;
  readonly priority?: Priority;
}

/** The app's notification service extension changes an alert before it is shown, and runs for nothing else. */
type Shown =
  | {
      /** A string is the body. */
      readonly alert: string | AlertTexts;
      /** Runs the app's notification service extension. */
      readonly isMutable?: boolean;
    }
  /** Only badge or sound change. */
  | { readonly alert?: never; readonly isMutable?: false };

/** A critical sound belongs to a critical alert, and to no other. */
export type AlertOptions = AlertCommon &
  Shown &
  (
    | { readonly interruptionLevel?: Exclude<InterruptionLevel, 'critical'>; readonly sound?: string }
    | { readonly interruptionLevel: 'critical'; readonly sound?: string | CriticalSound }
  );

export function alert(options: AlertOptions): Notification {
  const { alert: texts, isMutable, wakesApp, data, priority, ...same } = options;
  const aps = wireAps({
    ...same,
    ...(texts === undefined ? {} : { alert: typeof texts === 'string' ? texts : dictionaryOf(texts) }),
    ...(isMutable === true ? { mutableContent: true } : {}),
    ...(wakesApp === true ? { contentAvailable: true } : {}),
  });
  return { pushType: 'alert', payload: payloadWith(aps, data), ...priorityOf(priority) };
}
