/**
 * An outlet: one credential in one environment, that is a pool, and the lanes that feed it. It fills the pool's
 * connections, and takes what comes back from them to where it belongs.
 */
import { findReason, judge, parseReplyBody, reactionsTo } from '@carillon/apns';
import type { Abandonment, ApnsId, ProviderTokenSource, Retry } from '@carillon/apns';
import { Pool } from '@carillon/pool';
import type { Connection, PoolNotice, PoolOptions, PoolWork, Reply, StreamFailure, Timer } from '@carillon/pool';
import { fillConnection } from './attempt.ts';
import { Binding } from './binding.ts';
import { CredentialWatch } from './credential-state.ts';
import { DelayHeap } from './delay-heap.ts';
import { FairTurns } from './fair-turns.ts';
import { HeadTable } from './head.ts';
import { Lane } from './lane.ts';
import type { Outcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push, Sink } from './push.ts';
import { abandon, settleFailure, settleRetry } from './settle.ts';
import type { Settlement } from './settle.ts';

/** After the rate cap stopped a connection it is filled again this much later: some dozens of pushes at a time. */
const rateTurnMs = 10;
/** A push that is sent in its turn meets its deadline there; those that stand still are looked through this often. */
const expireEveryMs = 1000;

export class Outlet implements PoolWork {
  readonly endpoint: string;
  readonly pool: Pool;
  readonly heads: HeadTable;
  readonly #pipeline: Pipeline;
  readonly #tokens: ProviderTokenSource | null;
  readonly #authority: string;
  readonly #turns = new FairTurns();
  readonly #delays = new DelayHeap();
  readonly #credential = new CredentialWatch();
  #onWire = 0;
  #rateTimer: Timer | null = null;
  /** Monotonic ms of the last answer, or since when work has waited for one. */
  #signAt = 0;
  #expireAt = 0;

  /** `tokens` is null for a client certificate, which is in `pool`. */
  constructor(pool: PoolOptions, authority: string, tokens: ProviderTokenSource | null, pipeline: Pipeline) {
    this.endpoint = `${pool.host}:${pool.port}`;
    this.#authority = authority;
    this.#tokens = tokens;
    this.#pipeline = pipeline;
    this.heads = new HeadTable(pipeline.settings.limits.headsMax);
    this.pool = new Pool(pool, this);
  }

  addLane(name: string): Lane {
    const lane = new Lane(name);
    this.#turns.add(lane);
    return lane;
  }

  get waiting(): number {
    let depth = 0;
    for (const lane of this.#turns.lanes) depth += lane.depth;
    return depth;
  }

  get onWire(): number {
    return this.#onWire;
  }

  get delayed(): number {
    return this.#delays.size;
  }

  /** Work has come into a lane. */
  wake(): void {
    if (this.#onWire === 0) this.#signAt = this.#pipeline.clock.now();
    this.pool.wake();
  }

  fill(connection: Connection, most: number): boolean {
    const { now } = connection;
    if (this.#credential.isParked(now)) return false;
    const binding = this.#bindingOf(connection);
    binding.refresh(now, this.#pipeline.clock.epochMs());
    const before = connection.streamsOpened;
    const end = fillConnection(connection, binding, this.#turns, this.#pipeline, most, this.#onExpired);
    this.#onWire += connection.streamsOpened - before;
    if (end === 'rate') this.#fillLater();
    return end === 'no-slot' || end === 'share';
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    const pipeline = this.#pipeline;
    const push = pipeline.pushes.at(tag);
    this.#onWire--;
    this.#signAt = connection.now;
    if (reply.status === 200) {
      this.#trust(connection);
      pipeline.finish(push, acceptedBy(reply, push), reply.latencyMs);
      return;
    }
    const { reason, timestampMs } = parseReplyBody(reply.body, 0, reply.bodyLength);
    const facts = { status: reply.status, reason, timestampMs, retryAfter: reply.header('retry-after') };
    const { clock, settings } = pipeline;
    const verdict = judge(facts, {
      nowMs: clock.epochMs(),
      attempt: push.attempts,
      serverErrorDelayMs: settings.serverErrorDelayMs,
    });
    switch (verdict.kind) {
      case 'accepted':
        this.#trust(connection);
        pipeline.finish(push, acceptedBy(reply, push), reply.latencyMs);
        return;
      case 'rejected':
      case 'unregistered':
        // Refused for its own faults: the credential was fine.
        this.#trust(connection);
        pipeline.finish(push, verdict, reply.latencyMs);
        return;
      case 'retry':
        this.#react(connection, verdict);
        this.#place(push, settleRetry(push, verdict, connection.now, pipeline));
    }
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    const push = this.#pipeline.pushes.at(tag);
    this.#onWire--;
    this.#place(push, settleFailure(push, failure, this.#pipeline));
    this.pool.wake();
    // The slot that became free is used at the end of this turn; `connection` may be closing.
    void connection;
  }

  onNotice(notice: PoolNotice): void {
    const { emit } = this.#pipeline;
    const { endpoint } = this;
    switch (notice.kind) {
      case 'opened':
        emit({ kind: 'connection-opened', endpoint, address: notice.connection.address, connection: notice.connection.id });
        return;
      case 'dial-failed': {
        const { code, message } = notice.error;
        emit({ kind: 'dial-failed', endpoint, code, message, failures: notice.failures });
        return;
      }
      case 'goaway': {
        const { reason, text: message } = notice.notice;
        emit({ kind: 'goaway', endpoint, connection: notice.connection.id, reason, message });
        if (reason !== null && findReason(reason)?.blame === 'credential') this.#credentialRefused(reason);
        return;
      }
      case 'closed': {
        const { kind: because, message } = notice.closure;
        const { id, streamsOpened } = notice.connection;
        emit({ kind: 'connection-closed', endpoint, connection: id, because, message, pushes: streamsOpened });
      }
    }
  }

  /** Runs what is due, every `tickMs` while there are jobs: delayed pushes, deadlines, giving up. */
  tick(now: number): void {
    let woken = false;
    for (let push = this.#delays.takeDue(now); push !== null; push = this.#delays.takeDue(now)) {
      push.head.app.lane.add(push);
      woken = true;
    }
    if (woken) this.wake();
    if (now >= this.#expireAt) {
      this.#expireAt = now + expireEveryMs;
      for (const lane of this.#turns.lanes) lane.takeIf((push) => push.deadlineAt <= now, this.#onExpired);
    }
    this.#giveUp(now);
  }

  /** Abandons the pushes of `sink` that are not on the wire. */
  cancel(sink: Sink): void {
    const give = (push: Push): void => {
      abandon(push, 'cancelled', this.#pipeline);
    };
    for (const lane of this.#turns.lanes) lane.takeIf((push) => push.sink === sink, give);
    for (const push of this.#delays.takeIf((waiting) => waiting.sink === sink)) give(push);
  }

  /** Abandons everything that is not on the wire. */
  abandonWaiting(because: Abandonment, message?: string): number {
    let count = 0;
    for (const lane of this.#turns.lanes) {
      for (const push of lane.takeAll()) {
        abandon(push, because, this.#pipeline, message);
        count++;
      }
    }
    if (because === 'shutdown' || because === 'cancelled') {
      for (const push of this.#delays.takeAll()) {
        abandon(push, because, this.#pipeline, message);
        count++;
      }
    }
    return count;
  }

  #giveUp(now: number): void {
    const { settings, emit } = this.#pipeline;
    const { waiting, endpoint } = this;
    if (waiting === 0) return;
    if (this.#credential.isParked(now)) {
      if (settings.onCredentialFault === 'park') return;
      const { state } = this.#credential;
      const reason = state.kind === 'parked' ? state.reason : 'unknown';
      this.abandonWaiting('credential', `APNs refuses the credential: ${reason}`);
      return;
    }
    if (now - this.#signAt < settings.giveUpAfterMs || this.#isRateBound()) return;
    const seconds = Math.round(settings.giveUpAfterMs / 1000);
    const message = `no answer from ${endpoint} for ${seconds} s; last: ${this.pool.lastError ?? 'silence'}`;
    const abandoned = this.abandonWaiting('unreachable', message);
    emit({ kind: 'unreachable', endpoint, message, abandoned });
  }

  /** Work waits because of our own rate cap, while a connection would take it. */
  #isRateBound(): boolean {
    return this.#rateTimer !== null && this.pool.connections.some((connection) => connection.slots(4096) > 0);
  }

  #react(connection: Connection, verdict: Retry): void {
    for (const reaction of reactionsTo(verdict)) {
      switch (reaction) {
        case 'replace-connection':
          this.pool.retire(connection);
          break;
        case 'renew-provider-token':
        case 'park-credential':
          // Once a connection: what else was in flight on it gets the same answer.
          if (connection.isUsable) this.#credentialRefused(verdict.reason);
          this.pool.retire(connection);
          break;
        case 'hold-provider-token': {
          const wait = (verdict.notBefore ?? 0) - this.#pipeline.clock.epochMs();
          this.#credential.hold(verdict.reason, connection.now + Math.max(0, wait));
          break;
        }
        default:
          // Ledgers, breakers and cooling come with their issues; the delay in the verdict is obeyed meanwhile.
          break;
      }
    }
  }

  #credentialRefused(reason: string): void {
    if (!this.#credential.refused(reason)) return;
    const { endpoint, waiting } = this;
    const message = `APNs refuses the credential (${reason}); ${waiting} pushes wait`;
    this.#pipeline.emit({ kind: 'credential-fault', endpoint, reason, message, waiting });
  }

  #trust(connection: Connection): void {
    const binding = this.#bindingOf(connection);
    if (binding.isTrusted) return;
    binding.isTrusted = true;
    this.#credential.accepted();
    connection.releaseProbe();
  }

  #place(push: Push, settlement: Settlement): void {
    if (settlement.kind === 'again') push.head.app.lane.addFirst(push);
    else if (settlement.kind === 'later') this.#delays.add(push, settlement.at);
  }

  #bindingOf(connection: Connection): Binding {
    if (connection.binding === null) connection.binding = new Binding(connection, this.#authority, this.#tokens);
    return connection.binding as Binding; // nobody else writes there
  }

  #fillLater(): void {
    if (this.#rateTimer !== null) return;
    this.#rateTimer = this.#pipeline.clock.setTimer(rateTurnMs, () => {
      this.#rateTimer = null;
      this.pool.wake();
    });
  }

  readonly #onExpired = (push: Push): void => {
    abandon(push, 'deadline', this.#pipeline);
  };
}

function acceptedBy(reply: Reply, push: Push): Outcome {
  const given = reply.header('apns-id');
  // We always send an id, so APNs echoes ours; a gateway that names none, or something that is no UUID, changes nothing.
  const apnsId = given !== null && given.length === 36 ? (given as ApnsId) : push.arena.apnsId(push.at);
  const uniqueId = reply.header('apns-unique-id');
  return uniqueId === null ? { kind: 'accepted', apnsId } : { kind: 'accepted', apnsId, uniqueId };
}
