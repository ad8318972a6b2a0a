// A gateway as arithmetic, and limiters that send to it as fast as they let themselves. Time runs in milliseconds; each
// millisecond every sender gets its answers, and fills up, in an order that a seed decides.
//
//   capacity at once ─► each served for serviceMs; more wait in one queue ─► answered, or refused beyond `refusesAbove`
import { LatencyFloors } from '../src/latency-floor.ts';
import { defaultLimiterPolicy, StreamLimiter } from '../src/stream-limiter.ts';

export interface ModelOptions {
  /** Requests that are served at once: the knee. */
  readonly capacity: number;
  readonly serviceMs: number;
  /** Up to so much more on the way, evenly spread. */
  readonly spreadMs?: number;
  readonly refusesAbove?: number;
  readonly seed?: number;
}

interface Answer {
  readonly at: number;
  readonly openedAt: number;
  readonly isRefused: boolean;
}

export class ModelledSender {
  readonly limiter: StreamLimiter;
  readonly beganAt: number;
  /** Streams it would like to have open at most: less than its limit when it has little to send. */
  wants = Infinity;
  /** The peer's own limit on its streams. */
  peerStreamsMax = Infinity;
  answered = 0;
  refused = 0;
  latencySumMs = 0;
  inFlightPeak = 0;
  answers: Answer[] = [];

  constructor(limiter: StreamLimiter, beganAt: number) {
    this.limiter = limiter;
    this.beganAt = beganAt;
  }

  get inFlight(): number {
    return this.answers.length;
  }
}

export class ModelledGateway {
  capacity: number;
  serviceMs: number;
  now = 0;
  readonly senders: ModelledSender[] = [];
  readonly #spreadMs: number;
  readonly #refusesAbove: number;
  readonly #floors = new LatencyFloors(defaultLimiterPolicy.floorWindowMs);
  /** When each request in hand will have been served, in order. */
  #dues: number[] = [];
  #seed: number;

  constructor({ capacity, serviceMs, spreadMs = 5, refusesAbove = Infinity, seed = 1 }: ModelOptions) {
    this.capacity = capacity;
    this.serviceMs = serviceMs;
    this.#spreadMs = spreadMs;
    this.#refusesAbove = refusesAbove;
    this.#seed = seed;
  }

  /** Each `address` has a floor that its senders share. */
  addSender(streamsMax = 1000, address = '192.0.2.1'): ModelledSender {
    const floor = this.#floors.of(address);
    const sender = new ModelledSender(
      new StreamLimiter(defaultLimiterPolicy, streamsMax, floor, this.now, this.now),
      this.now,
    );
    this.senders.push(sender);
    return sender;
  }

  get inFlight(): number {
    return this.senders.reduce((sum, sender) => sum + sender.inFlight, 0);
  }

  get answered(): number {
    return this.senders.reduce((sum, sender) => sum + sender.answered, 0);
  }

  run(ms: number, each: () => void = () => undefined): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now++;
      this.#dues = this.#dues.filter((due) => due > this.now);
      for (const sender of this.#inSomeOrder()) {
        this.#answer(sender);
        this.#fill(sender);
      }
      each();
    }
  }

  /** Means over `ms`: in flight by sender and altogether, answers a second, latency. */
  measure(ms: number): { inFlight: number[]; total: number; perSecond: number; latencyMs: number; limits: number[] } {
    const sums = this.senders.map(() => 0);
    const limits = this.senders.map(() => 0);
    const before = this.answered;
    const latencyBefore = this.#latencySum();
    this.run(ms, () => {
      for (const [at, { inFlight, limiter }] of this.senders.entries()) {
        sums[at] = (sums[at] ?? 0) + inFlight;
        limits[at] = (limits[at] ?? 0) + limiter.streams;
      }
    });
    const answers = this.answered - before;
    const inFlight = sums.map((sum) => sum / ms);
    return {
      inFlight,
      total: inFlight.reduce((sum, one) => sum + one, 0),
      perSecond: (answers / ms) * 1000,
      latencyMs: (this.#latencySum() - latencyBefore) / answers,
      limits: limits.map((sum) => sum / ms),
    };
  }

  /** xorshift32: [0, 1). */
  random(): number {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    return (this.#seed >>> 0) / 2 ** 32;
  }

  #answer(sender: ModelledSender): void {
    const { limiter, answers } = sender;
    const ready = answers.filter(({ at }) => at <= this.now);
    if (ready.length === 0) return;
    sender.answers = answers.filter(({ at }) => at > this.now);
    for (const { openedAt, isRefused } of ready) {
      if (isRefused) {
        sender.refused++;
        limiter.refused('refused');
      } else {
        sender.answered++;
        sender.latencySumMs += this.now - openedAt;
        limiter.answered(this.now - openedAt, this.now);
      }
    }
    limiter.turn(this.now, answers.length, ready.length);
  }

  #fill(sender: ModelledSender): void {
    const most = Math.min(sender.limiter.streams, sender.wants, sender.peerStreamsMax);
    while (sender.inFlight < most) sender.answers.push(this.#take());
    sender.inFlightPeak = Math.max(sender.inFlightPeak, sender.inFlight);
  }

  #take(): Answer {
    const inHand = this.#dues.length;
    if (inHand >= this.#refusesAbove) return { at: this.now + 1, openedAt: this.now, isRefused: true };
    const begins = inHand < this.capacity ? this.now : (this.#dues[inHand - this.capacity] ?? this.now);
    const due = Math.max(begins + this.serviceMs, this.#dues.at(-1) ?? 0);
    this.#dues.push(due);
    return { at: due + this.random() * this.#spreadMs, openedAt: this.now, isRefused: false };
  }

  #latencySum(): number {
    return this.senders.reduce((sum, sender) => sum + sender.latencySumMs, 0);
  }

  #inSomeOrder(): ModelledSender[] {
    return this.senders
      .map((sender) => ({ sender, key: this.random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ sender }) => sender);
  }
}

/** Jain's index of fairness: 1 when all are equal, 1/n when one has everything. */
export function fairness(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return (sum * sum) / (shares.length * squares);
}
