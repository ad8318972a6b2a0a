/**
 * The connections to one gateway with one identity. Capacity is pulled: whenever a connection has room, the pool asks its
 * owner to fill it; nothing waits here. Dials pass a gate and back off; a connection that ends is replaced while there
 * is work.
 *
 *   work waits ──► wake() ──► end of turn ──► fill(connection, most) ──► flush
 *   bytes come ──► session ──► onReply… ──► fill(connection, most) ──► flush
 */
import type { GoAwayNotice, Reply, SessionClosure, StreamFailure } from '@carillon/session';
import { AddressBook } from './address-book.ts';
import { fullJitterMs } from './backoff.ts';
import { systemClock } from './clock.ts';
import type { Clock, Timer } from './clock.ts';
import { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection.ts';
import { queuedDialGate } from './dial-gate.ts';
import type { DialGate } from './dial-gate.ts';
import { tlsDialer } from './dialer.ts';
import type { Dialed, Dialer, DialTarget, TlsIdentity } from './dialer.ts';
import { translateTransportError } from './errors.ts';
import type { TransportError } from './errors.ts';
import { defaultPoolPolicy } from './pool-policy.ts';
import type { PoolPolicy } from './pool-policy.ts';
import { systemRandom } from './random.ts';
import type { Random } from './random.ts';

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity;
  readonly policy?: Partial<PoolPolicy>;
  readonly dialer?: Dialer;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly gate?: DialGate;
}

/** The owner of the work. `fill` opens at most `most` streams on `connection` and says whether more work waits. */
export interface PoolWork {
  fill(connection: Connection, most: number): boolean;
  onReply(connection: Connection, tag: number, reply: Reply): void;
  onFailure(connection: Connection, tag: number, failure: StreamFailure): void;
  onNotice(notice: PoolNotice): void;
}

/** What happens to connections, for logs, events and for giving up. */
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

export class Pool implements ConnectionOwner {
  readonly host: string;
  readonly port: number;
  readonly #tls: TlsIdentity;
  readonly #policy: PoolPolicy;
  readonly #work: PoolWork;
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #gate: DialGate;
  readonly #connections: Connection[] = [];
  readonly #addresses: AddressBook;
  readonly #abort = new AbortController();
  #dialing = 0;
  #dials = 0;
  #dialFailures = 0;
  /** In a row; a connection that becomes usable and lives sets it back. */
  #failures = 0;
  #backoff: Timer | null = null;
  #ticker: Timer | null = null;
  #isTurnDue = false;
  /** Some connection is retiring and waits for its replacement. */
  #isReplacing = false;
  /** Monotonic ms since when work has waited with no slot anywhere; 0: it does not. */
  #starvedSince = 0;
  #nextId = 1;
  #state: 'running' | 'draining' | 'closed' = 'running';
  #onIdle: (() => void)[] = [];
  /** Why the pool has no usable connection, as far as known. */
  lastError: string | null = null;

  constructor(options: PoolOptions, work: PoolWork) {
    this.host = options.host;
    this.port = options.port;
    this.#tls = options.tls;
    this.#policy = { ...defaultPoolPolicy, ...options.policy };
    this.#work = work;
    this.#dialer = options.dialer ?? tlsDialer();
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#addresses = new AddressBook(this.#random);
    this.#gate = options.gate ?? queuedDialGate(this.#policy.dialGate);
  }

  /** Work waits: it is offered to the connections at the end of this turn, and a connection is dialled if there is none. */
  wake(): void {
    if (this.#isTurnDue || this.#state !== 'running') return;
    this.#isTurnDue = true;
    this.#clock.endOfTurn(this.#offer);
  }

  get connections(): readonly Connection[] {
    return this.#connections;
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
    const { length } = this.#connections;
    const counts = { dialing: this.#dialing, dials: this.#dials, dialFailures: this.#dialFailures };
    return { connections: length, usable, openStreams, bytesHeld, ...counts };
  }

  /** Opens no more streams; resolves when every open stream has ended and every connection is closed. */
  async drain(): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining';
    this.#stopDialing();
    for (const connection of [...this.#connections]) connection.drain();
    await this.#idle();
    this.#state = 'closed';
  }

  /** Closes every connection now; their open streams fail as cancelled before this resolves. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#stopDialing();
    for (const connection of [...this.#connections]) connection.close();
    await this.#idle();
  }

  /** Replaces a connection that the peer no longer serves well: no new streams on it, another is dialled when needed. */
  retire(connection: Connection): void {
    if (connection.isUsable) connection.drain();
    this.wake();
  }

  onTurn(connection: Connection): void {
    if (this.#state !== 'running' || !connection.isUsable) return;
    if (this.#isReplacing && !connection.isRetiring) this.#finishReplacing();
    const most = this.#connections.length === 1 ? Infinity : Math.max(shareMost, connection.openStreams);
    const waits = this.#work.fill(connection, most);
    if (waits) this.#starve(connection.now);
    else this.#starvedSince = 0;
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    this.#failures = 0;
    connection.replies++;
    this.#work.onReply(connection, tag, reply);
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    this.#work.onFailure(connection, tag, failure);
  }

  onGoAway(connection: Connection, notice: GoAwayNotice): void {
    this.#work.onNotice({ kind: 'goaway', connection, notice });
    // The replacement is dialled while the last streams of this one end.
    this.wake();
  }

  onClosed(connection: Connection, closure: SessionClosure): void {
    const at = this.#connections.indexOf(connection);
    if (at >= 0) this.#connections.splice(at, 1);
    this.#addresses.closed(connection.address);
    if (connection.replies === 0 && closure.kind !== 'local') this.#addresses.failed(connection.address, connection.now);
    // A connection that never carried a reply counts as a failed dial: the next one backs off.
    if (closure.kind !== 'local') this.lastError = closure.message;
    if (closure.kind !== 'local' && connection.replies === 0) this.#failures++;
    this.#work.onNotice({ kind: 'closed', connection, closure });
    this.wake();
    this.#settleIdle();
  }

  readonly #offer = (): void => {
    this.#isTurnDue = false;
    if (this.#state !== 'running') return;
    const now = this.#clock.now();
    const usable = this.#connections.filter((connection) => connection.isUsable);
    // Least loaded first, in rounds: each gets a share, until the work or the slots are at an end.
    usable.sort((a, b) => a.openStreams - b.openStreams);
    let waits = true;
    let progress = true;
    while (waits && progress && usable.length > 0) {
      progress = false;
      for (const connection of usable) {
        connection.now = now;
        const before = connection.streamsOpened;
        waits = this.#work.fill(connection, usable.length === 1 ? Infinity : shareMost);
        if (connection.streamsOpened > before) progress = true;
        if (!waits) break;
      }
    }
    for (const connection of usable) connection.flush();
    if (waits) this.#starve(now);
    else this.#starvedSince = 0;
    this.#startTicker();
  };

  /** Its time is over: another one is dialled first, and takes over once it can carry streams. */
  #replace(connection: Connection): void {
    if (connection.isRetiring || !connection.isUsable || this.#state !== 'running') return;
    connection.isRetiring = true;
    this.#isReplacing = true;
    this.#dial();
  }

  /** A connection that is not retiring carries streams: those that are may end. */
  #finishReplacing(): void {
    this.#isReplacing = false;
    for (const connection of [...this.#connections]) if (connection.isRetiring && connection.isUsable) connection.drain();
  }

  /** One connection stays, however idle: it is kept alive by PINGs. */
  #shrink(now: number): void {
    const usable = this.#connections.filter((connection) => connection.isUsable);
    if (usable.length <= 1) return;
    const idle = usable.find((connection) => connection.openStreams === 0 && now - connection.usedAt >= this.#policy.shrinkAfterMs);
    idle?.drain();
  }

  /** Work waits and no slot is free: with no connection one is dialled at once, with some when it has lasted. */
  #starve(now: number): void {
    if (this.#starvedSince === 0) this.#starvedSince = now;
    const alive = this.#connections.filter((connection) => connection.isUsable || connection.session.state === 'connecting').length;
    if (alive + this.#dialing >= this.#policy.connectionsMax) return;
    if (alive + this.#dialing === 0 || now - this.#starvedSince >= this.#policy.growAfterMs) {
      this.#starvedSince = now;
      this.#dial();
    }
  }

  #dial(): void {
    if (this.#backoff !== null || this.#state !== 'running') return;
    if (this.#failures > 0) {
      const delayMs = fullJitterMs(this.#failures, this.#policy.dialBackoff, this.#random);
      this.#backoff = this.#clock.setTimer(delayMs, () => {
        this.#backoff = null;
        void this.#dialNow();
      });
      this.#dialing++;
      return;
    }
    this.#dialing++;
    void this.#dialNow();
  }

  /** Never rejects: its failures become notices. */
  async #dialNow(): Promise<void> {
    const endpoint = `${this.host}:${this.port}`;
    this.#dials++;
    const target: DialTarget = {
      host: this.host,
      port: this.port,
      tls: this.#tls,
      timeoutMs: this.#policy.dialTimeoutMs,
      order: (addresses) => this.#addresses.order(addresses, this.#clock.now()),
      onAddressFailed: (address) => this.#addresses.failed(address, this.#clock.now()),
    };
    try {
      const dialed = await this.#gate.pass(() => this.#dialer.dial(target, this.#abort.signal), this.#abort.signal);
      this.#dialing--;
      if (this.#state !== 'running') {
        dialed.stream.destroy();
        return;
      }
      this.#adopt(dialed, endpoint);
    } catch (cause) {
      this.#dialing--;
      if (this.#state !== 'running') return;
      const error = translateTransportError(cause, endpoint);
      this.#dialFailures++;
      this.#failures++;
      this.lastError = error.message;
        this.#work.onNotice({ kind: 'dial-failed', error, failures: this.#failures });
      this.wake();
    } finally {
      this.#settleIdle();
    }
  }

  #adopt(dialed: Dialed, endpoint: string): void {
    const jitter = this.#random.next();
    const connection = new Connection(this.#nextId++, dialed, endpoint, this.#policy, jitter, this.#clock, this);
    this.#connections.push(connection);
    this.#addresses.opened(connection.address);
    this.#startTicker();
    this.#work.onNotice({ kind: 'opened', connection });
  }

  #stopDialing(): void {
    this.#abort.abort(new Error('the pool is closing'));
    if (this.#backoff !== null) {
      this.#backoff.cancel();
      this.#backoff = null;
      this.#dialing--;
    }
  }

  #startTicker(): void {
    if (this.#ticker !== null || (this.#connections.length === 0 && this.#starvedSince === 0)) return;
    this.#ticker = this.#clock.setTimer(tickMs, this.#tick);
  }

  readonly #tick = (): void => {
    this.#ticker = null;
    const now = this.#clock.now();
    for (const connection of [...this.#connections]) {
      if (connection.wakeAt() <= now) connection.tick(now);
      if (now >= connection.retireAt || connection.streamsOpened >= connection.requestsMax) this.#replace(connection);
    }
    this.#shrink(now);
    if (this.#starvedSince !== 0) this.wake();
    this.#startTicker();
  };

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#settleIdle();
    });
  }

  #settleIdle(): void {
    if (this.#connections.length > 0 || this.#dialing > 0 || this.#onIdle.length === 0) return;
    this.#ticker?.cancel();
    this.#ticker = null;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}
