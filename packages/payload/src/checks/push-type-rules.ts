// What a push type asks of its payload, as masks over the facts of aps-facts.ts: a payload that has nothing of `suspect`
// and all of `needed` needs no second look. Types whose payload is the app's own dictionary (voip, pushtotalk, location,
// complication), and types that Apple may add, ask nothing: their `aps` is not held to today's schema.

import type { PushType } from '@carillon/apns';
import { apsSchema, type ApsKeyName } from './aps-schema.ts';
import { apsBit, ApsFact, visibleBits } from './aps-facts.ts';

export interface PushTypeRule {
  /** Who reads `aps`: the system, as Apple's tables say, or nobody but the app. */
  readonly apsIs: 'apple' | 'free';
  /** Any of these facts: look. */
  readonly suspect: number;
  /** Any of these facts missing: look. */
  readonly needed: number;
  /** Keys that the push ought to have: it is sent without them, and its author is told. */
  readonly advises: readonly ApsKeyName[];
  /** Keys beside `aps` that the system reads. */
  readonly advisesBeside: readonly string[];
}

const free: PushTypeRule = {
  apsIs: 'free',
  suspect: 0,
  needed: 0,
  advises: [],
  advisesBeside: [],
};

const apple: PushTypeRule = { ...free, apsIs: 'apple', suspect: ApsFact.odd | ApsFact.badAps };

const meantFor = (wanted: string): number =>
  Object.entries(apsSchema)
    .filter(([, rule]) => rule.meantFor === wanted)
    .reduce((bits, [name]) => bits | apsBit(name as ApsKeyName), 0); // the schema's own names

const activityBits = meantFor('live activities');
const changeBits = meantFor('widgets and controls');
/** What the page says a start has to have. Of other events it shows keys, and does not say which may be left out. */
export const startRequires: readonly ApsKeyName[] = ['attributes-type', 'attributes', 'alert'];
/** A fact that no payload has: the second look is taken every time. Such pushes are rare. */
const always = 1 << 30;

const rules: ReadonlyMap<string, PushTypeRule> = new Map<string, PushTypeRule>([
  [
    'alert',
    {
      ...apple,
      suspect: apple.suspect | ApsFact.scoreBeyond | ApsFact.alertSound | activityBits | changeBits,
      // A payload without `aps` is Wallet's, or one whose author forgot it.
      needed: ApsFact.hasAps,
    },
  ],
  [
    'background',
    {
      ...apple,
      suspect: apple.suspect | ApsFact.scoreBeyond | visibleBits | activityBits | changeBits,
      needed: ApsFact.wakes,
      advises: ['content-available'],
    },
  ],
  [
    'liveactivity',
    {
      ...apple,
      // A start has needs of its own; those who look know them.
      suspect: apple.suspect | changeBits | ApsFact.starts,
      needed: apsBit('event') | apsBit('timestamp') | apsBit('content-state'),
      advises: ['event', 'timestamp', 'content-state'],
    },
  ],
  ['widgets', { ...apple, suspect: apple.suspect | activityBits, needed: changeBits, advises: ['content-changed'] }],
  ['controls', { ...apple, suspect: apple.suspect | activityBits, needed: changeBits, advises: ['content-changed'] }],
  ['fileprovider', { ...free, needed: always, advisesBeside: ['container-identifier', 'domain'] }],
  ['mdm', { ...free, needed: always, advisesBeside: ['mdm'] }],
]);

export function ruleFor(pushType: PushType): PushTypeRule {
  return rules.get(pushType.name) ?? free;
}
