/**
 * Calls about channels, on their way to the management gateway: a queue and a pool of one connection, apart from the pushes,
 * for Apple has other hosts for them. Calls are few, so this is written for clarity: one object a call, one template a
 * request.
 *
 *   waiting ──slot──► on the wire ──reply──► answered, or refused
 *      ▲                   │
 *      └── surely not processed: again; lost: again unless it was `create`, which would make a second channel
 */
import { findReason, judgeChannelReply, parseReplyBody, channelPlan, channelReplyBytesMax } from '@carillon/apns';
import type { ChannelVerdict } from '@carillon/apns';
import { fullJitterMs, HeaderTemplate, Pool } from '@carillon/pool';
import type { Clock, Connection, PoolNotice, PoolOptions, PoolWork, Reply, StreamFailure, Timer } from '@carillon/pool';
import { Binding } from './binding.ts';
import type { ChannelCall } from './channel-call.ts';
import { refusals } from './channel-error.ts';
import { connectionEvent } from './connection-events.ts';
import { EngineClosedError } from './errors.ts';
import type { Pipeline } from './pipeline.ts';
import type { TokenSource } from './signer.ts';
import type { ChannelStats } from './stats.ts';
import { TokenBucket } from './token-bucket.ts';

/** Calls that wait or are on the wire. Each takes about 1 kB. Full: `ERR_CHANNEL_FULL`. */
const channelCallsMax = 1000;
/** Ours: Apple publishes no number. As many a second, and as many at once after a pause. */
const callsPerSecond = 10;
/** Each answer may take `channelReplyBytesMax` while it comes. */
const channelStreamsMax = 4;
/** Attempts that may have been processed; and, besides, those that surely were not. */
const attemptsMax = 3;
const resendsMax = 20;
const resendBackoff = { baseMs: 100, capMs: 5000 } as const;
/** How long the gateway has been silent is looked at this often. */
const tickMs = 250;
/** A connection without a call for this long is closed: calls come in bursts, days apart. */
const idleMs = 300_000;

const closedFirst = 'the engine was closed before the answer came';

/** What the pool is made of, but for its policy. */
export type ChannelPool = Omit<PoolOptions, 'policy'>;

export class ChannelOutlet implements PoolWork {
  readonly endpoint: string;
  readonly #options: ChannelPool;
  readonly #authority: string;
  readonly #tokens: TokenSource | null;
  readonly #pipeline: Pipeline;
  readonly #clock: Clock;
  readonly #rate: TokenBucket;
  /** Null: no call has come, or none for long. */
  #pool: Pool | null = null;
  /** In the order in which they go. */
  #waiting: ChannelCall[] = [];
  /** By tag. */
  readonly #onWire = new Map<number, ChannelCall>();
  /** Every call that has no end yet, with what takes its abort listener away. */
  readonly #calls = new Map<ChannelCall, () => void>();
  /** Pools let go for lack of calls, on their way to an end. */
  readonly #ending = new Set<Promise<void>>();
  #nextTag = 1;
  #ticker: Timer | null = null;
  #idleTimer: Timer | null = null;
  #fillTimer: Timer | null = null;
  /** Monotonic ms of the last answer, or since when calls have waited for one. */
  #signAt = 0;
  #onEmpty: (() => void)[] = [];

  constructor(options: ChannelPool, authority: string, tokens: TokenSource | null, pipeline: Pipeline) {
    this.endpoint = `${options.host}:${options.port}`;
    this.#options = options;
    this.#authority = authority;
    this.#tokens = tokens;
    this.#pipeline = pipeline;
    this.#clock = pipeline.clock;
    this.#rate = new TokenBucket(callsPerSecond, callsPerSecond, pipeline.clock.now());
  }

  /** Its promise settles, whatever comes. */
  call(call: ChannelCall): void {
    if (this.#calls.size >= channelCallsMax) {
      call.fail('ERR_CHANNEL_FULL', `${channelCallsMax} calls are under way; wait for some of them`);
      return;
    }
    if (this.#calls.size === 0) this.#begin();
    const { signal } = call;
    const onAbort = (): void => this.#cancel(call, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#calls.set(call, () => signal?.removeEventListener('abort', onAbort));
    this.#wait(call);
  }

  /** Since the first call; a connection that was closed for lack of calls counts no more. */
  stats(): ChannelStats {
    const { connections, dials, dialFailures } = this.#pool?.stats() ?? { connections: 0, dials: 0, dialFailures: 0 };
    return { calls: this.#calls.size, connections, dials, dialFailures };
  }

  /** A provider token is there. */
  wake(): void {
    if (this.#waiting.length > 0) this.#pool?.wake();
  }

  /** Resolves when no call is under way and the connection is closed. No call comes after. */
  async drain(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
    await this.#end((pool) => pool.drain());
  }

  /** Ends every call now. */
  async close(): Promise<void> {
    const onWire = new Set(this.#onWire.values());
    for (const call of [...this.#calls.keys()]) if (!onWire.has(call)) this.#endForClosing(call);
    // Those on the wire fail as cancelled.
    await this.#end((pool) => pool.close());
  }

  fill(connection: Connection, most: number): boolean {
    const { now } = connection;
    const binding = this.#bindingOf(connection);
    if (!binding.refresh(now, this.#clock)) return false; // `wake` comes with the token
    for (let left = most; left > 0 && this.#waiting.length > 0; left--) {
      const call = this.#waiting[0];
      const { bytes, spans, bodyStart } = call;
      if (connection.slots(bytes.length - bodyStart) === 0) return true;
      if (!this.#rate.tryTake(now)) {
        this.#fillLater(this.#rate.wakeAt(now) - now);
        return false;
      }
      const tag = this.#nextTag++;
      if (!connection.open(this.#templateFor(call, connection, binding), bytes, spans, 0, bodyStart, bytes.length, tag))
        return true;
      binding.used(now);
      this.#waiting.shift(); // at most `channelCallsMax`
      this.#onWire.set(tag, call);
    }
    return this.#waiting.length > 0;
  }

  isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    this.#signAt = connection.now;
    const call = this.#onWire.get(tag);
    this.#onWire.delete(tag);
    if (call === undefined) return; // given up by its caller
    const verdict = this.#judge(call, reply);
    this.#react(connection, verdict);
    call.attempts++;
    switch (verdict.kind) {
      case 'done':
      case 'absent':
        this.#settle(call, (one) =>
          one.succeed({
            isAbsent: verdict.kind === 'absent',
            channel: reply.header('apns-channel-id'),
            requestId: reply.header('apns-request-id'),
            body: reply.bodyText(),
            isCut: reply.isBodyTruncated,
          }),
        );
        return;
      case 'again':
        if (verdict.isToken && call.isTokenRenewed) {
          const message = `APNs finds a fresh provider token expired (${verdict.reason}): compare this machine's clock with an NTP server's`;
          this.#settle(call, (one) => one.fail('ERR_CHANNEL_CREDENTIAL', message, verdict));
          return;
        }
        call.isTokenRenewed ||= verdict.isToken;
        this.#resend(call, verdict.reason);
        return;
      case 'refused':
        this.#refuse(call, verdict);
    }
  }

  onFailure(_connection: Connection, tag: number, failure: StreamFailure): void {
    const call = this.#onWire.get(tag);
    this.#onWire.delete(tag);
    if (call === undefined) return;
    if (failure.processed === 'no') {
      if (failure.kind === 'cancelled') this.#endForClosing(call);
      else this.#resend(call, failure.message);
      return;
    }
    call.isAmbiguous = true;
    call.attempts++;
    if (failure.kind === 'cancelled') this.#lose(call, closedFirst);
    else if (!call.isIdempotent || call.attempts >= attemptsMax) this.#lose(call, failure.message);
    else this.#waitLater(call, call.attempts);
  }

  onNotice(notice: PoolNotice): void {
    this.#pipeline.emit(connectionEvent(notice, this.endpoint));
    if (notice.kind !== 'goaway') return;
    // A certificate of the other environment is refused so, before any answer.
    const { reason } = notice.notice;
    if (reason === null || findReason(reason)?.blame !== 'credential') return;
    for (const call of this.#waiting.splice(0)) {
      const message = `the gateway refuses the credential: ${reason}`;
      this.#settle(call, (one) => one.fail('ERR_CHANNEL_CREDENTIAL', message, { reason }));
    }
  }

  #judge(call: ChannelCall, reply: Reply): ChannelVerdict {
    const { reason, timestampMs } = parseReplyBody(reply.body, 0, reply.bodyLength);
    const facts = { status: reply.status, reason, timestampMs, retryAfter: reply.header('retry-after') };
    return judgeChannelReply(call.operation, facts, this.#clock.epochMs());
  }

  /** What a reply says of its connection. */
  #react(connection: Connection, verdict: ChannelVerdict): void {
    if (verdict.kind === 'again' || (verdict.kind === 'refused' && verdict.spoilsConnection)) {
      this.#pool?.retire(connection);
      return;
    }
    const binding = this.#bindingOf(connection);
    if (binding.isTrusted) return;
    binding.isTrusted = true;
    connection.releaseProbe();
  }

  #refuse(call: ChannelCall, verdict: Extract<ChannelVerdict, { kind: 'refused' }>): void {
    const { status, reason, processed, waitMs: retryAfterMs } = verdict;
    // Nobody knows whether there is a channel now.
    if (processed === 'unknown' && !call.isIdempotent) {
      this.#settle(call, (one) => one.fail('ERR_CHANNEL_AMBIGUOUS', mayExist(`${status} ${reason}`), verdict));
      return;
    }
    const { code, advice } = refusals[verdict.refusal];
    const again = retryAfterMs === null ? '' : `; not again before ${Math.ceil(retryAfterMs / 1000)} s have passed`;
    const facts = { status, reason, processed: call.isAmbiguous ? 'unknown' : processed, retryAfterMs } as const;
    this.#settle(call, (one) => one.fail(code, `${status} ${reason}: ${advice}${again}`, facts));
  }

  /** It was sent, and there is no answer to be had. */
  #lose(call: ChannelCall, why: string): void {
    if (!call.isIdempotent) {
      this.#settle(call, (one) => one.fail('ERR_CHANNEL_AMBIGUOUS', mayExist(why), { processed: 'unknown' }));
      return;
    }
    this.#settle(call, (one) => one.fail('ERR_CHANNEL_UNREACHABLE', why, { processed: 'unknown' }));
  }

  /** Surely not processed: free of charge, but counted. */
  #resend(call: ChannelCall, why: string): void {
    if (++call.resends > resendsMax) {
      const facts = { processed: call.isAmbiguous ? 'unknown' : 'no' } as const;
      const message = `not processed ${resendsMax} times in a row; last: ${why}`;
      this.#settle(call, (one) => one.fail('ERR_CHANNEL_UNREACHABLE', message, facts));
    } else this.#waitLater(call, call.resends);
  }

  #waitLater(call: ChannelCall, failures: number): void {
    this.#clock.setTimer(fullJitterMs(failures, resendBackoff, this.#pipeline.random), () => {
      if (this.#calls.has(call)) this.#wait(call);
    });
  }

  #wait(call: ChannelCall): void {
    if (this.#pipeline.isClosing) {
      this.#endForClosing(call);
      return;
    }
    this.#waiting.push(call);
    this.#pool ??= this.#openPool();
    this.#pool.wake();
  }

  #cancel(call: ChannelCall, cause: unknown): void {
    const isOnWire = [...this.#onWire.values()].includes(call);
    const isSent = isOnWire || call.isAmbiguous;
    const hint = isSent && !call.isIdempotent ? mayExist('') : 'given up by its caller';
    const facts = { processed: isSent ? 'unknown' : 'no', cause } as const;
    this.#settle(call, (one) => one.fail('ERR_CHANNEL_CANCELLED', hint, facts));
  }

  #endForClosing(call: ChannelCall): void {
    if (call.isAmbiguous) this.#lose(call, closedFirst);
    else this.#settle(call, (one) => one.failWith(new EngineClosedError()));
  }

  #settle(call: ChannelCall, end: (call: ChannelCall) => void): void {
    this.#calls.get(call)?.();
    this.#calls.delete(call);
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const [tag, one] of this.#onWire) if (one === call) this.#onWire.delete(tag);
    end(call);
    if (this.#calls.size === 0) this.#rest();
  }

  #begin(): void {
    this.#signAt = this.#clock.now();
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    this.#ticker ??= this.#clock.setTimer(tickMs, this.#tick);
  }

  readonly #tick = (): void => {
    this.#ticker = null;
    if (this.#calls.size === 0) return;
    this.#ticker = this.#clock.setTimer(tickMs, this.#tick);
    const now = this.#clock.now();
    const { giveUpAfterMs } = this.#pipeline.settings;
    if (this.#waiting.length === 0 || now - this.#signAt < giveUpAfterMs) return;
    const last = this.#pool?.lastError ?? (this.#tokens?.isEmpty === true ? 'no provider token' : 'silence');
    const message = `no answer from ${this.endpoint} for ${Math.round(giveUpAfterMs / 1000)} s; last: ${last}`;
    for (const call of this.#waiting.splice(0)) {
      if (call.isAmbiguous) this.#lose(call, message);
      else this.#settle(call, (one) => one.fail('ERR_CHANNEL_UNREACHABLE', message));
    }
  };

  /** No call is under way. */
  #rest(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve();
    this.#idleTimer?.cancel();
    this.#idleTimer = this.#clock.setTimer(idleMs, () => void this.#end((pool) => pool.drain()));
  }

  #openPool(): Pool {
    const { settings } = this.#pipeline;
    return new Pool(
      {
        ...this.#options,
        policy: {
          connectionsMax: 1,
          streamsMax: channelStreamsMax,
          requestTimeoutMs: settings.requestTimeoutMs,
          replyBodyBytesMax: channelReplyBytesMax,
          // Conduct `streams-within-limit`: one stream on a token connection until the first authenticated reply.
          isProbing: this.#tokens !== null,
        },
      },
      this,
    );
  }

  async #end(how: (pool: Pool) => Promise<void>): Promise<void> {
    this.#idleTimer?.cancel();
    this.#fillTimer?.cancel();
    const pool = this.#pool;
    this.#pool = null;
    if (pool !== null) {
      const ending = how(pool).finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
    await Promise.all(this.#ending);
    if (this.#calls.size === 0) this.#ticker?.cancel();
  }

  #templateFor(call: ChannelCall, connection: Connection, binding: Binding): HeaderTemplate {
    const { operation, bundleId } = call;
    const plan = channelPlan({
      authority: this.#authority,
      providerToken: binding.providerToken,
      operation,
      bundleId,
    });
    return new HeaderTemplate(connection.encoder, plan);
  }

  #bindingOf(connection: Connection): Binding {
    if (connection.binding === null) connection.binding = new Binding(connection, this.#authority, this.#tokens);
    return connection.binding as Binding; // nobody else writes there
  }

  /** The rate holds it, not the gateway. */
  #fillLater(delayMs: number): void {
    this.#signAt = this.#clock.now();
    this.#fillTimer?.cancel();
    this.#fillTimer = this.#clock.setTimer(Math.max(1, delayMs), () => this.#pool?.wake());
  }
}

function mayExist(why: string): string {
  const because = why === '' ? 'given up by its caller' : why;
  return `${because}. It was sent: there may be a channel now whose id nobody was told; list shows it, and create makes another`;
}
