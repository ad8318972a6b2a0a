/**
 * How many streams a connection lets itself have open: as many as the gateway answers promptly, found by trying. Additive
 * increase, multiplicative decrease, decided once a round trip. Pure; time is an argument.
 *
 *   starting   × 2 a round: 100, 200, 400 …     until the first sign of too much, or until the most that is allowed
 *   steady     + √limit a round, if the limit was reached and nothing spoke against it
 *              too much: down to what the gateway has shown that it can take, at most once a round
 *
 * A round is a round trip: it ends when a stream that was opened in it is answered. What speaks of too much:
 *
 *   latency    the mean of a round is more than `latencyRatio` times the floor, and more than `latencyToleranceMs` above
 *              it; twice in a row. One that is starting stops at half of that, in the midst of a round. By Little's law the gateway would answer `limit × floor ÷ latency`
 *              streams at the floor: the limit falls a tenth below that, so that the queue drains and the floor shows.
 *   refused, overload, timeout
 *              the gateway says so. Each such stream takes its place with it, at once: nothing is tried again in it. More
 *              of them than `overloadShareMax` of a round's ends cost three tenths of the limit; fewer are noise.
 *
 * Connections that meet the same latency fall by the same factor and rise by nearly the same step, so their limits draw near
 * to one another, if they know the same floor. One that came when others had filled the queue does not: it takes the queue
 * for the distance. So at set times of the wall clock, the same for every connection of every process and host, each that is
 * in use lets itself have a quarter of its streams until as many as are needed were answered: the queue drains, and all see
 * the floor. One that has seen it and meets no queue goes on undisturbed.
 *
 * The mean, because the quickest of many answers is quicker than that of few: a large connection would
 * hear of a queue later than a small one.
 *
 * Per reply: five operations. Per chunk of input some ten; no allocation.
 */
import type { LatencyFloor } from './latency-floor.ts';

export interface LimiterPolicy {
  /** Where a new connection starts. */
  readonly startStreams: number;
  /** Answers are late when they take longer than so many times the floor … */
  readonly latencyRatio: number;
  /** … and so much longer than the floor. */
  readonly latencyToleranceMs: number;
  /** Latency alone does not take the limit below this. */
  readonly latencyStreamsMin: number;
  /** The floor is forgotten after this long, or after 64 times itself if that is longer. */
  readonly floorWindowMs: number;
  /** The floor is looked for so often, at multiples of it on the wall clock. */
  readonly floorProbeMs: number;
  /** Refusals up to this share of a round's ends cost their places and no more. */
  readonly overloadShareMax: number;
}

export const defaultLimiterPolicy: LimiterPolicy = {
  // 100: what RFC 9113 §6.5.2 calls the least that a peer should allow. An idle gateway is at 1000 four round trips later.
  startStreams: 100,
  // 2: as much work queues as is worked on; that is no accident of the network.
  latencyRatio: 2,
  // 50 ms: what the scheduler of a busy machine, ours or the gateway's, makes of a round trip on loopback (1 ms).
  latencyToleranceMs: 50,
  // 4: a guess. A path that became slower has refused nothing; it goes on at a trickle until its floor is learned.
  latencyStreamsMin: 4,
  // 10 s: a limit of 1000 swings in 2 s at 50 ms; another path costs so long at most.
  floorWindowMs: 10_000,
  // 5 s: twice in the floor's window. It costs less than two round trips, at three quarters of the streams.
  floorProbeMs: 5000,
  // 2 %: what conduct `errors-rare` tolerates of rejections.
  overloadShareMax: 0.02,
};

/** Why the limit fell. */
export type FallCause = 'latency' | 'overload' | 'refused' | 'timeout';

/** By latency at most to a quarter in one round: the more it is out of proportion, the less it says. */
const latencyFallMost = 0.25;
/** A tenth below what the gateway takes at the floor, so that its queue drains. */
const belowKnee = 0.9;
const overloadFall = 0.7;
/** Places that refusals take with them at once, at most, of the limit at the round's start. */
const placesShareMost = 0.5;
/** Late rounds in a row before the limit falls: a moment in which our own event loop stands still makes one. */
const lateRoundsMin = 2;
/** A mean of fewer answers says little; a limit below that makes do with as many as it has. */
const answersMin = 8;
/** What a connection lets itself have while it looks for the floor. */
const probeShare = 0.25;
/** A probe that found nothing in so many times what answers took is given up. */
const probePatience = 4;
/** One answer counts at most as so many times what is late: the mean of some must not hang on one. */
const outlier = 2;

export class StreamLimiter {
  readonly #policy: LimiterPolicy;
  readonly #streamsMax: number;
  readonly #floor: LatencyFloor;
  /** Invariant: 1 ≤ limit ≤ streamsMax. With a fraction, so that small limits grow too. */
  #limit: number;
  #isStarting = true;
  /** Answers that take longer are late, ms. */
  #lateMs = Infinity;
  // The round in hand.
  #beganAt: number;
  #limitAtStart: number;
  #sumMs = 0;
  #answers = 0;
  #ends = 0;
  #refusals = 0;
  /** The most that were open at once. */
  #peak = 0;
  #lateRounds = 0;
  /** Of the chunk in hand. */
  #quickestMs = Infinity;
  /** Answers to streams that were opened before do not count. */
  #countFrom = -Infinity;
  // Looking for the floor: its streams drain, then the answers to new ones are measured.
  #probe: 'none' | 'draining' | 'measuring' = 'none';
  #probeAt: number;
  #probeEndsAt = 0;
  #hasProbed = false;
  #lastMeanMs = Infinity;
  /** Our own event loop was late: rounds that end before are not held against the gateway. */
  #starvedUntil = -Infinity;
  /** How often the limit fell, and why the last time. */
  falls = 0;
  fellBecause: FallCause | null = null;

  /** `streamsMax`: the limit never rises above it. */
  constructor(policy: LimiterPolicy, streamsMax: number, floor: LatencyFloor, now: number, epochMs: number) {
    this.#policy = policy;
    this.#probeAt = now + policy.floorProbeMs - (epochMs % policy.floorProbeMs);
    this.#streamsMax = streamsMax;
    this.#floor = floor;
    this.#limit = Math.min(streamsMax, Math.max(1, policy.startStreams));
    this.#limitAtStart = this.#limit;
    this.#beganAt = now;
  }

  /** Streams that may be open at once; 1 at least. */
  get streams(): number {
    const most = Math.floor(this.#limit);
    if (this.#probe === 'none') return most;
    return Math.min(most, Math.max(this.#policy.latencyStreamsMin, Math.floor(this.#limit * probeShare)));
  }

  /** What an answer takes when nothing waits, ms; Infinity before the first round trip. */
  get floorMs(): number {
    return this.#floor.ms;
  }

  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** A stream was answered just now, and the gateway had done what was asked. Hot. */
  answered(latencyMs: number, now: number): void {
    if (now - latencyMs < this.#countFrom) return;
    const mostMs = this.#lateMs * outlier;
    this.#sumMs += latencyMs < mostMs ? latencyMs : mostMs;
    this.#answers++;
    if (latencyMs < this.#quickestMs) this.#quickestMs = latencyMs;
  }

  /** A stream ended in a way that speaks of too much work: one place less, from now on. */
  refused(cause: Exclude<FallCause, 'latency'>): void {
    this.#refusals++;
    if (this.#refusals === 1) this.falls++;
    this.fellBecause = cause;
    const least = Math.max(1, this.#limitAtStart * placesShareMost);
    if (this.#limit - 1 >= least) this.#limit -= 1;
  }

  /** Our own event loop stood still, or runs late: latencies say nothing of the gateway until `until`. */
  starved(until: number): void {
    this.#starvedUntil = until;
  }

  /** A chunk of input was handled in which `ends` streams ended; `inFlight` were open before it. */
  turn(now: number, inFlight: number, ends: number): void {
    if (inFlight > this.#peak) this.#peak = inFlight;
    this.#ends += ends;
    const quickestMs = this.#quickestMs;
    const openedAt = now - quickestMs;
    this.#quickestMs = Infinity;
    if (this.#isStarting && this.#hasStartedTooMuch(now, quickestMs)) this.#endStart(now, quickestMs);
    else if (this.#probe !== 'none') this.#goOnProbing(now, inFlight - ends);
    else if (now >= this.#probeAt && this.#mustProbe(now)) this.#beginProbe(now);
    else if (this.#isRoundOver(now, openedAt)) this.#endRound(now);
  }

  /** `openedAt`: the youngest of the streams that were answered just now. */
  #isRoundOver(now: number, openedAt: number): boolean {
    if (openedAt >= this.#beganAt) return this.#answers >= Math.min(answersMin, this.streams);
    // Nothing but refusals, which may come at once: a round is then as long as an answer that is not late.
    return this.#answers === 0 && this.#refusals > 0 && now - this.#beganAt >= this.#promptMs();
  }

  #endRound(now: number): void {
    const meanMs = this.#sumMs / this.#answers;
    if (this.#answers > 0) this.#learn(meanMs, now);
    const isLate = meanMs > this.#lateMs && now >= this.#starvedUntil;
    if (this.#refusals > this.#ends * this.#policy.overloadShareMax) this.#fallByRefusals();
    else if (isLate && this.#peak * 2 >= this.#limit) this.#noteLate(meanMs);
    else {
      this.#lateRounds = 0;
      // Who does not use what he has learns nothing of what lies beyond.
      if (!isLate && this.#peak >= this.streams) this.#grow();
    }
    this.#beginRound(now);
  }

  #beginRound(now: number): void {
    this.#beganAt = now;
    this.#limitAtStart = this.#limit;
    this.#sumMs = 0;
    this.#answers = 0;
    this.#ends = 0;
    this.#refusals = 0;
    this.#peak = 0;
  }

  /**
   * Doubling is always a round trip ahead of what it does. So the youngest answers of each chunk are looked at, and half of
   * what is late is enough: others may have filled the gateway before.
   */
  #hasStartedTooMuch(now: number, quickestMs: number): boolean {
    if (quickestMs === Infinity || this.#answers < answersMin || now < this.#starvedUntil) return false;
    return quickestMs * 2 > this.#floor.ms + this.#lateMs && this.#peak * 2 >= this.#limit;
  }

  #endStart(now: number, latencyMs: number): void {
    this.#noteLate(latencyMs);
    this.#beginRound(now);
  }

  #learn(meanMs: number, now: number): void {
    this.#floor.learn(meanMs, now);
    this.#lastMeanMs = meanMs;
    this.#lateMs = this.#promptMs();
  }

  #mustProbe(now: number): boolean {
    const { floorProbeMs } = this.#policy;
    this.#probeAt += floorProbeMs * Math.ceil((now - this.#probeAt + 1) / floorProbeMs);
    // Who is far below its limit, or has a limit that tells nothing yet, has no queue of its own to drain.
    if (this.#isStarting || this.#peak * 2 < this.#limit) return false;
    // Below the middle between the floor and what is late there is no queue to speak of.
    return !this.#hasProbed || this.#lastMeanMs * 2 > this.#floor.ms + this.#lateMs;
  }

  #beginProbe(now: number): void {
    this.#probe = 'draining';
    this.#probeEndsAt = now + Math.max(this.#promptMs(), this.#lastMeanMs) * probePatience;
  }

  #goOnProbing(now: number, stillOpen: number): void {
    if (this.#probe === 'draining' && stillOpen <= this.streams) {
      this.#probe = 'measuring';
      this.#beginRound(now);
      this.#countFrom = now;
    }
    const isDone = this.#probe === 'measuring' && this.#answers >= Math.min(answersMin, this.streams);
    if (isDone) {
      this.#hasProbed = true;
      this.#learn(this.#sumMs / this.#answers, now);
    } else if (now < this.#probeEndsAt) return;
    this.#probe = 'none';
    this.#countFrom = -Infinity;
    this.#beginRound(now);
  }

  /** The longest that an answer may take and not be late. */
  #promptMs(): number {
    const { latencyRatio, latencyToleranceMs } = this.#policy;
    const floorMs = this.#floor.ms;
    return floorMs === Infinity ? latencyToleranceMs : Math.max(floorMs * latencyRatio, floorMs + latencyToleranceMs);
  }

  #noteLate(meanMs: number): void {
    this.#lateRounds++;
    if (!this.#isStarting && this.#lateRounds < lateRoundsMin) return;
    this.#lateRounds = 0;
    this.#isStarting = false;
    const used = Math.min(this.#limit, this.#peak);
    const knee = used * Math.max(latencyFallMost, (belowKnee * this.#floor.ms) / meanMs);
    const next = Math.max(knee, Math.min(this.#policy.latencyStreamsMin, this.#streamsMax));
    if (next >= this.#limit) return;
    this.#limit = next;
    this.falls++;
    this.fellBecause = 'latency';
  }

  #fallByRefusals(): void {
    this.#lateRounds = 0;
    this.#isStarting = false;
    this.#limit = Math.max(1, Math.min(this.#limit, this.#limitAtStart * overloadFall));
  }

  #grow(): void {
    const step = this.#isStarting ? this.#limit : Math.sqrt(this.#limit);
    this.#limit = Math.min(this.#streamsMax, this.#limit + step);
    if (this.#limit === this.#streamsMax) this.#isStarting = false;
  }
}
