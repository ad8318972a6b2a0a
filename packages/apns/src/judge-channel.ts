// A reply of the management gateway becomes a verdict about the call. Pure, and by the same table of reasons as pushes;
// what differs is who waits: a person or a program, now, so that nothing that needs minutes is tried again here.

import type { ChannelOperation } from './channel-request.ts';
import { judge, reactionsTo, type ReplyFacts } from './judge.ts';
import { findReason } from './reasons.ts';
import type { EpochMs, Ms } from './time.ts';
import type { Processed } from './verdict.ts';

/** Why Apple did not do it. */
export type ChannelRefusal =
  /** There is no such channel: deleted, never made, or of another app or environment. */
  | 'not-found'
  /** Broadcasts are not enabled for the app in Apple's developer portal. */
  | 'not-enabled'
  /** The app has its 10,000 channels. */
  | 'full'
  /** The credential is not taken, or not for this app. */
  | 'credential'
  /** Too many requests. */
  | 'throttled'
  /** The gateway has trouble of its own. */
  | 'gateway'
  /** The request was not right. */
  | 'request';

export type ChannelVerdict =
  | { readonly kind: 'done' }
  /** `delete`: there is nothing to delete, which is what was asked for. */
  | { readonly kind: 'absent'; readonly status: number; readonly reason: string }
  /** Not processed, and another connection may be answered otherwise. `isToken`: for it carries another provider token. */
  | { readonly kind: 'again'; readonly isToken: boolean; readonly status: number; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly refusal: ChannelRefusal;
      readonly status: number;
      readonly reason: string;
      readonly processed: Processed;
      /** It may be asked again after this long; null: not before something has changed. */
      readonly waitMs: Ms | null;
      /** Its connection would be answered the same for whatever comes next. */
      readonly spoilsConnection: boolean;
    };

const notFound: ReadonlySet<string> = new Set(['ChannelNotRegistered', 'BadChannelId']);

export function judgeChannelReply(operation: ChannelOperation, reply: ReplyFacts, nowMs: EpochMs): ChannelVerdict {
  const { status } = reply;
  const verdict = judge(reply, { nowMs, isBroadcast: true });
  switch (verdict.kind) {
    case 'accepted':
      return { kind: 'done' };
    case 'retry': {
      const { blame, processed, reason, notBefore } = verdict;
      const reactions = reactionsTo(verdict);
      const isToken = reactions.includes('renew-provider-token');
      if (blame === 'connection' || isToken) return { kind: 'again', isToken, status, reason };
      const refusal = blame === 'push' ? 'throttled' : blame;
      const waitMs = notBefore === undefined ? null : notBefore - nowMs;
      const spoilsConnection = reactions.includes('park-credential');
      return { kind: 'refused', refusal, status, reason, processed, waitMs, spoilsConnection };
    }
    case 'rejected':
    case 'unregistered': {
      const { reason } = verdict;
      // The page says nothing of it; a channel that is not there was seen to be answered 404 BadPath.
      if (operation === 'delete' && (status === 404 || status === 410 || reason === 'ChannelNotRegistered'))
        return { kind: 'absent', status, reason };
      const refusal = refusalOf(operation, status, reason);
      return { kind: 'refused', refusal, status, reason, processed: 'no', waitMs: null, spoilsConnection: false };
    }
  }
}

function refusalOf(operation: ChannelOperation, status: number, reason: string): ChannelRefusal {
  if (notFound.has(reason)) return 'not-found';
  if (operation === 'read' && (status === 404 || status === 410)) return 'not-found';
  switch (findReason(reason)?.reason) {
    case 'FeatureNotEnabled':
      return 'not-enabled';
    case 'CannotCreateChannelConfig':
      return 'full';
    case 'TopicDisallowed':
    case 'Forbidden':
      return 'credential';
    default:
      return 'request';
  }
}
