// The `aps` dictionary with every key that Apple documents, in our spelling. Which of them go together depends on the
// push type: its builder asks for those and no others. `composed` takes them all.

import type { Priority } from '@carillon/apns';
import { type AlertDictionary, wireAlert } from './alert-dictionary.ts';
import { type Instant, secondsOf } from './instant.ts';
import { type CustomData, type Notification, payloadWith, priorityOf } from './notification.ts';
import { type Sound, wireSound } from './sound.ts';
import { withWireNames, type WireNames } from './wire-names.ts';

export type InterruptionLevel = 'passive' | 'active' | 'time-sensitive' | 'critical';

export interface ApsFields {
  readonly alert?: string | AlertDictionary;
  /** 0 clears it. */
  readonly badge?: number;
  readonly sound?: Sound;
  readonly threadId?: string;
  readonly category?: string;
  readonly contentAvailable?: true;
  readonly mutableContent?: true;
  readonly targetContentId?: string;
  readonly interruptionLevel?: InterruptionLevel;
  readonly relevanceScore?: number;
  readonly filterCriteria?: string;
  readonly staleDate?: Instant;
  readonly contentState?: object;
  readonly timestamp?: Instant;
  readonly event?: 'start' | 'update' | 'end';
  readonly dismissalDate?: Instant;
  readonly attributesType?: string;
  readonly attributes?: object;
  readonly inputPushChannel?: string;
  readonly inputPushToken?: true;
  readonly contentChanged?: true;
  readonly urlArgs?: readonly string[];
}

const names: WireNames<ApsFields> = {
  alert: 'alert',
  badge: 'badge',
  sound: 'sound',
  threadId: 'thread-id',
  category: 'category',
  contentAvailable: 'content-available',
  mutableContent: 'mutable-content',
  targetContentId: 'target-content-id',
  interruptionLevel: 'interruption-level',
  relevanceScore: 'relevance-score',
  filterCriteria: 'filter-criteria',
  staleDate: 'stale-date',
  contentState: 'content-state',
  timestamp: 'timestamp',
  event: 'event',
  dismissalDate: 'dismissal-date',
  attributesType: 'attributes-type',
  attributes: 'attributes',
  inputPushChannel: 'input-push-channel',
  inputPushToken: 'input-push-token',
  contentChanged: 'content-changed',
  urlArgs: 'url-args',
};

export function wireAps(fields: ApsFields): Record<string, unknown> {
  return withWireNames(fields, names, write);
}

function write(value: unknown, field: keyof ApsFields): unknown {
  switch (field) {
    case 'alert':
      return wireAlert(value as NonNullable<ApsFields['alert']>); // the field's own type, as below
    case 'sound':
      return wireSound(value as Sound);
    case 'staleDate':
    case 'timestamp':
    case 'dismissalDate':
      return secondsOf(value as Instant, field);
    case 'contentAvailable':
    case 'mutableContent':
    case 'inputPushToken':
      return 1;
    default:
      return value;
  }
}

export interface ComposedOptions {
  /** Default `alert`. */
  readonly pushType?: string;
  /** Null: a payload without `aps`. */
  readonly aps: ApsFields | null;
  readonly data?: CustomData;
  readonly priority?: Priority;
}

/** Any fields together, for whoever knows better than the builders of single push types. */
export function composed({ pushType = 'alert', aps, data, priority }: ComposedOptions): Notification {
  return { pushType, payload: payloadWith(aps === null ? null : wireAps(aps), data), ...priorityOf(priority) };
}
