// What a session tells its owner. All of it is synchronous, in the order of the bytes that caused it.
import type { Reply } from './reply.ts';
import type { GoAwayNotice } from './goaway.ts';
import type { Session } from './session.ts';

/**
 * The handlers must not throw: an error thrown inside `receive` closes the session as a bug. They may call `open`,
 * `cancel`, `drain`, `close`, `ping`, `slots` and `wakeAt`; never `receive`, `tick` or `transportClosed`. Before each
 * call the session has finished what the call is about: the stream is gone, its slot is free.
 */
export interface SessionEvents {
  /** A complete answer; the view is valid until the handler returns. */
  onReply(tag: number, reply: Reply): void;
  /** The stream ended without an answer. */
  onFailure(tag: number, failure: StreamFailure): void;
  /** The peer's settings came or changed, and its limits perhaps with them. */
  onSettings(session: Session): void;
  onGoAway(goAway: GoAwayNotice): void;
  onPong(rttMs: number): void;
  /** Exactly once, and the last of all calls: every open stream has had its reply or failure before. */
  onClosed(closure: SessionClosure): void;
}

export interface StreamFailure {
  readonly kind: 'refused' | 'goaway' | 'reset' | 'malformed' | 'timeout' | 'connection-lost' | 'cancelled';
  /** 'no' is proven: REFUSED_STREAM or above last-stream-id (RFC 9113 §8.7, §6.8). */
  readonly processed: 'no' | 'unknown';
  /** HTTP/2 error code, 0 when there is none. */
  readonly errorCode: number;
  readonly initiator: 'local' | 'remote';
  readonly message: string;
}

export interface SessionClosure {
  readonly kind: 'goaway' | 'protocol-error' | 'settings-timeout' | 'ping-timeout' | 'flood' | 'transport' | 'local';
  readonly errorCode: number;
  readonly message: string;
  /** `reason` of the JSON that came as debug data of a GOAWAY. */
  readonly reason: string | null;
}
