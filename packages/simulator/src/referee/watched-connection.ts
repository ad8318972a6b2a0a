// What the referee keeps of one connection, and how it judges each thing that happens there. Fed by the profile; knows
// neither sockets nor frames. `now` is epoch ms of the gateway's clock.
import { tokenOf } from '../rules/judge-request.ts';
import { fieldValue } from '../rules/request.ts';
import type { PushRequest } from '../rules/request.ts';
import { anonymousKey } from './anonymous-key.ts';
import type { DialWatch } from './dial-watch.ts';
import type { Docket, Place } from './docket.ts';
import type { DeviceFact, DeviceFacts } from './device-facts.ts';
import { KnownStreamLimit } from './known-stream-limit.ts';
import { knew, ProofOfReceipt } from './proof-of-receipt.ts';
import type { EventOrder } from './proof-of-receipt.ts';
import { PushRecord } from './push-history.ts';
import type { PushHistory } from './push-history.ts';
import { RecentEvents } from './recent-events.ts';
import { redacted } from './redacted.ts';
import { RefusalWindow } from './refusal-share.ts';
import { formFault } from './request-form.ts';
import { mayComeAgainAt, retryAfterMs } from './retry-time.ts';
import type { SeenReply } from './retry-time.ts';
import type { RetryWatch } from './retry-watch.ts';
import type { TimelineSampler } from '../timeline/sampler.ts';
import type { RefereeLimits, RuleId } from './rules.ts';
import { ConnectionTokens } from './token-watch.ts';
import type { SourceTokens } from './token-watch.ts';

/** One address that connections come from. */
export interface Source {
  readonly dials: DialWatch;
  readonly tokens: SourceTokens;
  readonly retries: RetryWatch;
}

/** What all connections of a referee share. */
export interface Court {
  readonly limits: RefereeLimits;
  readonly docket: Docket;
  readonly sampler: TimelineSampler;
  readonly order: EventOrder;
  readonly devices: DeviceFacts;
  readonly pushes: PushHistory;
  /** Open ones, by ordinal. */
  readonly connections: Map<number, WatchedConnection>;
  readonly seen: SeenCounts;
  /** Place at which a fact about a device was last proven to have arrived somewhere: every connection wants a mark then. */
  factKnownAt: number;
}

export interface SeenCounts {
  connections: number;
  requests: number;
  replies: number;
  goAways: number;
  marksSent: number;
  marksAnswered: number;
  marksLost: number;
}

interface OpenStream {
  token: string;
  topic: string;
  record: PushRecord | null;
  /** The client knew that this token is refused. */
  isRepeat: boolean;
  /** Epoch ms. */
  readonly openedAt: number;
  /** What the client had proven to know then: its body may come much later, in a small window. */
  readonly knowing: number;
}

/**
 * A push that came again elsewhere while a connection still had it. Frames of two connections come in any order, so both
 * have to answer a mark first: a connection that the client had closed before never does.
 */
interface Suspicion {
  readonly record: PushRecord;
  readonly place: number;
  /** Where it came again, and what became of it there; null: that connection has answered its mark. */
  readonly other: PushRecord | null;
  readonly again: Place;
}

/** A stream that was answered, and the place of the answer. */
interface Answered {
  readonly streamId: number;
  readonly stream: OpenStream;
  readonly place: number;
}

/** Between two marks: a sender's own defence against PING floods must not mind them. */
const markEveryMs = 250;
/** Timers of a client may be this much early. */
const timerSlackMs = 50;
/** Streams of a connection whose answers may still meet a reset: as many as Apple lets be open. */
const answeredKept = 1_024;
const suspicionsMax = 1_024;
/** HNR: the reasons that must never be tried again, beside 410. */
const refusedForGood = new Set<string | null>(['BadDeviceToken', 'DeviceTokenNotForTopic']);

export class WatchedConnection {
  readonly ordinal: number;
  readonly proof: ProofOfReceipt = new ProofOfReceipt();
  readonly #court: Court;
  readonly #source: Source;
  readonly #openedAt: number;
  readonly #limit: KnownStreamLimit;
  readonly #tokens: ConnectionTokens;
  readonly #pings: RecentEvents;
  readonly #refusals: RefusalWindow;
  readonly #open = new Map<number, OpenStream>();
  /** Of late, by stream: a reset may cross an answer, and then the answer was told to nobody. */
  readonly #answered: (Answered | undefined)[] = [];
  #suspicions: Suspicion[] = [];
  #hasCertificate = false;
  #isExcused = false;
  #isClosed = false;
  #replies = 0;
  /** Place of the first GOAWAY; 0: none. Streams above `#servedStreamMax` are not served. */
  #goAwayAt = 0;
  #servedStreamMax = Number.POSITIVE_INFINITY;
  /** Places: what a mark should be sent behind, what facts it would prove, and the last mark. */
  #toldAt = 0;
  #factAt = 0;
  #markedAt = 0;
  #markedMs = Number.NEGATIVE_INFINITY;

  constructor(ordinal: number, court: Court, source: Source, now: number) {
    this.ordinal = ordinal;
    this.#court = court;
    this.#source = source;
    this.#openedAt = now;
    this.#limit = new KnownStreamLimit(court.limits);
    this.#tokens = new ConnectionTokens(court.limits, source.tokens);
    this.#pings = new RecentEvents(court.limits.pingsMax, court.limits.pingsWindowMs);
    this.#refusals = new RefusalWindow(court.limits);
    court.sampler.connectionOpened(ordinal, now);
    const fault = source.dials.dialed(now);
    if (fault !== null) this.#convict('connections-steady', now, null, () => fault);
  }

  /** TLS stands. */
  secured(hasCertificate: boolean): void {
    this.#hasCertificate = hasCertificate;
    if (hasCertificate) this.#court.sampler.credentialSeen(this.ordinal, 'certificate');
  }

  /** The gateway ends, refuses or spoils this connection: what the client does about it is not its own choice. */
  excuse(): void {
    if (this.#isExcused) return;
    this.#isExcused = true;
    this.#suspicions = [];
    this.#source.dials.excuse();
  }

  closed(now: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#court.connections.delete(this.ordinal);
    for (const streamId of [...this.#open.keys()]) this.#unanswered(streamId, now);
    this.#court.sampler.connectionClosed(this.ordinal, now);
    if (this.proof.isMarkOutstanding) this.#court.seen.marksLost += 1;
    this.#suspicions = [];
    const end = { lifeMs: now - this.#openedAt, isExcused: this.#isExcused, wasServed: this.#replies > 0 };
    const fault = this.#source.dials.ended(end, now);
    if (fault !== null) this.#convict('connections-steady', now, null, () => fault);
  }

  // ── frames ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Null: these SETTINGS say nothing of streams. */
  settingsSent(streamsMax: number | null, now: number): void {
    this.#limit.sent(streamsMax);
    this.#sampleLimit(now);
  }

  settingsAcknowledged(now: number): void {
    this.#limit.acknowledged();
    this.#sampleLimit(now);
  }

  streamOpened(streamId: number, now: number): void {
    if (this.#goAwayAt > 0) {
      if (this.proof.knownUntil >= this.#goAwayAt) {
        this.#convict('goaway-obeyed', now, streamId, () => 'a stream opened after GOAWAY had arrived');
      }
      if (streamId > this.#servedStreamMax) return;
    }
    const most = this.#limit.current(this.#hasCertificate);
    if (this.#open.size >= most) {
      const count = this.#open.size + 1;
      this.#convict('streams-within-limit', now, streamId, () => `${count} streams open, allowed: ${most}`);
    }
    if (this.#open.has(streamId)) return; // no client can: its connection would have ended
    this.#open.set(streamId, {
      token: '',
      topic: '',
      record: null,
      isRepeat: false,
      openedAt: now,
      knowing: this.proof.knownUntil,
    });
    this.#court.sampler.streamOpened(this.ordinal, this.#open.size, most, now);
  }

  goAwaySent(lastStreamId: number, now: number): void {
    this.#court.sampler.goAwaySent(this.ordinal, now);
    this.#court.seen.goAways += 1;
    this.#servedStreamMax = Math.min(this.#servedStreamMax, lastStreamId);
    if (this.#goAwayAt === 0) this.#goAwayAt = this.#told();
    for (const streamId of this.#open.keys()) if (streamId > this.#servedStreamMax) this.#unanswered(streamId, now);
    this.excuse();
  }

  /** RST_STREAM of the gateway, or an answer no client could read. */
  spoiled(streamId: number, now: number): void {
    this.#unanswered(streamId, now);
  }

  resetReceived(streamId: number, now: number): void {
    if (this.#unanswered(streamId, now)) return;
    const answered = this.#answered[answeredSlot(streamId)];
    if (answered?.streamId !== streamId) return;
    const { stream, place } = answered;
    if (stream.record !== null) stream.record.state = 'excused';
    const { devices } = this.#court;
    if (devices.find(stream.token, stream.topic)?.place === place) devices.forgetTopic(stream.token, stream.topic);
  }

  pingReceived(now: number): void {
    if (!this.#pings.exceeds(now)) return;
    const { pingsMax, pingsWindowMs } = this.#court.limits;
    this.#convict('pings-sparing', now, null, () => `more than ${pingsMax} PINGs in ${pingsWindowMs} ms`);
  }

  /** A frame that has no place here, a malformed request, or a fault that ended the connection. */
  unclean(what: string, now: number): void {
    this.#convict('frames-clean', now, null, () => what.slice(0, 200));
  }

  // ── marks ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** True: the gateway should send a PING of the referee's now. */
  takeMark(now: number): boolean {
    if (this.#isClosed || this.proof.isMarkOutstanding || now - this.#markedMs < markEveryMs) return false;
    if (this.#toldAt <= this.#markedAt && this.#court.factKnownAt <= this.#markedAt) return false;
    this.#markedAt = this.#court.order.next();
    this.#markedMs = now;
    this.#court.seen.marksSent += 1;
    this.proof.markSent(this.#markedAt);
    return true;
  }

  markAcknowledged(now: number): void {
    if (this.#isClosed || !this.proof.isMarkOutstanding) return;
    const knownBefore = this.proof.knownUntil;
    const place = this.#court.order.next();
    const known = this.proof.markAcknowledged(place);
    this.#court.seen.marksAnswered += 1;
    if (this.#factAt > knownBefore && this.#factAt <= known) this.#court.factKnownAt = place;
    if (this.#suspicions.length === 0) return;
    const ripe = this.#suspicions.filter((suspicion) => suspicion.place < known);
    this.#suspicions = this.#suspicions.filter((suspicion) => suspicion.place >= known);
    for (const { record, other, again } of ripe) {
      if (this.#wasGivenUp(record)) continue;
      if (other === null) this.#convictAgain(record, again, now);
      else this.#court.connections.get(other.connection)?.suspect(other, null, again);
    }
  }

  /** To be held against the client if it has not given `record` up by the time it answers the next mark. */
  suspect(record: PushRecord, other: PushRecord | null, again: Place): void {
    if (this.#isExcused || this.#suspicions.length >= suspicionsMax) return;
    this.#suspicions.push({ record, place: this.#told(), other, again });
  }

  // ── requests and replies ───────────────────────────────────────────────────────────────────────────────────────

  request(streamId: number, request: PushRequest, body: Buffer, now: number): void {
    this.#court.seen.requests += 1;
    this.#court.sampler.requested(this.ordinal, now);
    const fault = formFault(request, body);
    if (fault !== null) this.#convict('frames-clean', now, streamId, () => fault);
    if (!this.#hasCertificate) this.#judgeAuthorization(request, streamId, now);
    const stream = this.#open.get(streamId);
    if (stream === undefined) return; // over already: reset or cut off by a GOAWAY
    stream.token = tokenOf(request.path) ?? '';
    stream.topic = fieldValue(request, 'apns-topic') ?? '';
    this.#judgeDevice(stream, streamId, now);
    this.#judgePush(stream, streamId, request, body, now);
  }

  replied(streamId: number, reply: SeenReply, now: number): void {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return;
    this.#open.delete(streamId);
    this.#replies += 1;
    this.#court.seen.replies += 1;
    this.#source.dials.served();
    const tookMs = Math.max(0, now - stream.openedAt);
    this.#court.sampler.replied(this.ordinal, this.#open.size, { status: reply.status, tookMs }, now);
    const place = this.#told();
    this.#answered[answeredSlot(streamId)] = { streamId, stream, place };
    this.#noteDevice(stream, reply, place, now);
    this.#notePush(stream, reply, place, now);
    this.#judgeRefusals(stream, reply, now);
    // The connection is no good, or its credential: replacing it is what Apple wants.
    if (reply.status === 403 || reply.status >= 500 || reply.reason === 'IdleTimeout') this.excuse();
  }

  #judgeAuthorization(request: PushRequest, streamId: number, now: number): void {
    const authorization = fieldValue(request, 'authorization');
    if (authorization === null) return;
    const isFirst = this.#tokens.firstKeyId === null;
    const { team, token } = this.#tokens.carried(authorization, now);
    if (isFirst && this.#tokens.firstKeyId !== null) {
      this.#court.sampler.credentialSeen(this.ordinal, this.#tokens.firstKeyId);
    }
    if (team !== null) this.#convict('one-team', now, streamId, () => team);
    if (token !== null) this.#convict('provider-token-steady', now, streamId, () => token);
  }

  #judgeDevice(stream: OpenStream, streamId: number, now: number): void {
    if (stream.token === '') return; // a broadcast: no device
    const fact = this.#court.devices.find(stream.token, stream.topic);
    if (fact === null || !knew(this.proof, fact, stream.knowing)) return;
    if (fact.kind === 'dead') {
      this.#convict('dead-tokens-stay-dead', now, streamId, () => `${redacted(stream.token)} was answered 410 before`);
    } else if (fact.kind === 'refused') {
      stream.isRepeat = true;
    } else if (now + timerSlackMs < fact.untilMs) {
      const earlyMs = fact.untilMs - now;
      this.#convict(
        'device-not-flooded',
        now,
        streamId,
        () => `${redacted(stream.token)} was answered 429 and pushed to ${earlyMs} ms too early`,
      );
    }
  }

  #judgePush(stream: OpenStream, streamId: number, request: PushRequest, body: Buffer, now: number): void {
    const apnsId = fieldValue(request, 'apns-id') ?? fieldValue(request, 'apns-request-id');
    const record = new PushRecord(this.proof, this.ordinal, streamId);
    stream.record = record;
    const before = this.#court.pushes.replace(apnsId ?? anonymousKey(request, body), record);
    if (before?.state !== 'retryable') this.#source.retries.first(now);
    if (before === null) return;
    const here: Place = { connection: this.ordinal, stream: streamId };
    if (before.state === 'retryable') this.#judgeRetry(before, here, now);
    // Without an id nobody can tell a push sent twice from two pushes that say the same.
    else if (apnsId !== null && before.state !== 'excused') this.#judgeAgain(before, record, here, now);
  }

  /** It was answered, and may come again: not before its time, and not too often. */
  #judgeRetry(before: PushRecord, here: Place, now: number): void {
    if (now + timerSlackMs < before.notBeforeMs && knew(this.proof, before)) {
      const earlyMs = Math.round(before.notBeforeMs - now);
      const text = (): string =>
        `sent again ${earlyMs} ms too early after ${before.status} on connection ${before.connection}`;
      this.#court.docket.convict('retries-budgeted', now, here, text);
    }
    const fault = before.status === 429 || before.status >= 500 ? this.#source.retries.again(now) : null;
    if (fault !== null) this.#court.docket.convict('retries-budgeted', now, here, () => fault);
  }

  /** It was answered for good, or is not answered yet. */
  #judgeAgain(before: PushRecord, record: PushRecord, here: Place, now: number): void {
    if (before.state === 'final' && knew(this.proof, before)) {
      this.#convictAgain(before, here, now);
      return;
    }
    const owner = this.#court.connections.get(before.connection);
    if (owner === undefined || owner.#isExcused) return; // its connection is gone or going: the answer may be lost
    if (owner === this) {
      // Frames of one connection come in order: a reset would have been seen.
      if (!this.#wasGivenUp(before)) this.#convictAgain(before, here, now);
    } else owner.suspect(before, record, here);
  }

  #wasGivenUp(record: PushRecord): boolean {
    return record.state === 'excused' || record.state === 'retryable';
  }

  #convictAgain(before: PushRecord, here: Place, now: number): void {
    const what = before.state === 'final' ? `was answered ${before.status}` : 'waits for its answer';
    const text = (): string => `the same apns-id ${what} on connection ${before.connection}, stream ${before.streamId}`;
    this.#court.docket.convict('retries-budgeted', now, here, text);
  }

  #noteDevice(stream: OpenStream, { status, reason, retryAfter }: SeenReply, place: number, now: number): void {
    if (stream.token === '') return; // as above
    const { devices, limits } = this.#court;
    let kind: DeviceFact['kind'];
    let untilMs = 0;
    if (status === 410 || reason === 'ExpiredToken') kind = 'dead';
    else if (refusedForGood.has(reason)) kind = 'refused';
    else if (status === 429 && reason === 'TooManyRequests') {
      kind = 'throttled';
      untilMs = now + Math.min(limits.retryAfterMaxMs, retryAfterMs(retryAfter, now) ?? limits.deviceDelayMs);
    } else {
      if (status === 200) this.#forgive(stream);
      return;
    }
    const known = devices.find(stream.token, stream.topic)?.kind;
    if (known === 'dead') return; // it stays so, whatever else is said of it
    if (known === 'refused' && kind === 'refused') return; // who knew it knows it still: said again, it would have to be proven anew
    devices.note(stream.token, { kind, topic: stream.topic, by: this.proof, place, untilMs });
    this.#factAt = place;
  }

  /** An accepted push ends what was held against its token, but death. */
  #forgive({ token, topic }: OpenStream): void {
    const fact = this.#court.devices.find(token, topic);
    if (fact !== null && fact.kind !== 'dead') this.#court.devices.forgetTopic(token, topic);
  }

  #notePush({ record }: OpenStream, reply: SeenReply, place: number, now: number): void {
    if (record === null) return;
    const notBeforeMs = mayComeAgainAt(reply, this.#court.limits, now);
    record.state = notBeforeMs === null ? 'final' : 'retryable';
    record.place = place;
    record.status = reply.status;
    record.notBeforeMs = notBeforeMs ?? 0;
  }

  #judgeRefusals(stream: OpenStream, reply: SeenReply, now: number): void {
    const share = this.#refusals.replied(reply.status, stream.isRepeat);
    if (share === null) return;
    const { fault, notice } = share;
    const here: Place = { connection: this.ordinal, stream: null };
    if (fault !== null && this.#isProbation()) this.#court.docket.note('errors-rare', now, here, () => fault);
    else if (fault !== null) this.#convict('errors-rare', now, null, () => fault);
    if (notice !== null) this.#court.docket.note('errors-rare', now, here, () => notice);
  }

  /** The client keeps what it knows to be refused out of another connection: then this is where it put that, and others do not suffer. */
  #isProbation(): boolean {
    for (const other of this.#court.connections.values()) {
      if (other !== this && other.#source === this.#source && other.#refusals.keepsRepeatsOut) return true;
    }
    return false;
  }

  /** No answer of ours can hold this push back. False: the stream was over already. */
  #unanswered(streamId: number, now: number): boolean {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return false;
    if (stream.record !== null) stream.record.state = 'excused';
    this.#open.delete(streamId);
    this.#court.sampler.unanswered(this.ordinal, this.#open.size, now);
    return true;
  }

  #sampleLimit(now: number): void {
    this.#court.sampler.limitKnown(this.ordinal, this.#limit.current(this.#hasCertificate), now);
  }

  /** Something was written that a mark should follow. */
  #told(): number {
    this.#toldAt = this.#court.order.next();
    return this.#toldAt;
  }

  #convict(rule: RuleId, now: number, stream: number | null, text: () => string): void {
    this.#court.docket.convict(rule, now, { connection: this.ordinal, stream }, text);
  }
}

/** The ids of a client's streams are odd. */
function answeredSlot(streamId: number): number {
  return (streamId >>> 1) % answeredKept;
}
