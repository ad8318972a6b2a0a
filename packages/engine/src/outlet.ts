/**
 * An outlet: one credential in one environment, that is a pool, and the lanes that feed it. It fills the pool's
 * connections, takes what comes back to where it belongs, and reacts to what a verdict says of connection, credential
 * and gateway.
 */
import { findReason, reactionsTo } from '@carillon/apns';
import type { Abandonment, Verdict } from '@carillon/apns';
import { Pool } from '@carillon/pool';
import type { Connection, PoolNotice, PoolOptions, PoolWork, Reply, StreamFailure, Timer } from '@carillon/pool';
import { fillConnection } from './attempt.ts';
import { Binding } from './binding.ts';
import { Breaker, gatewayBreaker, topicBreaker } from './breaker.ts';
import type { BreakerState } from './breaker.ts';
import { clockSkew, CredentialWatch } from './credential-state.ts';
import type { CredentialState } from './credential-state.ts';
import { FairTurns } from './fair-turns.ts';
import type { Lane } from './lane.ts';
import { expireEveryMs } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';
import { ReasonCounts } from './reason-counts.ts';
import { acceptedOutcome, judgeReply } from './reply.ts';
import { settleFailure, settleRetry } from './settle.ts';
import type { TokenSource } from './signer.ts';

/** After a rate cap stopped a connection it is filled again this much later: some dozens of pushes at a time. */
const rateTurnMs = 10;
/** Ticks come every 100 ms; one that is so late found the event loop starved. */
const lateTickMs = 1000;

export class Outlet implements PoolWork {
  readonly endpoint: string;
  readonly pool: Pool;
  readonly reasons: ReasonCounts = new ReasonCounts();
  readonly #pipeline: Pipeline;
  readonly #tokens: TokenSource | null;
  readonly #authority: string;
  readonly #turns = new FairTurns();
  readonly #credential = new CredentialWatch();
  readonly #breaker: Breaker;
  #onWire = 0;
  #fillTimer: Timer | null = null;
  /** Monotonic ms at which it fires. */
  #fillAt = 0;
  /** Monotonic ms of the last answer, or since when work has waited for one, not counting what we held back ourselves. */
  #signAt = 0;
  #expireAt = 0;
  /** Monotonic ms at which work was last abandoned as unreachable. */
  #gaveUpAt = -Infinity;
  /** Monotonic ms: the signer failed, and there is no provider token before. */
  #noTokenUntil = 0;
  /** Monotonic ms of the last tick. */
  #tickAt = 0;
  /** As the last tick saw it. */
  #wasParked = false;
  /** Nothing waits and nothing is on the wire, as the last tick saw it. */
  #isIdle = true;

  /** `tokens` is null for a client certificate, which is in `pool`. */
  constructor(pool: PoolOptions, authority: string, tokens: TokenSource | null, pipeline: Pipeline) {
    this.endpoint = `${pool.host}:${pool.port}`;
    this.#authority = authority;
    this.#tokens = tokens;
    this.#pipeline = pipeline;
    this.#breaker = new Breaker(gatewayBreaker, pipeline.random);
    this.pool = new Pool(pool, this);
  }

  get health(): { readonly credential: CredentialState['kind']; readonly breaker: BreakerState } {
    const credential = this.isHeldBack() ? 'parked' : this.#credential.state.kind;
    return { credential, breaker: this.#breaker.state };
  }

  get lanes(): readonly Lane[] {
    return this.#turns.lanes;
  }

  addLane(lane: Lane): void {
    this.#turns.add(lane);
    if (lane.depth > 0) this.wake();
  }

  removeLane(lane: Lane): void {
    this.#turns.remove(lane);
  }

  get waiting(): number {
    let depth = 0;
    for (const lane of this.#turns.lanes) depth += lane.depth;
    return depth;
  }

  get onWire(): number {
    return this.#onWire;
  }

  /** Work has come into a lane. */
  wake(): void {
    if (this.#isIdle) {
      this.#isIdle = false;
      const now = this.#pipeline.clock.now();
      // What comes just after we gave up need not wait as long again: nothing has changed.
      if (now - this.#gaveUpAt > this.#pipeline.settings.giveUpAfterMs) this.#signAt = now;
    }
    this.pool.wake();
  }

  fill(connection: Connection, most: number): boolean {
    const { now } = connection;
    if (this.#isParked(now)) return false;
    const room = this.#breaker.room(now);
    if (room === 0) {
      if (this.waiting > 0) this.#fillLater(Math.max(rateTurnMs, this.#breaker.until - now));
      return false;
    }
    const binding = this.#bindingOf(connection);
    if (!binding.refresh(now, this.#pipeline.clock)) return false;
    const before = connection.streamsOpened;
    const end = fillConnection(connection, binding, this.#turns, this.#pipeline, Math.min(most, room));
    const opened = connection.streamsOpened - before;
    this.#onWire += opened;
    if (opened > 0) this.#breaker.passed(now);
    if (end === 'rate') this.#fillLater(rateTurnMs);
    return end === 'no-slot' || (end === 'share' && room === Infinity);
  }

  /** A connection would be of use: something waits, and neither a pause nor a parked credential holds it. */
  isWaiting(): boolean {
    if (this.isHeldBack()) return false;
    return this.#turns.lanes.some((lane) => lane.depth > 0 && !lane.isPaused);
  }

  /** No connection would be of use: the credential is parked. */
  isHeldBack(): boolean {
    return this.#isParked(this.#pipeline.clock.now());
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    const pipeline = this.#pipeline;
    const push = pipeline.pushes.at(tag);
    this.#onWire--;
    this.#signAt = connection.now;
    pipeline.turnAt = connection.now;
    this.#bindingOf(connection).latency.record(reply.latencyMs);
    if (reply.status === 200) {
      this.#succeeded(connection, push);
      pipeline.finish(push, acceptedOutcome(reply, push), reply.latencyMs);
      return;
    }
    const verdict = judgeReply(reply, push, pipeline);
    if (verdict.kind !== 'accepted') {
      this.reasons.add(verdict.reason);
      this.#bindingOf(connection).reasons.add(verdict.reason);
    }
    this.#react(connection, push, verdict);
    switch (verdict.kind) {
      case 'accepted':
        this.#succeeded(connection, push);
        pipeline.finish(push, acceptedOutcome(reply, push), reply.latencyMs);
        return;
      case 'rejected':
      case 'unregistered':
        // Refused for its own faults: credential and gateway are fine, and so is its topic unless that was it.
        this.#trust(connection);
        this.#breaker.succeeded();
        if (!reactionsTo(verdict).includes('break-topic')) push.head.breaker?.succeeded();
        pipeline.finish(push, verdict, reply.latencyMs);
        return;
      case 'retry':
        settleRetry(push, verdict, connection.now, pipeline);
    }
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    const push = this.#pipeline.pushes.at(tag);
    this.#onWire--;
    settleFailure(push, failure, connection.now, this.#pipeline);
  }

  onNotice(notice: PoolNotice): void {
    const { emit } = this.#pipeline;
    const { endpoint } = this;
    switch (notice.kind) {
      case 'opened':
        emit({
          kind: 'connection-opened',
          endpoint,
          address: notice.connection.address,
          connection: notice.connection.id,
        });
        return;
      case 'dial-failed': {
        const { code, message } = notice.error;
        emit({ kind: 'dial-failed', endpoint, code, message, failures: notice.failures });
        return;
      }
      case 'goaway': {
        const { reason, text: message } = notice.notice;
        emit({ kind: 'goaway', endpoint, connection: notice.connection.id, reason, message });
        if (reason !== null && findReason(reason)?.blame === 'credential')
          this.#credentialRefused(reason, notice.connection);
        return;
      }
      case 'closed': {
        const { kind: because, message } = notice.closure;
        const { id, streamsOpened } = notice.connection;
        emit({ kind: 'connection-closed', endpoint, connection: id, because, message, pushes: streamsOpened });
      }
    }
  }

  /** Runs what is due while there are jobs: deadlines, giving up. */
  tick(now: number): void {
    if (now >= this.#expireAt) {
      this.#expireAt = now + expireEveryMs;
      for (const lane of this.#turns.lanes) {
        lane.takeIf(
          (push) => push.deadlineAt <= now,
          (push) => this.#pipeline.abandon(push, 'deadline'),
        );
      }
    }
    const isParked = this.#isParked(now);
    // A time to be held is over, and nothing else would tell the pool.
    if (this.#wasParked && !isParked) this.pool.wake();
    this.#wasParked = isParked;
    // Time in which our own event loop was starved does not count: answers may lie in the sockets.
    const lateMs = now - this.#tickAt;
    if (lateMs > lateTickMs) this.#signAt = Math.min(now, this.#signAt + lateMs);
    this.#tickAt = now;
    for (const lane of this.#turns.lanes) lane.sending.look(lane.sent, now);
    this.#giveUp(now);
    if (this.#onWire === 0 && this.waiting === 0) this.#isIdle = true;
  }

  /** Abandons the pushes that wait here and whose sinks are cancelled. */
  sweep(): void {
    for (const lane of this.#turns.lanes) {
      lane.takeIf(
        (push) => push.sink.isCancelled,
        (push) => this.#pipeline.abandon(push, 'cancelled'),
      );
    }
  }

  /** The credential was put right. */
  trustAgain(): void {
    this.#credential.accepted();
    this.onToken();
  }

  /** The signer gave a token. */
  onToken(): void {
    this.#noTokenUntil = 0;
    this.wake();
  }

  /** The signer gave none, and is asked again at `again`, monotonic ms. Without an older token the work is parked until then. */
  onNoToken(again: number): void {
    if (this.#tokens?.isEmpty === true) this.#noTokenUntil = again;
  }

  /** Opens no more streams; resolves when the last has ended and the connections are closed. */
  async drain(): Promise<void> {
    await this.pool.drain();
    this.#fillTimer?.cancel();
  }

  /** Closes the connections now; what is on the wire is abandoned before this resolves. */
  async close(): Promise<void> {
    this.#fillTimer?.cancel();
    await this.pool.close();
  }

  /** Abandons everything that waits here. */
  abandonWaiting(because: Abandonment, message?: string): number {
    let count = 0;
    for (const lane of this.#turns.lanes) {
      for (const push of lane.takeAll()) {
        this.#pipeline.abandon(push, because, message);
        count++;
      }
    }
    return count;
  }

  #giveUp(now: number): void {
    const { settings, emit } = this.#pipeline;
    const { waiting, endpoint } = this;
    if (waiting === 0) return;
    if (this.#isParked(now)) {
      this.#signAt = now;
      if (settings.onCredentialFault === 'park') return;
      this.abandonWaiting('credential', this.#parkedBecause());
      return;
    }
    if (this.#isHeldByUs(now)) {
      this.#signAt = now;
      return;
    }
    if (now - this.#signAt < settings.giveUpAfterMs) return;
    const seconds = Math.round(settings.giveUpAfterMs / 1000);
    const message = `no answer from ${endpoint} for ${seconds} s; last: ${this.pool.lastError ?? 'silence'}`;
    this.#gaveUpAt = now;
    const abandoned = this.abandonWaiting('unreachable', message);
    emit({ kind: 'unreachable', endpoint, message, abandoned });
  }

  /** What waits does so because of a pause, a rate cap or a breaker of ours, while a connection would take it. */
  #isHeldByUs(now: number): boolean {
    if (this.#breaker.state === 'open' && now < this.#breaker.until) return true;
    if (this.#tokens?.isAwaited === true) return true;
    if (this.#turns.lanes.every((lane) => lane.depth === 0 || lane.isPaused)) return true;
    const isCapped = this.#pipeline.rate?.has(now) === false || this.#turns.isRateBound;
    return isCapped && this.pool.connections.some((connection) => connection.slots(0) > 0);
  }

  #react(connection: Connection, push: Push, verdict: Verdict): void {
    const { now, isUsable } = connection;
    for (const reaction of reactionsTo(verdict)) {
      switch (reaction) {
        case 'replace-connection':
          this.pool.retire(connection);
          break;
        case 'renew-provider-token':
        case 'park-credential':
          // Once a connection, before it was retired: what else was in flight on it gets the same answer.
          if (isUsable && verdict.kind === 'retry') this.#credentialRefused(verdict.reason, connection);
          this.pool.retire(connection);
          break;
        case 'hold-provider-token':
          if (
            verdict.kind === 'retry' &&
            this.#credential.hold(verdict.reason, now + this.#waitOf(verdict.notBefore))
          ) {
            this.#reportParked();
          }
          break;
        case 'probe-gateway':
          if (this.#breaker.refused(now)) {
            const { endpoint, waiting } = this;
            const message = `${endpoint} answers with server errors; new pushes wait behind one probe`;
            this.#pipeline.emit({ kind: 'gateway-fault', endpoint, message, waiting });
          }
          break;
        case 'cool-device':
          if (verdict.kind === 'retry') {
            const until = now + this.#waitOf(verdict.notBefore);
            this.#pipeline.resting.set(push.head.scope, push.arena.token(push.at), until);
          }
          break;
        case 'forget-device':
          if (verdict.kind === 'unregistered') {
            this.#pipeline.dead.set(push.head.scope, push.arena.token(push.at), verdict.since);
          }
          break;
        case 'break-topic':
          this.#breakTopic(push, now, verdict.kind === 'rejected' ? verdict.reason : 'refused');
          break;
        case 'suspect-device':
          // Suspects get a connection of their own with the issue on conduct.
          break;
      }
    }
  }

  #waitOf(notBefore: number | undefined): number {
    return notBefore === undefined ? 0 : Math.max(0, notBefore - this.#pipeline.clock.epochMs());
  }

  #breakTopic(push: Push, now: number, reason: string): void {
    const { head } = push;
    head.breaker ??= new Breaker(topicBreaker, this.#pipeline.random);
    if (!head.breaker.refused(now)) return;
    const { endpoint } = this;
    const message = `APNs does not let this credential use topic ${head.topic} (${reason}); its pushes wait behind one probe`;
    this.#pipeline.emit({ kind: 'topic-fault', endpoint, app: head.app.name, topic: head.topic, reason, message });
  }

  #credentialRefused(reason: string, { openedAt, now }: Connection): void {
    if (this.#credential.refused(reason, openedAt, now)) this.#reportParked();
  }

  #reportParked(): void {
    const { endpoint, waiting } = this;
    const { reason } = this.#credential;
    const message = `${this.#parkedBecause()}; ${waiting} pushes wait`;
    this.#pipeline.emit({ kind: 'credential-fault', endpoint, reason, message, waiting });
  }

  #isParked(now: number): boolean {
    return now < this.#noTokenUntil || this.#credential.isParked(now);
  }

  #parkedBecause(): string {
    const { reason } = this.#credential;
    if (this.#pipeline.clock.now() < this.#noTokenUntil) return 'the signer gave no provider token';
    if (reason !== clockSkew) return `APNs refuses the credential (${reason})`;
    const ours = new Date(this.#pipeline.clock.epochMs()).toISOString();
    return (
      `APNs finds fresh provider tokens expired (${reason}): the clock that dates them, here ${ours}, is wrong; ` +
      'compare it with the time of an NTP server, put it right, and replace the credential by the same one'
    );
  }

  #succeeded(connection: Connection, push: Push): void {
    this.#trust(connection);
    this.#breaker.succeeded();
    push.head.breaker?.succeeded();
  }

  #trust(connection: Connection): void {
    const binding = this.#bindingOf(connection);
    if (binding.isTrusted) return;
    binding.isTrusted = true;
    this.#credential.accepted();
    connection.releaseProbe();
  }

  #bindingOf(connection: Connection): Binding {
    if (connection.binding === null) connection.binding = new Binding(connection, this.#authority, this.#tokens);
    return connection.binding as Binding; // nobody else writes there
  }

  #fillLater(delayMs: number): void {
    const { clock } = this.#pipeline;
    const at = clock.now() + delayMs;
    if (this.#fillTimer !== null) {
      if (this.#fillAt <= at) return;
      this.#fillTimer.cancel();
    }
    this.#fillAt = at;
    this.#fillTimer = clock.setTimer(delayMs, () => {
      this.#fillTimer = null;
      this.pool.wake();
    });
  }
}
