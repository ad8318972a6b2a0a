/**
 * One connection: a socket and a session joined. Bytes from the socket go into the session, what the session writes is
 * gathered in slabs and flushed once a turn, and the session's events go to the pool that owns the connection.
 *
 *   socket 'data' ──► session.receive ──► owner.onReply… ──► owner.onTurn (fills) ──► flush
 *
 * Per push: three calls and some field writes here; no allocation. Per chunk: one clock reading, one turn of the limiter.
 */
import { Session } from '@carillon/session';
import type {
  GoAwayNotice,
  HeaderTemplate,
  HpackEncoder,
  Reply,
  SessionClosure,
  SessionEvents,
  StreamFailure,
} from '@carillon/session';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from './clock.ts';
import type { Dialed } from './dialer.ts';
import { translateTransportError } from './errors.ts';
import type { TransportError } from './errors.ts';
import type { LatencyFloor } from './latency-floor.ts';
import type { PoolPolicy } from './pool-policy.ts';
import { SlabWriter } from './slab-writer.ts';
import { StreamLimiter } from './stream-limiter.ts';

/** Whom a connection tells. It must not throw. */
export interface ConnectionOwner {
  /** The peer's SETTINGS came: the connection can carry streams. At most once. */
  onUsable(connection: Connection): void;
  /** The moment to fill it: input was handled, or the socket has room again. */
  onTurn(connection: Connection): void;
  onReply(connection: Connection, tag: number, reply: Reply): void;
  onFailure(connection: Connection, tag: number, failure: StreamFailure): void;
  onGoAway(connection: Connection, notice: GoAwayNotice): void;
  /** The session is over: every stream has had its end. */
  onClosed(connection: Connection, closure: SessionClosure): void;
  /** The socket is gone too: the last of all calls. */
  onGone(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly endpoint: string;
  readonly policy: PoolPolicy;
  /** In [0, 1): shortens its life, so that connections opened together do not end together. */
  readonly jitter: number;
  /** Of its address. */
  readonly floor: LatencyFloor;
  readonly clock: Clock;
}

/** After the last frame was written the socket gets this long to send it, and the peer to close its side. */
const lingerMs = 1000;
/** A longer body is reset instead of read, whatever is kept of it (the session's default). */
const replyBodyCutBytes = 65_536;
/** Of the time between two ticks no more than this counts as the peer's: the rest is our own event loop's. */
const tickCountsMs = 500;
/** After a tick that came late, latencies say nothing of the gateway for two ticks. */
const starvedMs = 200;

export class Connection implements SessionEvents {
  readonly id: number;
  readonly address: string;
  readonly endpoint: string;
  /** Monotonic ms. */
  readonly openedAt: number;
  /** The owner of the pool keeps here what it knows of this connection (the engine: its header templates). */
  binding: unknown = null;
  /** The clock as read for the chunk or turn in hand. */
  now: number;
  /** Streams opened and replies received in all. */
  streamsOpened = 0;
  replies = 0;
  /** Monotonic ms of the last stream opened. */
  usedAt: number;
  /** When the pool replaces it: age, and requests. */
  readonly retireAt: number;
  readonly requestsMax: number;
  /** A replacement is on its way; it goes on carrying streams until that is there. */
  isRetiring = false;
  /** It could carry streams once. */
  wasUsable = false;
  /** How many streams it lets itself have, under the peer's limit. */
  readonly limiter: StreamLimiter;
  readonly #session: Session;
  readonly #socket: Duplex;
  readonly #writer: SlabWriter;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #stuckAfterMs: number;
  readonly #streamsMax: number;
  readonly #lateTickMs: number;
  /** Streams that had ended when the limiter was last told. */
  #endsTold = 0;
  #endedAt: number;
  #socketError: unknown = null;
  #linger: Timer | null = null;
  #isGone = false;
  /** For how long the socket has held bytes and taken none, as the ticks saw it. */
  #stuckMs = 0;
  #bytesTaken = 0;
  #tickedAt: number;

  constructor(dialed: Dialed, options: ConnectionOptions, owner: ConnectionOwner) {
    const { policy, clock } = options;
    this.id = options.id;
    this.address = dialed.address;
    this.endpoint = options.endpoint;
    this.#socket = dialed.stream;
    this.#owner = owner;
    this.#clock = clock;
    this.now = clock.now();
    this.openedAt = this.now;
    this.usedAt = this.now;
    this.#endedAt = this.now;
    this.#tickedAt = this.now;
    // As long as a request may take: by then everything that the stuck bytes asked for has timed out.
    this.#stuckAfterMs = policy.requestTimeoutMs;
    this.#streamsMax = policy.streamsMax;
    // Half of what the limiter tolerates: the rest of it is the gateway's.
    this.#lateTickMs = policy.limiter.latencyToleranceMs / 2;
    this.limiter = new StreamLimiter(policy.limiter, policy.streamsMax, options.floor, this.now, clock.epochMs());
    const life = 1 - 0.2 * options.jitter;
    this.retireAt = this.now + policy.ageMaxMs * life;
    this.requestsMax = policy.requestsMax * life;
    this.#writer = new SlabWriter(dialed.stream, policy.highWaterBytes, () => this.#turn());
    this.#session = new Session(
      {
        outbox: this.#writer,
        isProbing: policy.isProbing,
        streamsMax: policy.streamsMax,
        requestTimeoutMs: policy.requestTimeoutMs,
        bodyBytesMax: policy.replyBodyBytesMax,
        bodyBytesCancel: Math.max(replyBodyCutBytes, policy.replyBodyBytesMax),
      },
      this,
    );
    this.#session.limitStreams(this.limiter.streams);
  }

  /** Once, and first: listens to the socket and writes the opening. */
  start(): void {
    this.#listen();
    this.#session.start(this.now);
    this.#writer.flush();
    // A socket that broke between dialler and here has said so already, and will not again.
    if (!this.#socket.destroyed && !this.#socket.readableEnded) return;
    this.#socketError = this.#socket.errored;
    this.#clock.endOfTurn(() => this.#lost());
  }

  /** Room for streams with a body of `bodyBytes` right now: the peer's limit, the windows and the socket allow it. */
  slots(bodyBytes: number): number {
    return this.#writer.isFull ? 0 : this.#session.slots(bodyBytes);
  }

  /** Sends one request; false when there is no slot for it, and then nothing was written. */
  open(
    template: HeaderTemplate,
    bytes: Buffer,
    spans: Int32Array,
    spansAt: number,
    bodyStart: number,
    bodyEnd: number,
    tag: number,
  ): boolean {
    if (this.#writer.isFull) return false;
    const id = this.#session.open(template, bytes, spans, spansAt, bodyStart, bodyEnd, tag, this.now);
    if (id === 0) return false;
    this.streamsOpened++;
    this.usedAt = this.now;
    return true;
  }

  get encoder(): HpackEncoder {
    return this.#session.encoder;
  }

  get openStreams(): number {
    return this.#session.openStreams;
  }

  get isUsable(): boolean {
    const { state } = this.#session;
    return state === 'open' || state === 'probing';
  }

  /** TLS stands, the peer's SETTINGS have not come. */
  get isConnecting(): boolean {
    return this.#session.state === 'connecting';
  }

  get isClosed(): boolean {
    return this.#session.state === 'closed';
  }

  /** The session, for figures (`counters`, windows, round trip); streams are opened through the connection. */
  get session(): Session {
    return this.#session;
  }

  get bytesHeld(): number {
    return this.#writer.bytesHeld;
  }

  /** What ended the socket, if it was an error. */
  get transportError(): TransportError | null {
    return this.#socketError === null ? null : translateTransportError(this.#socketError, this.endpoint);
  }

  /** Monotonic ms at which a stream last ended, or the connection was opened. */
  get endedAt(): number {
    return this.#endedAt;
  }

  /** Only its limiter keeps it from opening another stream: the peer would let it. */
  get isHeldByLimiter(): boolean {
    const { streams } = this.limiter;
    const { peer, openStreams } = this.#session;
    return openStreams >= streams && streams < Math.min(this.#streamsMax, peer.streamsMax);
  }

  /** The gateway answered that it has too much to do. To be called from `onReply`. */
  overloaded(): void {
    this.limiter.refused('overload');
  }

  /** A first reply proved that the peer trusts this connection: more than one stream may be open. */
  releaseProbe(): void {
    this.#session.probeSucceeded();
  }

  /** Hands gathered frames to the socket. The pool calls it after filling. */
  flush(): void {
    this.#writer.flush();
  }

  /** Runs what is due. To be called several times a second; `lateMs`: how much later than it was asked for. */
  tick(now: number, lateMs: number): void {
    this.now = now;
    if (lateMs > this.#lateTickMs) this.limiter.starved(now + starvedMs);
    if (this.#isStuck(now)) {
      this.#session.transportClosed(now, `the gateway has taken no bytes for ${this.#stuckAfterMs} ms`);
      return;
    }
    if (this.#session.wakeAt() > now) return;
    const inFlight = this.#session.openStreams;
    this.#session.tick(now);
    this.#adapt(inFlight);
    this.#writer.flush();
  }

  /** Opens no more streams; closes when the last one has ended. */
  drain(): void {
    this.now = this.#clock.now();
    this.#session.drain(this.now);
    this.#writer.flush();
  }

  /** Closes now; open streams fail as cancelled. */
  close(): void {
    this.now = this.#clock.now();
    this.#session.close(this.now);
    this.#writer.flush();
  }

  onReply(tag: number, reply: Reply): void {
    // A refusal may come sooner than an answer that cost work, and is no measure of it.
    if (reply.status < 300) this.limiter.answered(reply.latencyMs, this.now);
    this.#owner.onReply(this, tag, reply);
  }

  onFailure(tag: number, failure: StreamFailure): void {
    if (failure.kind === 'timeout') this.limiter.refused('timeout');
    else if (failure.kind === 'refused' && !this.#isAbovePeerLimit()) this.limiter.refused('refused');
    this.#owner.onFailure(this, tag, failure);
  }

  onSettings(): void {
    if (this.wasUsable || !this.isUsable) return;
    this.wasUsable = true;
    this.#owner.onUsable(this);
  }

  onGoAway(notice: GoAwayNotice): void {
    this.#owner.onGoAway(this, notice);
  }

  onPong(): void {
    // The session keeps the round trip; nobody waits for it here.
  }

  onClosed(closure: SessionClosure): void {
    this.#writer.flush();
    this.#writer.close();
    this.#owner.onClosed(this, closure);
    if (this.#isGone) return;
    this.#socket.end();
    this.#linger = this.#clock.setTimer(lingerMs, () => this.#gone());
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.now = this.#clock.now();
      const inFlight = this.#session.openStreams;
      this.#session.receive(chunk, this.now);
      this.#adapt(inFlight);
      this.#owner.onTurn(this);
      this.#writer.flush();
    });
    // Never taken off: an error without a listener ends the process, and a socket may fail as late as it likes. After a
    // broken TLS record Node emits 'error' and nothing else: the socket stays open, and deaf.
    socket.on('error', (error: unknown) => {
      this.#socketError ??= error;
      this.#lost();
    });
    socket.on('end', () => this.#lost());
    socket.on('close', () => this.#lost());
  }

  /** The socket has ended, failed or closed; whichever comes first counts. */
  #lost(): void {
    this.now = this.#clock.now();
    const message = this.transportError?.message ?? `${this.endpoint}: the gateway ended the connection`;
    this.#session.transportClosed(this.now, message);
    this.#gone();
  }

  /** Nothing is to come from the socket any more. */
  #gone(): void {
    this.#linger?.cancel();
    this.#linger = null;
    this.#socket.destroy();
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.onGone(this);
  }

  #turn(): void {
    this.now = this.#clock.now();
    this.#owner.onTurn(this);
    this.#writer.flush();
  }

  /** Tells the limiter what came, and the session what the limiter makes of it. */
  #adapt(inFlight: number): void {
    const { replies, failures } = this.#session.counters;
    const ends = replies + failures;
    if (ends === this.#endsTold) return;
    this.limiter.turn(this.now, inFlight, ends - this.#endsTold);
    this.#endsTold = ends;
    this.#endedAt = this.now;
    this.#session.limitStreams(this.limiter.streams);
  }

  /** The peer lowered its limit below what was open, and refuses what was on its way: that is no overload. */
  #isAbovePeerLimit(): boolean {
    const { openStreams, peer } = this.#session;
    return openStreams >= peer.streamsMax;
  }

  /** A peer may go on talking and never read: its bytes are no sign that ours get through. */
  #isStuck(now: number): boolean {
    const elapsed = Math.min(now - this.#tickedAt, tickCountsMs);
    this.#tickedAt = now;
    const { bytesTaken, bytesWritten } = this.#writer;
    this.#stuckMs = bytesTaken === this.#bytesTaken && bytesWritten > bytesTaken ? this.#stuckMs + elapsed : 0;
    this.#bytesTaken = bytesTaken;
    return this.#stuckMs >= this.#stuckAfterMs;
  }
}
