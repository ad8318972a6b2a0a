/**
 * The connections to one gateway with one identity. Capacity is pulled: whenever a connection has room, the pool asks its
 * owner to fill it; nothing waits here. Dials pass a gate and back off; a connection that ends is replaced while there
 * is work.
 *
 *   work waits ──► wake() ──► end of turn ──► fill(connection, most) ──► flush
 *   bytes come ──► session ──► onReply… ──► fill(connection, most) ──► flush
 *
 * A connection in the pool:
 *
 *   dialled ──► connecting ──SETTINGS──► usable ──► retiring ──replacement usable──► draining ──► closed ──► gone
 *                   │                      └── GOAWAY, drain(), retire() ──────────────▲            ▲
 *                   └── GOAWAY, no SETTINGS, lost: a failed dial ────────────────────────────────────┘
 */
import type { GoAwayNotice, Reply, SessionClosure, StreamFailure } from '@carillon/session';
import { AddressBook } from './address-book.ts';
import { systemClock } from './clock.ts';
import type { Clock, Timer } from './clock.ts';
import { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection.ts';
import { queuedDialGate } from './dial-gate.ts';
import type { DialGate } from './dial-gate.ts';
import { tlsDialer } from './dialer.ts';
import type { Dialed, Dialer } from './dialer.ts';
import { Dials } from './dials.ts';
import type { DialsOwner } from './dials.ts';
import { endpointOf } from './endpoint.ts';
import { TransportError } from './errors.ts';
import { LatencyFloors } from './latency-floor.ts';
import { defaultPoolPolicy } from './pool-policy.ts';
import type { PoolPolicy } from './pool-policy.ts';
import type { ProxyTarget } from './proxy.ts';
import { systemRandom } from './random.ts';
import type { Random } from './random.ts';
import { findIdle, isOfNoUse, isPastItsTime } from './retirement.ts';
import { surfaceBug } from './surface-bug.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity;
  /** Every connection goes through it. */
  readonly proxy?: ProxyTarget;
  readonly policy?: Partial<PoolPolicy>;
  readonly dialer?: Dialer;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Share one between pools that dial the same gateway. */
  readonly gate?: DialGate;
}

/**
 * The owner of the work. `fill` opens at most `most` streams on `connection` and says whether more work waits. An owner
 * that throws is a bug: the error surfaces as an uncaught exception, and the pool goes on.
 */
export interface PoolWork {
  fill(connection: Connection, most: number): boolean;
  /** Asked before a connection is dialled: does work wait that it could carry now? Without it: whatever `fill` said last. */
  isWaiting?(): boolean;
  /** Asked before a connection that ends is replaced: does the owner hold everything back for now, and wakes us after? */
  isHeldBack?(): boolean;
  onReply(connection: Connection, tag: number, reply: Reply): void;
  onFailure(connection: Connection, tag: number, failure: StreamFailure): void;
  onNotice(notice: PoolNotice): void;
}

/**
 * What happens to connections, for logs, events and for giving up. `dial-failed` is also what becomes of a connection
 * that ends before it could carry a stream; of one that was `opened` comes one `closed`.
 */
export type PoolNotice =
  | { readonly kind: 'opened'; readonly connection: Connection }
  | { readonly kind: 'dial-failed'; readonly error: TransportError; readonly failures: number }
  | { readonly kind: 'goaway'; readonly connection: Connection; readonly notice: GoAwayNotice }
  | { readonly kind: 'closed'; readonly connection: Connection; readonly closure: SessionClosure };

export interface PoolStats {
  readonly connections: number;
  readonly usable: number;
  readonly dialing: number;
  readonly openStreams: number;
  readonly dials: number;
  readonly dialFailures: number;
  readonly bytesHeld: number;
}

/** Session timers are looked at this often; they are seconds long. */
const tickMs = 100;
/** Streams opened in one visit when several connections share the work, so that the first does not take it all. */
const shareMost = 64;
/** An overloaded gateway answers late; one that has said nothing for so long may be gone. */
const silentMs = 1000;
/** A connection that carried something so lately is replaced when it ends, though nothing waits just now. */
const inUseMs = 10_000;
/** RFC 9113 §7. */
const enhanceYourCalm = 0xb;
/** What ENHANCE_YOUR_CALM counts as: the next dial waits up to base × 2^4, 8 s by default. */
const calmWeight = 5;

export class Pool implements ConnectionOwner, DialsOwner {
  readonly host: string;
  readonly port: number;
  readonly #endpoint: string;
  readonly #policy: PoolPolicy;
  readonly #work: PoolWork;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dials: Dials;
  readonly #addresses: AddressBook;
  readonly #floors: LatencyFloors;
  /** Those whose session lives. */
  readonly #connections: Connection[] = [];
  /** Closed, and the socket is not gone yet. */
  readonly #lingering = new Set<Connection>();
  #dialFailures = 0;
  #ticker: Timer | null = null;
  /** Monotonic ms at which it is due. */
  #tickAt = 0;
  #isTurnDue = false;
  /** Work waits, as the owner said last. */
  #hasWork = false;
  /** Monotonic ms since when work has waited with no slot anywhere; NaN: it does not. */
  #starvedSince = NaN;
  /** A connection with this id or a higher one takes over from those that are retiring; Infinity: none is. */
  #takesOverFrom = Infinity;
  #nextId = 1;
  #state: 'running' | 'draining' | 'closed' = 'running';
  #onEmpty: (() => void)[] = [];
  /** Why the pool has no usable connection, as far as known. */
  lastError: string | null = null;

  constructor(options: PoolOptions, work: PoolWork) {
    this.host = options.host;
    this.port = options.port;
    this.#endpoint = endpointOf(options.host, options.port);
    this.#policy = { ...defaultPoolPolicy, ...options.policy };
    this.#work = work;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#addresses = new AddressBook(this.#random);
    this.#floors = new LatencyFloors(this.#policy.limiter.floorWindowMs);
    const { host, port, tls, proxy } = options;
    const target = {
      host,
      port,
      tls,
      ...(proxy === undefined ? {} : { proxy }),
      timeoutMs: this.#policy.dialTimeoutMs,
      order: this.#order,
      onAddressFailed: this.#onAddressFailed,
    };
    const parts = {
      dialer: options.dialer ?? tlsDialer(),
      gate: options.gate ?? queuedDialGate(this.#policy.dialGate, this.#clock),
      clock: this.#clock,
      random: this.#random,
    };
    this.#dials = new Dials({ endpoint: this.#endpoint, target, policy: this.#policy, ...parts }, this);
  }

  get connections(): readonly Connection[] {
    return this.#connections;
  }

  /** Work waits: it is offered to the connections at the end of this turn, and a connection is dialled if there is none. */
  wake(): void {
    this.#hasWork = true;
    this.#offerSoon();
  }

  stats(): PoolStats {
    let usable = 0;
    let openStreams = 0;
    let bytesHeld = 0;
    for (const connection of this.#connections) {
      if (connection.isUsable) usable++;
      openStreams += connection.openStreams;
      bytesHeld += connection.bytesHeld;
    }
    return {
      connections: this.#connections.length,
      usable,
      dialing: this.#dials.isPending ? 1 : 0,
      openStreams,
      dials: this.#dials.begun,
      dialFailures: this.#dialFailures,
      bytesHeld,
    };
  }

  /** Opens no more streams; resolves when every open stream has ended and every socket is gone. */
  async drain(): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining';
    this.#dials.stop();
    for (const connection of [...this.#connections]) connection.drain();
    await this.#empty();
    this.#state = 'closed';
  }

  /** Closes every connection now; their open streams fail as cancelled before this returns. Resolves when the sockets are gone. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#dials.stop();
    for (const connection of [...this.#connections]) connection.close();
    await this.#empty();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Replaces a connection that the peer no longer serves well: no new streams on it, another is dialled if it was in use. */
  retire(connection: Connection): void {
    if (!connection.isUsable) return;
    connection.drain();
    // An owner that retires the connections of a credential which nobody takes wants no others for it.
    if (!this.#isHeldBack()) this.#replaceEnding(connection);
  }

  // ── what dials bring ──────────────────────────────────────────────────────────────────────────────────────────────

  onDialed(dialed: Dialed): void {
    const { endpoint, policy, clock } = { endpoint: this.#endpoint, policy: this.#policy, clock: this.#clock };
    const floor = this.#floors.of(dialed.address);
    const options = { id: this.#nextId++, endpoint, policy, jitter: this.#random.next(), floor, clock };
    const connection = new Connection(dialed, options, this);
    this.#connections.push(connection);
    this.#addresses.opened(connection.address);
    connection.start();
    this.#startTicker();
  }

  onDialFailed(error: TransportError): void {
    this.#dialFailures++;
    this.#dials.failed();
    this.lastError = error.message;
    this.#notify({ kind: 'dial-failed', error, failures: this.#dials.failures });
    this.#offerSoon();
  }

  readonly #order: NonNullable<Parameters<Dialer['dial']>[0]['order']> = (addresses) =>
    this.#addresses.order(addresses, this.#clock.now());

  readonly #onAddressFailed = (address: string): void => this.#addresses.failed(address, this.#clock.now());

  // ── what connections tell ─────────────────────────────────────────────────────────────────────────────────────────

  onUsable(connection: Connection): void {
    this.#notify({ kind: 'opened', connection });
    if (connection.id >= this.#takesOverFrom) this.#finishRetiring();
    // Its slots count first: whether work still waits afterwards shows from now on.
    if (!Number.isNaN(this.#starvedSince)) this.#starvedSince = connection.now;
  }

  onTurn(connection: Connection): void {
    if (this.#state !== 'running' || !connection.isUsable) return;
    const most = this.#connections.length === 1 ? Infinity : Math.max(shareMost, connection.openStreams);
    const before = connection.streamsOpened;
    const waits = this.#fill(connection, most);
    if (waits && connection.streamsOpened - before >= most) {
      // Its share is used up, not its slots: the rest goes to whoever is least loaded.
      this.#hasWork = true;
      this.#offerSoon();
    } else this.#note(waits, connection.now);
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    connection.replies++;
    if (connection.replies === 1) this.#proved();
    try {
      this.#work.onReply(connection, tag, reply);
    } catch (error) {
      surfaceBug(error);
    }
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    try {
      this.#work.onFailure(connection, tag, failure);
    } catch (error) {
      surfaceBug(error);
    }
  }

  onGoAway(connection: Connection, notice: GoAwayNotice): void {
    this.#notify({ kind: 'goaway', connection, notice });
    // Before SETTINGS it is the end of a failed dial, which is counted when it closes.
    if (!connection.wasUsable) return;
    if (notice.errorCode !== 0) this.#dials.failed(notice.errorCode === enhanceYourCalm ? calmWeight : 1);
    this.#replaceEnding(connection);
  }

  onClosed(connection: Connection, closure: SessionClosure): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    this.#lingering.add(connection);
    this.#addresses.closed(connection.address);
    if (closure.kind !== 'local') this.lastError = closure.message;
    if (isFruitless(connection, closure)) {
      this.#addresses.failed(connection.address, connection.now);
      if (connection.wasUsable) this.#dials.failed();
    }
    if (connection.wasUsable) this.#notify({ kind: 'closed', connection, closure });
    else if (closure.kind !== 'local') this.onDialFailed(openingError(connection, closure));
    if (connection.wasUsable && closure.kind !== 'local') this.#replaceEnding(connection);
  }

  onGone(connection: Connection): void {
    this.#lingering.delete(connection);
    this.#settleEmpty();
  }

  // ── work meets slots ──────────────────────────────────────────────────────────────────────────────────────────────

  #offerSoon(): void {
    if (this.#isTurnDue || this.#state !== 'running') return;
    this.#isTurnDue = true;
    this.#clock.endOfTurn(this.#offer);
  }

  readonly #offer = (): void => {
    this.#isTurnDue = false;
    if (this.#state !== 'running' || !this.#hasWork) return;
    const now = this.#clock.now();
    const usable = this.#connections.filter((connection) => connection.isUsable);
    // Least loaded first, in rounds: each gets a share, until the work or the slots are at an end.
    usable.sort((a, b) => a.openStreams - b.openStreams);
    const most = usable.length === 1 ? Infinity : shareMost;
    let waits = true;
    let progress = true;
    while (waits && progress) {
      progress = false;
      for (const connection of usable) {
        // The owner may have closed it, or everything, meanwhile.
        if (!connection.isUsable) continue;
        connection.now = now;
        const before = connection.streamsOpened;
        waits = this.#fill(connection, most);
        if (connection.streamsOpened > before) progress = true;
        if (!waits) break;
      }
    }
    for (const connection of usable) connection.flush();
    this.#note(waits, now);
  };

  #fill(connection: Connection, most: number): boolean {
    try {
      return this.#work.fill(connection, most);
    } catch (error) {
      surfaceBug(error);
      return false;
    }
  }

  /** `waits`: the owner has more, and nobody has a slot for it. */
  #note(waits: boolean, now: number): void {
    this.#hasWork = waits;
    if (waits) this.#starve(now);
    else this.#starvedSince = NaN;
  }

  /** With no connection one is dialled at once; with some when it has lasted. One at a time, for one may be enough. */
  #starve(now: number): void {
    if (this.#state !== 'running') return;
    if (Number.isNaN(this.#starvedSince)) this.#starvedSince = now;
    this.#startTicker();
    if (this.#isOneComing()) return;
    let usable = 0;
    for (const connection of this.#connections) {
      if (!connection.isUsable) continue;
      // An overload is no reason for more connections, and one that is starting has not shown yet what it can carry.
      const heardAt = Math.max(connection.endedAt, this.#starvedSince);
      if (connection.isHeldByLimiter && now - heardAt < silentMs) return;
      usable++;
    }
    if (usable >= this.#policy.connectionsMax) return;
    if (usable > 0 && now - this.#starvedSince < this.#policy.growAfterMs) return;
    if (this.#isHeldBack()) {
      // Held back by its owner, who wakes us when that is over: no connection would help.
      this.#hasWork = false;
      this.#starvedSince = NaN;
      return;
    }
    this.#starvedSince = now;
    this.#dials.request();
  }

  /** The owner says that nothing waits that could go now. */
  #isHeldBack(): boolean {
    try {
      return this.#work.isWaiting?.() === false;
    } catch (error) {
      surfaceBug(error);
      return false;
    }
  }

  #isOneComing(): boolean {
    if (this.#dials.isPending) return true;
    for (const connection of this.#connections) if (connection.isConnecting) return true;
    return false;
  }

  /** A first reply: the gateway is there and takes us. */
  #proved(): void {
    this.lastError = null;
    if (this.#state === 'running') this.#dials.succeeded();
  }

  // ── replacing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `connection` opens no more. If it was in use the next one is dialled now, while its last streams end. */
  #replaceEnding(connection: Connection): void {
    const { now } = connection;
    const isInUse = connection.openStreams > 0 || (connection.streamsOpened > 0 && now - connection.usedAt < inUseMs);
    const isOnly = !this.#connections.some((one) => one.isUsable);
    const isWanted = isInUse && isOnly && this.#work.isHeldBack?.() !== true;
    if (this.#state === 'running' && isWanted && !this.#isOneComing()) this.#dials.request();
    this.#offerSoon();
  }

  /** Those whose time is over go on until another one, dialled from now on, can carry streams. */
  #retirePastTheirTime(now: number): void {
    const isStarved = !Number.isNaN(this.#starvedSince);
    for (const connection of this.#connections) {
      if (connection.isRetiring || !connection.isUsable) continue;
      const isUseless = isStarved && isOfNoUse(connection, now, this.#policy);
      if (!isUseless && !isPastItsTime(connection, now)) continue;
      // It never answered: the next dial has to back off, or a gateway that is slower than our patience meets a storm.
      if (isUseless && connection.replies === 0) this.#dials.failed();
      connection.isRetiring = true;
      this.#takesOverFrom = this.#nextId;
    }
    if (this.#takesOverFrom === Infinity || this.#isOneComing()) return;
    if (this.#connections.some((connection) => connection.isRetiring)) this.#dials.request();
    else this.#takesOverFrom = Infinity;
  }

  #finishRetiring(): void {
    this.#takesOverFrom = Infinity;
    for (const connection of [...this.#connections])
      if (connection.isRetiring && connection.isUsable) connection.drain();
  }

  #shrink(now: number): void {
    const usable = this.#connections.filter((connection) => connection.isUsable);
    if (usable.length > this.#policy.connectionsMin) findIdle(usable, now, this.#policy)?.drain();
  }

  // ── time, and the end ─────────────────────────────────────────────────────────────────────────────────────────────

  #startTicker(): void {
    if (this.#ticker !== null) return;
    if (this.#connections.length === 0 && Number.isNaN(this.#starvedSince)) return;
    this.#tickAt = this.#clock.now() + tickMs;
    this.#ticker = this.#clock.setTimer(tickMs, this.#tick);
  }

  readonly #tick = (): void => {
    this.#ticker = null;
    const now = this.#clock.now();
    const lateMs = now - this.#tickAt;
    for (const connection of [...this.#connections]) connection.tick(now, lateMs);
    if (this.#state === 'running') {
      this.#retirePastTheirTime(now);
      this.#shrink(now);
      if (!Number.isNaN(this.#starvedSince)) this.#offerSoon();
    }
    this.#startTicker();
  };

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
      this.#settleEmpty();
    });
  }

  #settleEmpty(): void {
    if (this.#state === 'running' || this.#connections.length > 0 || this.#lingering.size > 0) return;
    this.#starvedSince = NaN;
    this.#ticker?.cancel();
    this.#ticker = null;
    const waiting = this.#onEmpty;
    this.#onEmpty = [];
    for (const resolve of waiting) resolve();
  }

  #notify(notice: PoolNotice): void {
    try {
      this.#work.onNotice(notice);
    } catch (error) {
      surfaceBug(error);
    }
  }
}

/** It ended without having carried anything, and not because it lay idle until the peer tired of it: a failed dial. */
function isFruitless(connection: Connection, closure: SessionClosure): boolean {
  if (closure.kind === 'local' || connection.replies > 0) return false;
  return connection.streamsOpened > 0 || connection.now - connection.openedAt < inUseMs;
}

/** Why a connection ended that never carried a stream. */
function openingError(connection: Connection, closure: SessionClosure): TransportError {
  const { endpoint, transportError } = connection;
  if (closure.kind === 'transport') {
    if (transportError !== null) return transportError;
    return new TransportError('ERR_TRANSPORT_CLOSED', endpoint, 'the gateway ended the connection before its SETTINGS');
  }
  const reason = closure.reason === null ? '' : ` (reason ${closure.reason})`;
  return new TransportError('ERR_TRANSPORT_HTTP2', endpoint, `${closure.message}${reason}, before the first request`);
}
