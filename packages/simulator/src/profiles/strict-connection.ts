// One connection of profile "strict" on our own frames: requests to the rules, answers to the wire, and in between
// whatever the fault script wants to happen.
//
//   onRequest ─► faults on "request" ─► judge ─► ledger ─► (delay) ─► reply, spoiled or not ─► faults on "reply"
import { ErrorCode, SettingId } from '@carillon/frames';

import type { ActedConnection, PingAnswers } from '../faults/acted-connection.ts';
import { actOnConnection, suppressesSettings } from '../faults/connection-actions.ts';
import type { FaultWatch } from '../faults/fault-plan.ts';
import type { ConnectionAction, FaultAction, ReplyAction } from '../faults/fault-script.ts';
import { isReplyAction } from '../faults/parse-fault-script.ts';
import { actOnReply } from '../faults/reply-actions.ts';
import { ServerConnection } from '../http2-server/server-connection.ts';
import type { ServerConnectionEvents } from '../http2-server/server-connection.ts';
import type { ServerStream } from '../http2-server/server-stream.ts';
import type { SettingPairs } from '../http2-server/settings-exchange.ts';
import { SocketCarrier } from '../http2-server/socket-carrier.ts';
import type { Wire } from '../http2-server/wire.ts';
import type { WatchedConnection } from '../referee/watched-connection.ts';
import { WireWitness } from '../referee/wire-witness.ts';
import { ConnectionRecord } from '../rules/authentication.ts';
import type { ClientCertificate } from '../rules/client-certificate.ts';
import { forcedReply, tokenOf } from '../rules/judge-request.ts';
import type { Answer, PlannedReply } from '../rules/judge-request.ts';
import type { PushRequest } from '../rules/request.ts';
import type { SimulatorTimer } from '../seams.ts';
import type { Http2Options, LoadOptions } from '../simulator-options.ts';
import type { Gateway } from './gateway.ts';
import { draftReply, emptyDraft, writeReply } from './reply-draft.ts';
import { StreamLimit } from './stream-limit.ts';

/** Who connected. */
export interface ConnectedPeer {
  /** 1 for the first connection since the start. */
  readonly ordinal: number;
  readonly address: string;
  /** Null when it showed none. */
  readonly certificate: ClientCertificate | null;
}

export interface StrictConnectionParts {
  readonly gateway: Gateway;
  readonly http2: Http2Options;
  readonly watch: FaultWatch;
  readonly frameBytesMax: number;
  /** Null: no referee. */
  readonly watched: WatchedConnection | null;
}

/** pushy#356, golang/go#17265: what the real gateway says, as plain text, to clients that open too many streams. */
const overLimitText = 'Maximum active streams violated for this endpoint.';

export class StrictConnection implements ActedConnection, ServerConnectionEvents {
  readonly http2: ServerConnection;
  readonly carrier: SocketCarrier;
  pingAnswers: PingAnswers = { how: 'right', delayMs: 0 };
  readonly #gateway: Gateway;
  readonly #watch: FaultWatch;
  readonly #record: ConnectionRecord;
  readonly #limit: StreamLimit;
  readonly #witness: WireWitness | null;
  readonly #ordinal: number;
  readonly #refusesWithGoAway: boolean;
  readonly #timers = new Set<SimulatorTimer>();
  #isClosing = false;
  #isClosed = false;

  constructor(wire: Wire, peer: ConnectedPeer, parts: StrictConnectionParts) {
    this.#gateway = parts.gateway;
    this.#watch = parts.watch;
    this.#ordinal = peer.ordinal;
    this.#refusesWithGoAway = parts.http2.overLimit === 'goaway';
    this.#record = new ConnectionRecord(peer.certificate, peer.address);
    this.#limit = new StreamLimit(parts.http2, this.#record.certificate !== null);
    this.#witness = parts.watched === null ? null : new WireWitness(parts.watched, () => this.#gateway.nowMs());
    parts.watched?.secured(this.#record.certificate !== null);
    this.carrier = new SocketCarrier(wire, parts.gateway.clock, {
      onBytes: (chunk) => this.#onBytes(chunk),
      onClosed: () => this.#onClosed(),
    });
    this.http2 = new ServerConnection(
      this.carrier.outbox,
      {
        settings: firstSettings(parts.http2, this.#limit.streamsMax),
        windowIncrement: parts.http2.windowIncrement ?? 32_822,
        announcesEachRead: parts.http2.windowUpdates === 'each-read',
        streamsMax: this.#limit.streamsMax,
        frameBytesMax: parts.frameBytesMax,
        observer: this.#witness,
      },
      this,
    );
    this.#start();
  }

  /** A fault of the script, by its id. */
  onCommand(id: string): void {
    this.#actAll(this.#watch.onCommand(id));
  }

  /** The referee's PING, when one is due. */
  mark(): void {
    if (this.#witness?.mark(this.http2) === true) this.carrier.flushSoon();
  }

  // ── ActedConnection ────────────────────────────────────────────────────────────────────────────────────────────

  after(delayMs: number, then: () => void): void {
    const timer = this.#gateway.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      if (this.#isClosed) return;
      then();
      this.carrier.flushSoon();
    });
    this.#timers.add(timer);
  }

  closeWhenAnswered(): void {
    this.#isClosing = true;
    this.#closeIfAnswered();
  }

  restartGateway(awayMs: number): void {
    this.#gateway.restart(awayMs);
  }

  /** The gateway is gone at once. */
  drop(): void {
    this.#witness?.watched.excuse();
    this.http2.stop();
    this.carrier.reset();
  }

  // ── ServerConnectionEvents ─────────────────────────────────────────────────────────────────────────────────────

  onRequest(stream: ServerStream): void {
    const request: PushRequest = {
      method: stream.method,
      path: stream.path,
      fields: stream.fields,
      bodyBytes: stream.bodyBytes,
    };
    this.#witness?.watched.request(stream.id, request, stream.body, this.#gateway.nowMs());
    const actions = this.#watch.onRequest(tokenOf(request.path));
    this.#actAll(actions);
    // A flood is the answer to its request: what it writes is on that request's stream.
    if (this.http2.isDead || actions.some(({ kind }) => kind === 'flood')) return;
    const spoiling = actions.find(isOnReply) ?? null;
    if (spoiling !== null && keepsBack(spoiling)) {
      this.#keepBack(stream, request, spoiling);
      return;
    }
    const { load } = this.#gateway;
    const workMs = load === null ? 0 : load.arrive(this.#gateway.clock.epochMs());
    if (load !== null && workMs === null) {
      this.#refuse(stream, request, load.options);
      return;
    }
    const judged = this.#gateway.judge(request, stream.body, this.#record);
    const answer = spoiling?.kind === 'status' ? forcedReply(request, this.#gateway.rules, spoiling) : judged;
    this.#note(stream, request, answer);
    const ownDelayMs = answer.kind === 'silence' ? 0 : answer.delayMs + this.#gateway.latencyMs();
    const delayMs = ownDelayMs + (workMs ?? 0) + (spoiling?.kind === 'delay' ? spoiling.delayMs : 0);
    if (delayMs === 0) this.#answer(stream, answer, spoiling);
    else this.after(delayMs, () => this.#answer(stream, answer, spoiling));
  }

  onStreamRefused(): void {
    this.#gateway.counters.streamsRefused += 1;
    if (!this.#refusesWithGoAway || this.#isClosing) return;
    this.http2.writeGoAway(this.http2.lastStreamId, ErrorCode.refusedStream, Buffer.from(overLimitText, 'latin1'));
    this.closeWhenAnswered();
  }

  onStreamReset(): void {
    this.#gateway.counters.resetsReceived += 1;
    this.#closeIfAnswered();
  }

  onPing(payload: Buffer): 'acknowledge' | 'ignore' {
    this.#gateway.counters.pingsReceived += 1;
    switch (this.pingAnswers.how) {
      case 'right':
        return 'acknowledge';
      case 'none':
        return 'ignore';
      case 'late':
        this.after(this.pingAnswers.delayMs, () => this.http2.writePing(payload, true));
        return 'ignore';
      case 'wrong':
        this.http2.writePing(Buffer.from(payload).fill(0xff), true);
        return 'ignore';
    }
  }

  onFault(message: string): void {
    this.#witness?.watched.unclean(message, this.#gateway.nowMs());
    this.#gateway.countFault(message);
    this.carrier.end();
  }

  onGoAway(): void {
    this.closeWhenAnswered();
  }

  // ── the life of the connection ─────────────────────────────────────────────────────────────────────────────────

  #start(): void {
    const actions = this.#watch.onEvent('start');
    if (!actions.some(suppressesSettings)) this.http2.start();
    const certificate = this.#record.certificate;
    const { environment } = this.#gateway.rules;
    this.#actAll(actions);
    if (certificate !== null && !certificate.environments.includes(environment)) this.#refuseCertificate();
    for (const { afterMs, fire } of this.#watch.times()) this.after(afterMs, () => this.#actAll(fire()));
    this.carrier.flushSoon();
  }

  /** sideshow/apns2#93: TLS succeeds, then GOAWAY NO_ERROR, last stream 0, with the reason, then the end. */
  #refuseCertificate(): void {
    this.http2.writeGoAway(0, ErrorCode.noError, Buffer.from('{"reason":"BadCertificateEnvironment"}', 'latin1'));
    this.closeWhenAnswered();
  }

  #onBytes(chunk: Buffer): void {
    const after = this.carrier.bytesReceived;
    this.http2.receive(chunk);
    this.#gateway.counters.streamsPeak = Math.max(this.#gateway.counters.streamsPeak, this.http2.peerStreamsPeak);
    this.#actAll(this.#watch.onBytes(after - chunk.length, after));
    if (this.#gateway.ledger.isFull) this.#restForLedger();
  }

  #restForLedger(): void {
    this.carrier.restForLedger(true);
    this.#gateway.ledger.onceRoom(() => this.carrier.restForLedger(false));
  }

  #onClosed(): void {
    this.#isClosed = true;
    this.http2.stop();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #closeIfAnswered(): void {
    if (!this.#isClosing || this.http2.streams.size > 0) return;
    this.http2.stop();
    this.carrier.end();
  }

  #actAll(actions: readonly FaultAction[]): void {
    for (const action of actions) {
      if (!isOnConnection(action)) continue;
      this.#witness?.watched.excuse();
      actOnConnection(this, action);
    }
  }

  /** More work than the gateway can do: at once, and nothing was done. */
  #refuse(stream: ServerStream, request: PushRequest, { refusal, retryAfterSeconds }: LoadOptions): void {
    if (refusal === undefined || refusal === 'refused-stream') {
      this.#gateway.counters.streamsRefused += 1;
      this.http2.writeReset(stream.id, ErrorCode.refusedStream);
      this.#closeIfAnswered();
      return;
    }
    this.#gateway.judge(request, stream.body, this.#record); // counted, as every request that gets an answer
    const said = {
      status: refusal,
      ...(refusal === 503 ? { reason: 'ServiceUnavailable' } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfter: String(retryAfterSeconds) }),
    };
    const answer = forcedReply(request, this.#gateway.rules, said);
    this.#note(stream, request, answer);
    this.#answer(stream, answer, null);
  }

  /** The push may have been taken, but its answer never comes. */
  #keepBack(stream: ServerStream, request: PushRequest, action: ReplyAction): void {
    if (isProcessed(action)) {
      const { apnsId } = this.#gateway.judge(request, stream.body, this.#record);
      this.#note(stream, request, { kind: 'silence', apnsId });
    }
    actOnReply({ http2: this.http2, stream, draft: emptyDraft }, action);
    this.#closeIfAnswered();
  }

  #note(stream: ServerStream, request: PushRequest, answer: Answer): void {
    const origin = { connection: this.#ordinal, stream: stream.id };
    this.#gateway.record(request, stream.body, this.#record, answer, origin);
  }

  #answer(stream: ServerStream, answer: Answer, spoiling: ReplyAction | null): void {
    if (this.http2.streams.get(stream.id) !== stream) return; // reset or cut off by a GOAWAY meanwhile
    switch (answer.kind) {
      case 'silence':
        return;
      case 'reset':
        this.http2.writeReset(stream.id, answer.errorCode);
        break;
      case 'reply':
        this.#reply(stream, answer, spoiling);
    }
    this.#closeIfAnswered();
  }

  #reply(stream: ServerStream, reply: PlannedReply, spoiling: ReplyAction | null): void {
    const draft = draftReply(reply);
    if (spoiling === null) writeReply(this.http2, stream, draft);
    else actOnReply({ http2: this.http2, stream, draft }, spoiling);
    this.#gateway.counters.countReply(reply.status, reply.reason);
    if (spoiling !== null && breaksConnection(spoiling)) this.#witness?.watched.excuse();
    if (spoiling !== null && isUnreadable(spoiling)) this.#witness?.watched.spoiled(stream.id, this.#gateway.nowMs());
    else this.#witness?.watched.replied(stream.id, reply, this.#gateway.nowMs());
    const streamsMax = this.#limit.afterReply(reply.status, reply.isAuthenticated);
    if (streamsMax !== null) {
      this.http2.streamsMax = streamsMax;
      this.http2.writeSettings([[SettingId.maxConcurrentStreams, streamsMax]]);
    }
    this.#actAll(this.#watch.onReply());
  }
}

function isOnReply(action: FaultAction): action is ReplyAction {
  return isReplyAction(action.kind);
}

/** Handshake actions never get here: the script parser ties them to "accept". */
function isOnConnection(action: FaultAction): action is ConnectionAction {
  return !isReplyAction(action.kind);
}

function keepsBack(action: ReplyAction): boolean {
  return action.kind === 'rst' || action.kind === 'no-answer';
}

/** Answers that break RFC 9113, so that no client has to understand them. */
function isUnreadable(action: ReplyAction): boolean {
  return action.kind === 'malformed' || action.kind === 'push-promise' || action.kind === 'oversized-data';
}

/** Ours: HEADERS and four CONTINUATION frames; a reply of Apple's is one frame. */
const piecesBorne = 5;

/** Answers after which a client has to end the connection (RFC 9113 §4.2, §4.3, §8.4). */
function breaksConnection(action: ReplyAction): boolean {
  if (action.kind === 'malformed') return action.how === 'bad-hpack';
  // A client may take so many pieces for a flood (VU#421644), and end the connection.
  if (action.kind === 'continuation') return action.pieces > piecesBorne;
  return action.kind === 'push-promise' || action.kind === 'oversized-data';
}

/** RFC 9113 §8.7: REFUSED_STREAM promises that nothing was done. */
function isProcessed(action: ReplyAction): boolean {
  return action.kind !== 'rst' || (action.processed ?? action.code !== ErrorCode.refusedStream);
}

/** E.1, in the order it was seen in. */
function firstSettings(options: Http2Options, streamsMax: number): SettingPairs {
  return [
    [SettingId.headerTableSize, options.headerTableSize ?? 4_096],
    [SettingId.maxConcurrentStreams, streamsMax],
    [SettingId.initialWindowSize, options.initialWindowSize ?? 65_535],
    [SettingId.maxFrameSize, 16_384],
    [SettingId.maxHeaderListSize, options.maxHeaderListSize ?? 8_000],
  ];
}
