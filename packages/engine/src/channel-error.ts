/** What a call about channels can fail with: one class, and a stable code for each thing that the caller would do differently. */
import type { ChannelId, ChannelOperation, ChannelRefusal, Processed } from '@carillon/apns';

export type ChannelErrorCode =
  /** An argument is wrong; Apple was not asked. */
  | 'ERR_CHANNEL_ARGUMENT'
  /** There is no such channel for this app in this environment. */
  | 'ERR_CHANNEL_NOT_FOUND'
  /** Broadcasts are not enabled for the app in Apple's developer portal. */
  | 'ERR_CHANNEL_NOT_ENABLED'
  /** The app has all the channels it may have. */
  | 'ERR_CHANNEL_LIMIT'
  /** The credential is refused, or does not cover the app. */
  | 'ERR_CHANNEL_CREDENTIAL'
  /** Too many requests; again after `retryAfterMs`. */
  | 'ERR_CHANNEL_THROTTLED'
  /** The gateway has trouble of its own; again after `retryAfterMs`. */
  | 'ERR_CHANNEL_GATEWAY'
  /** Apple refuses the request for another reason. */
  | 'ERR_CHANNEL_REFUSED'
  /** No answer from the gateway. `processed`: whether it may have done it all the same. */
  | 'ERR_CHANNEL_UNREACHABLE'
  /** `create` was sent and not answered: there may be a channel that nobody knows the id of. `list` shows it. */
  | 'ERR_CHANNEL_AMBIGUOUS'
  /** It was done, and the answer cannot be read. */
  | 'ERR_CHANNEL_ANSWER'
  /** Given up by its caller. `processed`: whether it may be done all the same. */
  | 'ERR_CHANNEL_CANCELLED'
  /** As many calls wait as may. */
  | 'ERR_CHANNEL_FULL';

export interface ChannelErrorFacts {
  readonly operation: ChannelOperation;
  readonly app: string;
  readonly channel?: ChannelId | null;
  /** Apple's, where it answered. */
  readonly status?: number | null;
  readonly reason?: string | null;
  readonly processed?: Processed;
  readonly retryAfterMs?: number | null;
  readonly requestId?: string | null;
  readonly cause?: unknown;
}

export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly code: ChannelErrorCode;
  readonly operation: ChannelOperation;
  readonly app: string;
  readonly channel: ChannelId | null;
  readonly status: number | null;
  /** Apple's text. */
  readonly reason: string | null;
  /** `unknown`: the gateway may have done it. */
  readonly processed: Processed;
  /** Null: not before something has changed, or nobody knows. */
  readonly retryAfterMs: number | null;
  /** Ours, by which Apple knows the request; null when nothing was sent. */
  readonly requestId: string | null;

  constructor(code: ChannelErrorCode, message: string, facts: ChannelErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.operation = facts.operation;
    this.app = facts.app;
    this.channel = facts.channel ?? null;
    this.status = facts.status ?? null;
    this.reason = facts.reason ?? null;
    this.processed = facts.processed ?? 'no';
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.requestId = facts.requestId ?? null;
  }
}

/** By what Apple refused it for, and what a person would do about it. */
export const refusals: Readonly<Record<ChannelRefusal, { readonly code: ChannelErrorCode; readonly advice: string }>> =
  {
    'not-found': {
      code: 'ERR_CHANNEL_NOT_FOUND',
      advice: 'the app has no such channel here: it was deleted, or is of the other environment',
    },
    'not-enabled': {
      code: 'ERR_CHANNEL_NOT_ENABLED',
      advice: 'enable broadcasts for the bundle id in Apple’s developer portal',
    },
    full: { code: 'ERR_CHANNEL_LIMIT', advice: 'the app has its 10,000 channels; delete some that nobody uses' },
    credential: { code: 'ERR_CHANNEL_CREDENTIAL', advice: 'the credential is not taken, or not for this bundle id' },
    throttled: { code: 'ERR_CHANNEL_THROTTLED', advice: 'too many requests' },
    gateway: { code: 'ERR_CHANNEL_GATEWAY', advice: 'the gateway has trouble of its own' },
    request: { code: 'ERR_CHANNEL_REFUSED', advice: 'Apple refuses the request' },
  };
