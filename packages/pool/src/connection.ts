/**
 * One connection: a socket and a session joined. Bytes from the socket go into the session, what the session writes is
 * gathered in slabs and flushed once a turn, and the session's events go to the pool that owns the connection.
 */
import { Session } from '@carillon/session';
import type {
  GoAwayNotice,
  HeaderTemplate,
  HpackEncoder,
  Reply,
  SessionClosure,
  SessionEvents,
  SessionOptions,
  StreamFailure,
} from '@carillon/session';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from './clock.ts';
import type { Dialed } from './dialer.ts';
import { translateTransportError } from './errors.ts';
import type { PoolPolicy } from './pool-policy.ts';
import { SlabWriter } from './slab-writer.ts';

/** Whom a connection tells. `onTurn` is the moment to fill it: input was handled, or the socket has room again. */
export interface ConnectionOwner {
  onTurn(connection: Connection): void;
  onReply(connection: Connection, tag: number, reply: Reply): void;
  onFailure(connection: Connection, tag: number, failure: StreamFailure): void;
  onGoAway(connection: Connection, notice: GoAwayNotice): void;
  onClosed(connection: Connection, closure: SessionClosure): void;
}

/** After GOAWAY was written the socket gets this long to send it. */
const lingerMs = 1000;

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
  readonly #session: Session;
  readonly #socket: Duplex;
  readonly #writer: SlabWriter;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  #socketError: unknown = null;
  #linger: Timer | null = null;

  /** `jitter` in [0, 1) shortens its life, so that connections opened together do not end together. */
  constructor(
    id: number,
    dialed: Dialed,
    endpoint: string,
    policy: PoolPolicy,
    jitter: number,
    clock: Clock,
    owner: ConnectionOwner,
  ) {
    this.id = id;
    this.address = dialed.address;
    this.endpoint = endpoint;
    this.#socket = dialed.stream;
    this.#owner = owner;
    this.#clock = clock;
    this.now = clock.now();
    this.openedAt = this.now;
    this.usedAt = this.now;
    const life = 1 - 0.2 * jitter;
    this.retireAt = this.now + policy.ageMaxMs * life;
    this.requestsMax = policy.requestsMax * life;
    this.#writer = new SlabWriter(dialed.stream, policy.highWaterBytes, () => this.#turn());
    const options: SessionOptions = {
      outbox: this.#writer,
      isProbing: policy.isProbing,
      streamsMax: policy.streamsMax,
      requestTimeoutMs: policy.requestTimeoutMs,
    };
    this.#session = new Session(options, this);
    this.#listen();
    this.#session.start(this.now);
    this.#writer.flush();
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

  /** A first reply proved that the peer trusts this connection: more than one stream may be open. */
  releaseProbe(): void {
    this.#session.probeSucceeded();
  }

  /** Hands gathered frames to the socket. The pool calls it after filling. */
  flush(): void {
    this.#writer.flush();
  }

  /** Runs what is due. */
  tick(now: number): void {
    this.now = now;
    this.#session.tick(now);
    this.#writer.flush();
  }

  wakeAt(): number {
    return this.#session.wakeAt();
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
    this.#owner.onReply(this, tag, reply);
  }

  onFailure(tag: number, failure: StreamFailure): void {
    this.#owner.onFailure(this, tag, failure);
  }

  onSettings(): void {
    // Limits may have moved; the turn that follows every chunk looks at them.
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
    this.#socket.end();
    this.#linger = this.#clock.setTimer(lingerMs, () => this.#socket.destroy());
    this.#owner.onClosed(this, closure);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.now = this.#clock.now();
      this.#session.receive(chunk, this.now);
      this.#owner.onTurn(this);
      this.#writer.flush();
    });
    socket.on('error', (error: unknown) => {
      this.#socketError = error;
    });
    socket.on('end', () => this.#transportClosed('the gateway ended the connection'));
    socket.on('close', () => {
      this.#transportClosed('the connection was closed');
      this.#linger?.cancel();
    });
  }

  #transportClosed(message: string): void {
    const error = this.#socketError;
    const text = error === null ? message : translateTransportError(error, this.endpoint).message;
    this.now = this.#clock.now();
    this.#session.transportClosed(this.now, text);
    this.#socket.destroy();
  }

  #turn(): void {
    this.now = this.#clock.now();
    this.#owner.onTurn(this);
    this.#writer.flush();
  }
}
