// What the two halves of a session share: its parts, its state, and the ways in which a stream or the whole connection
// ends. `session.ts` is the side of the owner, `peer-frames.ts` that of the peer.
//
// Invariant: each stream that was opened gets exactly one onReply or onFailure, and the row is free before the call.
import { inspect } from 'node:util';
import { ErrorCode, HpackEncoder } from '@carillon/frames';
import { createCounters } from './counters.ts';
import type { SessionCounters } from './counters.ts';
import { FloodGuard } from './flood-guard.ts';
import { ReceiveWindow } from './flow-window.ts';
import { FrameWriter } from './frame-writer.ts';
import type { GoAwayNotice } from './goaway.ts';
import { KeepAlive } from './keep-alive.ts';
import { PeerSettingsRecord } from './peer-settings.ts';
import { ReplyStore } from './reply.ts';
import type { ReplyRecord } from './reply.ts';
import { RequestWriter } from './request-writer.ts';
import type { SessionClosure, SessionEvents, StreamFailure } from './session-events.ts';
import { sessionLimits } from './session-options.ts';
import type { FloodName, SessionLimits, SessionOptions } from './session-options.ts';
import type { Session } from './session.ts';
import { StreamState, StreamTable } from './stream-table.ts';

/**
 *   connecting ──▶ probing ──▶ open ──▶ draining ──▶ closed
 *       │             │                     ▲           ▲
 *       │             └──── GOAWAY, drain ──┘           │
 *       ├──── SETTINGS, and no probe asked for ──▶ open │
 *       └──── from every state: close, errors, floods, a dead peer, the end of the transport
 *
 *   connecting → probing or open   the peer's SETTINGS came
 *   probing → open                 the owner said that the probe succeeded
 *   probing, open → draining       GOAWAY, `drain`, no stream id left: open streams finish, none is opened
 *   draining → closed              the last open stream ended
 */
export type SessionState = 'connecting' | 'probing' | 'open' | 'draining' | 'closed';

const pingBytes = 8;

export class SessionCore {
  readonly limits: SessionLimits;
  readonly counters: SessionCounters = createCounters();
  readonly encoder: HpackEncoder;
  readonly peer: PeerSettingsRecord = new PeerSettingsRecord();
  readonly table: StreamTable;
  readonly requests: RequestWriter;
  readonly writer: FrameWriter;
  readonly replies: ReplyStore;
  readonly receiveWindow: ReceiveWindow;
  readonly keepAlive: KeepAlive;
  readonly session: Session;
  readonly events: SessionEvents;
  /** By row: replies whose body is still coming. */
  readonly records: (ReplyRecord | null)[];
  state: SessionState = 'connecting';
  /** Streams that may be open at once now: 0 in connecting, draining and closed, 1 in probing. */
  streamLimit = 0;
  /** What the owner allows for now, beside `limits.streamsMax` and the peer's limit. */
  ownerStreamsMax: number = Infinity;
  isProbing: boolean;
  /** The latest time that the owner told us. */
  now = 0;
  /** When both SETTINGS must have been exchanged; Infinity when that is done. */
  settingsDueAt: number = Infinity;
  /** The lowest that a GOAWAY named. */
  lastStreamId: number = Infinity;
  goAway: GoAwayNotice | null = null;
  rttMs: number | null = null;
  /** When the PING went that is still to be answered; NaN when there is none. */
  pingSentAt: number = NaN;
  /** The octets of the last PING. */
  readonly pingPayload: Buffer = Buffer.alloc(pingBytes);
  readonly #floods: FloodGuard;
  readonly #stopReading: () => void;

  constructor(session: Session, options: SessionOptions, events: SessionEvents, stopReading: () => void) {
    this.session = session;
    this.events = events;
    this.limits = sessionLimits(options);
    this.isProbing = options.isProbing ?? false;
    this.encoder = new HpackEncoder({ tableBytesMax: this.limits.headerTableBytesMax });
    this.table = new StreamTable(this.limits.streamsMax, this.limits.streamIdMax);
    this.requests = new RequestWriter(options.outbox, this.table, this.peer, this.counters);
    this.writer = new FrameWriter(options.outbox);
    this.replies = new ReplyStore(this.limits.replyHeaders);
    this.receiveWindow = new ReceiveWindow(this.limits.windowBytes);
    this.keepAlive = new KeepAlive(this.limits);
    this.records = Array.from({ length: this.table.capacity }, () => null);
    this.#floods = new FloodGuard(this.limits.floods.rates, this.limits.streamsMax, this.counters);
    this.#stopReading = stopReading;
  }

  transitionTo(from: readonly SessionState[], to: SessionState): void {
    if (!from.includes(this.state)) throw new Error(`bug: ${this.state} → ${to}`);
    this.state = to;
    this.refreshStreamLimit();
  }

  refreshStreamLimit(): void {
    const most = Math.min(this.limits.streamsMax, this.peer.streamsMax, this.ownerStreamsMax);
    if (this.state === 'open') this.streamLimit = most;
    else if (this.state === 'probing') this.streamLimit = Math.min(1, most);
    else this.streamLimit = 0;
  }

  /** No stream is opened any more; the session closes when the last one has ended, which may be now. */
  startDraining(): void {
    if (this.state === 'probing' || this.state === 'open') this.transitionTo(['probing', 'open'], 'draining');
  }

  /** Counts one frame of its kind. False when it was one too many, and the session is closed. */
  allows(name: FloodName): boolean {
    if (this.#floods.allows(name, this.now)) return true;
    this.closeAsFlood(`too many frames of one kind: ${name}`);
    return false;
  }

  closeAsFlood(message: string): void {
    this.close('flood', ErrorCode.enhanceYourCalm, message);
  }

  closeAsProtocolError(errorCode: number, message: string): void {
    this.close('protocol-error', errorCode, message);
  }

  sendPing(): void {
    this.counters.pingsSent += 1;
    this.pingPayload.writeUInt32BE(this.counters.pingsSent % 2 ** 32, pingBytes - 4);
    this.pingSentAt = this.now;
    this.keepAlive.notePing(this.now);
    this.writer.ping(this.pingPayload);
  }

  sendReset(id: number, errorCode: number): void {
    this.counters.resetsSent += 1;
    this.writer.rstStream(id, errorCode);
  }

  /** The reply is complete. Hot. */
  deliver(row: number, record: ReplyRecord, closeAs: StreamState): void {
    const id = this.table.idAt(row);
    record.streamId = id;
    record.latencyMs = this.now - this.table.openedAt[row];
    this.counters.replies += 1;
    this.table.close(row, closeAs);
    // RFC 9113 §8.1: an answer before the end of the request. The rest of the body is of no use to anybody.
    if (this.requests.drop(id) && closeAs === StreamState.ended) this.sendReset(id, ErrorCode.cancel);
    this.events.onReply(this.table.tags[row], record);
    if (this.state === 'draining') this.closeIfDrained();
  }

  /** As `deliver`, for a reply that has a record of its own. */
  deliverStored(row: number, closeAs: StreamState): void {
    const record = this.records[row];
    if (record === null) throw new Error('bug: a reply body without its head');
    this.records[row] = null;
    if (record.isBodyTruncated) this.counters.bodiesTruncated += 1;
    try {
      this.deliver(row, record, closeAs);
    } finally {
      this.replies.giveBack(record);
    }
  }

  /** The stream ends without a complete answer; the RST_STREAM, if one is due, was written. */
  fail(row: number, closeAs: StreamState, failure: StreamFailure): void {
    const record = this.records[row];
    // reliability.md N8: the gateway said 200 and was cut off. It has taken the push; a resend would double it.
    if (record !== null && record.status === 200 && failure.kind !== 'malformed') {
      this.counters.repliesCutOff += 1;
      record.isBodyTruncated = true;
      this.deliverStored(row, closeAs);
      return;
    }
    if (record !== null) {
      this.records[row] = null;
      this.replies.giveBack(record);
    }
    const tag = this.table.tags[row];
    this.counters.failures += 1;
    this.table.close(row, closeAs);
    this.requests.drop(this.table.idAt(row));
    this.events.onFailure(tag, failure);
    if (this.state === 'draining') this.closeIfDrained();
  }

  /** A stream error of the peer's (RFC 9113 §5.4.2): the stream is reset and fails. */
  failMalformed(row: number, errorCode: number, message: string): void {
    this.counters.malformed += 1;
    this.sendReset(this.table.idAt(row), errorCode);
    this.fail(row, StreamState.dropped, {
      kind: 'malformed',
      processed: 'unknown',
      errorCode,
      initiator: 'local',
      message,
    });
    if (this.state !== 'closed') this.allows('provokedResets');
  }

  closeIfDrained(): void {
    if (this.state !== 'draining' || this.table.openCount > 0) return;
    if (this.goAway === null) this.close('local', ErrorCode.noError, 'drained', 'cancelled');
    else this.close('goaway', this.goAway.errorCode, goAwayMessage(this.goAway));
  }

  /**
   * Ends the connection: GOAWAY (unless the transport is gone), then every open stream, lowest first, then onClosed.
   * Handlers that throw cannot stop it; the closure tells of the first.
   */
  close(
    kind: SessionClosure['kind'],
    errorCode: number,
    message: string,
    failureKind: StreamFailure['kind'] = 'connection-lost',
  ): void {
    if (this.state === 'closed') return;
    this.transitionTo(['connecting', 'probing', 'open', 'draining'], 'closed');
    this.settingsDueAt = Infinity;
    this.#stopReading();
    if (kind !== 'transport') {
      // A GOAWAY of the peer's is answered with NO_ERROR: the error it names was ours to read, not to repeat.
      this.writer.goAway(kind === 'goaway' ? ErrorCode.noError : errorCode);
    }
    const failure: StreamFailure = {
      kind: failureKind,
      processed: 'unknown',
      errorCode,
      initiator: kind === 'goaway' || kind === 'transport' ? 'remote' : 'local',
      message,
    };
    let thrown: unknown = null;
    for (const id of this.table.openIdsAbove(0)) {
      try {
        this.fail(this.table.rowOf(id), StreamState.dropped, failure);
      } catch (error) {
        thrown ??= error;
      }
    }
    this.events.onClosed({
      // The end of the transport is what a GOAWAY announced.
      kind: kind === 'transport' && this.goAway !== null ? 'goaway' : kind,
      errorCode,
      message: thrown === null ? message : `${message}; bug: a handler threw: ${inspect(thrown)}`,
      reason: this.goAway?.reason ?? null,
    });
  }
}

export function goAwayMessage(goAway: GoAwayNotice): string {
  const detail = goAway.reason ?? goAway.text;
  return `GOAWAY with code ${goAway.errorCode}${detail === '' ? '' : `: ${detail}`}`;
}
