/**
 * A track: a pool of connections and the lanes that feed it. It fills connections, runs what is due for those that wait
 * here, and gives them up when the gateway gives no sign of life; what answers mean is its owner's business. An outlet has
 * one for clean pushes, and one for those on probation once there are any.
 */
import type { Abandonment } from '@carillon/apns';
import { Pool } from '@carillon/pool';
import type { Connection, PoolNotice, PoolOptions, PoolWork, Reply, StreamFailure, Timer } from '@carillon/pool';
import { fillConnection } from './attempt.ts';
import type { Binding } from './binding.ts';
import type { Breaker } from './breaker.ts';
import { FairTurns } from './fair-turns.ts';
import { expireEveryMs } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';
import { settleFailure } from './settle.ts';

/** After a rate cap stopped a connection it is filled again this much later: some dozens of pushes at a time. */
const rateTurnMs = 10;
/** Ticks come every 100 ms; one that is so late found the event loop starved. */
const lateTickMs = 1000;

/** The outlet: what its tracks have in common. */
export interface TrackOwner {
  /** Of the gateway. */
  readonly breaker: Breaker;
  /** A provider token is on its way. */
  readonly isTokenAwaited: boolean;
  bindingOf(connection: Connection): Binding;
  /** The credential is parked: no connection would be of use. */
  isParked(now: number): boolean;
  /** Why, for the receipts of what is given up. */
  parkedBecause(): string;
  onReply(track: Track, connection: Connection, push: Push, reply: Reply): void;
  onNotice(track: Track, notice: PoolNotice): void;
}

export class Track implements PoolWork {
  readonly isProbation: boolean;
  readonly pool: Pool;
  readonly turns: FairTurns = new FairTurns();
  readonly #endpoint: string;
  readonly #owner: TrackOwner;
  readonly #pipeline: Pipeline;
  #onWire = 0;
  #fillTimer: Timer | null = null;
  /** Monotonic ms at which it fires. */
  #fillAt = 0;
  /** Monotonic ms of the last answer, or since when work has waited for one, not counting what we held back ourselves. */
  #signAt = 0;
  #expireAt = 0;
  /** Monotonic ms at which work was last abandoned as unreachable. */
  #gaveUpAt = -Infinity;
  /** Monotonic ms of the last tick. */
  #tickAt = 0;
  /** As the last tick saw it. */
  #wasParked = false;
  /** Nothing waits and nothing is on the wire, as the last tick saw it. */
  #isIdle = true;

  constructor(options: PoolOptions, isProbation: boolean, owner: TrackOwner, pipeline: Pipeline) {
    this.isProbation = isProbation;
    this.#endpoint = `${options.host}:${options.port}`;
    this.#owner = owner;
    this.#pipeline = pipeline;
    this.pool = new Pool(options, this);
  }

  get waiting(): number {
    let depth = 0;
    for (const lane of this.turns.lanes) depth += lane.depth;
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
    const { breaker } = this.#owner;
    if (this.#owner.isParked(now)) return false;
    const room = breaker.room(now);
    if (room === 0) {
      if (this.waiting > 0) this.#fillLater(Math.max(rateTurnMs, breaker.until - now));
      return false;
    }
    const binding = this.#owner.bindingOf(connection);
    if (!binding.refresh(now, this.#pipeline.clock)) return false;
    const { share } = this.#pipeline.probation;
    const allowed = this.isProbation ? share.room(now) : Infinity;
    const before = connection.streamsOpened;
    const end =
      allowed === 0
        ? 'rate'
        : fillConnection(
            connection,
            binding,
            this.turns,
            this.#pipeline,
            Math.min(most, room, allowed),
            this.isProbation,
          );
    const opened = connection.streamsOpened - before;
    this.#onWire += opened;
    if (opened > 0) {
      breaker.passed(now);
      binding.used(now);
    }
    if (this.isProbation) share.sent(opened);
    else share.cleanSent(opened, end !== 'no-work' && this.turns.hasFresh, now);
    // Its share of a busy engine grows with what the others send.
    const isShort = end === 'share' && opened === allowed;
    if ((end === 'rate' || isShort) && this.waiting > 0) this.#fillLater(rateTurnMs);
    return end === 'no-slot' || (end === 'share' && room === Infinity && !isShort);
  }

  /** A connection would be of use: something waits, and neither a pause nor a parked credential holds it. */
  isWaiting(): boolean {
    if (this.isHeldBack()) return false;
    return this.turns.lanes.some((lane) => lane.depth > 0 && !lane.isPaused);
  }

  isHeldBack(): boolean {
    return this.#owner.isParked(this.#pipeline.clock.now());
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    this.#onWire--;
    this.#signAt = connection.now;
    this.#pipeline.turnAt = connection.now;
    this.#owner.onReply(this, connection, this.#pipeline.pushes.at(tag), reply);
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    const push = this.#pipeline.pushes.at(tag);
    this.#onWire--;
    settleFailure(push, failure, connection.now, this.#pipeline);
  }

  onNotice(notice: PoolNotice): void {
    this.#owner.onNotice(this, notice);
  }

  /** Runs what is due while there are jobs: deadlines, giving up. */
  tick(now: number): void {
    if (now >= this.#expireAt) {
      this.#expireAt = now + expireEveryMs;
      this.abandonIf((push) => push.deadlineAt <= now, 'deadline');
    }
    const isParked = this.#owner.isParked(now);
    // A time to be held is over, and nothing else would tell the pool.
    if (this.#wasParked && !isParked) this.pool.wake();
    this.#wasParked = isParked;
    // Time in which our own event loop was starved does not count: answers may lie in the sockets.
    const lateMs = now - this.#tickAt;
    if (lateMs > lateTickMs) this.#signAt = Math.min(now, this.#signAt + lateMs);
    this.#tickAt = now;
    for (const lane of this.turns.lanes) lane.sending.look(lane.sent, now);
    this.#giveUp(now);
    if (this.#onWire === 0 && this.waiting === 0) this.#isIdle = true;
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

  /** Abandons the pushes that wait here and that `isWanted` names. */
  abandonIf(isWanted: (push: Push) => boolean, because: Abandonment): void {
    for (const lane of this.turns.lanes) lane.takeIf(isWanted, (push) => this.#pipeline.abandon(push, because));
  }

  /** Abandons everything that waits here. */
  abandonWaiting(because: Abandonment, message?: string): number {
    let count = 0;
    for (const lane of this.turns.lanes) {
      for (const push of lane.takeAll()) {
        this.#pipeline.abandon(push, because, message);
        count++;
      }
    }
    return count;
  }

  #giveUp(now: number): void {
    const { settings, emit } = this.#pipeline;
    if (this.waiting === 0) return;
    if (this.#owner.isParked(now)) {
      this.#signAt = now;
      if (settings.onCredentialFault === 'park') return;
      this.abandonWaiting('credential', this.#owner.parkedBecause());
      return;
    }
    if (this.#isHeldByUs(now)) {
      this.#signAt = now;
      return;
    }
    if (now - this.#signAt < settings.giveUpAfterMs) return;
    const endpoint = this.#endpoint;
    const seconds = Math.round(settings.giveUpAfterMs / 1000);
    const message = `no answer from ${endpoint} for ${seconds} s; last: ${this.pool.lastError ?? 'silence'}`;
    this.#gaveUpAt = now;
    const abandoned = this.abandonWaiting('unreachable', message);
    emit({ kind: 'unreachable', endpoint, message, abandoned });
  }

  /** What waits does so because of a pause, a rate cap or a breaker of ours, while a connection would take it. */
  #isHeldByUs(now: number): boolean {
    const { breaker, isTokenAwaited } = this.#owner;
    if (breaker.state === 'open' && now < breaker.until) return true;
    if (isTokenAwaited) return true;
    if (this.turns.lanes.every((lane) => lane.depth === 0 || lane.isPaused)) return true;
    const isCapped = this.#pipeline.rate?.has(now) === false || this.turns.isRateBound;
    return isCapped && this.pool.connections.some((connection) => connection.slots(0) > 0);
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
