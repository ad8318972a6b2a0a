/**
 * A push's life on one screen. Each stage is a file; this one holds what they share and the two ways out of an attempt.
 *
 *   admit    admission.ts   room for the job? else wait or refuse
 *   prepare  @carillon/payload: bytes → arena + index; bad records become refusals
 *   route    route.ts       record → head → the lane of its app
 *   wait     lane.ts        the queue, and the only one
 *   attempt  attempt.ts     a connection has a slot: push → stream
 *   reply    reply.ts       frames → Reply → facts
 *   judge    @carillon/apns: facts → verdict
 *   settle   settle.ts      verdict → `finish`, or back to wait: `again` at once, `putOff` with a time
 *   receipt  receipt.ts     outcome → receipt, to whoever asked
 */
import type { Abandonment, ApnsIdGenerator } from '@carillon/apns';
import type { Clock, Random } from '@carillon/pool';
import { Admission } from './admission.ts';
import type { Arena } from './arena.ts';
import { Campaigns } from './campaigns.ts';
import { newCounters } from './counters.ts';
import type { EngineCounters } from './counters.ts';
import { DelayHeap } from './delay-heap.ts';
import { DevicePace } from './device-pace.ts';
import type { DeviceLedger } from './device-ledger.ts';
import { guardedLedger } from './device-ledger.ts';
import { DeviceTable } from './device-table.ts';
import type { EngineEvent } from './events.ts';
import { FeedTurns } from './feed-turns.ts';
import { HeadTable } from './head.ts';
import type { Lane } from './lane.ts';
import type { EngineLimits } from './limits.ts';
import type { EngineSettings } from './options.ts';
import { giveOwnArena } from './own-arena.ts';
import { Preparation } from './preparation.ts';
import { Probation } from './probation.ts';
import type { Outcome } from './outcome.ts';
import { PushTable, Standing } from './push.ts';
import type { Push } from './push.ts';
import { isoTime } from './receipt.ts';
import { RetryBudget } from './retry-budget.ts';
import { TokenBucket } from './token-bucket.ts';

/** A push that is sent in its turn meets its deadline there; those that stand still are looked through this often. */
export const expireEveryMs = 1000;

export class Pipeline {
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly random: Random;
  /** One for the whole engine: jobs that come without an id get theirs from it. */
  readonly apnsIds: ApnsIdGenerator;
  readonly pushes: PushTable = new PushTable();
  readonly heads: HeadTable;
  readonly counters: EngineCounters = newCounters();
  readonly admission: Admission;
  readonly campaigns: Campaigns = new Campaigns();
  readonly preparation: Preparation;
  readonly feedTurns: FeedTurns;
  /** Null when the rate is not capped. */
  readonly rate: TokenBucket | null;
  /** Null when devices have no rate of ours. */
  readonly pace: DevicePace | null;
  readonly budget: RetryBudget;
  /** What is known of device tokens. */
  readonly ledger: DeviceLedger;
  /** Device tokens that a sandbox has accepted whose app has a twin in production: for hints. The values mean nothing. */
  readonly sandboxTokens: DeviceTable;
  readonly probation: Probation;
  /** Retries, which leave at the pace of the budget. */
  readonly delayed: DelayHeap = new DelayHeap();
  /** Pushes that a breaker, or a device that rests or has its rate, holds back; they are no retries, and leave when their time has come. */
  readonly held: DelayHeap = new DelayHeap();
  /** Set by `close`: from now on nothing waits any more. */
  isClosing = false;
  readonly emit: (event: EngineEvent) => void;
  /** Called when jobs come in while there were none. */
  onFirstJob: () => void = () => undefined;
  /** Monotonic ms of the turn in hand: set before pushes are finished in it. */
  turnAt = 0;
  #stampedAt = NaN;
  #stamp = '';
  #onAllSettled: (() => void)[] = [];
  #expireAt = 0;

  constructor(
    settings: EngineSettings,
    clock: Clock,
    random: Random,
    apnsIds: ApnsIdGenerator,
    emit: (event: EngineEvent) => void,
    ledger?: DeviceLedger,
  ) {
    this.apnsIds = apnsIds;
    this.settings = settings;
    this.clock = clock;
    this.random = random;
    this.emit = emit;
    const { limits, ratePerSecond, perDevicePerSecond } = settings;
    this.heads = new HeadTable(limits.headsMax);
    this.ledger = ledger === undefined ? ledgerInMemory(limits) : guardedLedger(ledger);
    this.sandboxTokens = new DeviceTable(limits.sandboxDevicesMax);
    this.admission = new Admission(limits.jobsMax, limits.jobBytesMax, () => this.onFirstJob());
    this.probation = new Probation(this.ledger.suspects, this.admission, clock, emit);
    this.feedTurns = new FeedTurns(clock);
    this.preparation = new Preparation(limits, this.admission, clock);
    this.budget = new RetryBudget(clock.now());
    this.pace = perDevicePerSecond === Infinity ? null : new DevicePace(perDevicePerSecond, limits.pacedDevicesMax);
    this.rate = ratePerSecond === Infinity ? null : rateCap(ratePerSecond, clock.now());
  }

  /** Counts jobs in at the door. */
  enter(jobs: number): void {
    this.feedTurns.spend(jobs);
    this.admission.enter(jobs);
    this.budget.admitted(jobs);
  }

  /** The time of this turn, for receipts: the wall clock is read once a turn, not once a push (80 ns each). */
  stamp(): string {
    if (this.turnAt !== this.#stampedAt) {
      this.#stampedAt = this.turnAt;
      this.#stamp = isoTime(this.clock.epochMs());
    }
    return this.#stamp;
  }

  /** The end of a push: its one outcome goes to its sink, its bytes and its place are given back. */
  finish(push: Push, outcome: Outcome, latencyMs: number | null): void {
    this.counters[outcome.kind]++;
    if (push.isPaced) this.pace?.left(push);
    if (push.standing !== Standing.clean) this.probation.left();
    push.sink.settled(push, outcome, latencyMs);
    push.arena.release();
    this.pushes.release(push);
    this.admission.leave();
    if (this.admission.jobs === 0 && this.#onAllSettled.length > 0) this.#tellAllSettled();
  }

  /** Gives a push up. What an earlier attempt left unknown stays unknown. */
  abandon(push: Push, because: Abandonment, message?: string): void {
    this.turnAt = this.clock.now();
    const processed = push.isAmbiguous ? 'unknown' : 'no';
    const outcome: Outcome = { kind: 'abandoned', because, processed, last: push.last };
    this.finish(push, message === undefined ? outcome : { ...outcome, message }, null);
  }

  /** Into its lane, the one on probation if it has to be. True when it waits there; the caller wakes the outlet. */
  wait(push: Push): boolean {
    if (this.#mustEnd(push)) return false;
    if (this.probation.concerns(push)) this.probation.place(push);
    laneOf(push).add(push);
    return true;
  }

  /** Its turn came on the wrong track: its standing has changed while it waited. */
  divert(push: Push): void {
    if (this.wait(push)) push.head.app.outlet.wake();
  }

  /** Back to the front of its lane. */
  again(push: Push): void {
    if (this.#mustEnd(push)) return;
    laneOf(push).addBack(push);
    push.head.app.outlet.wake();
  }

  /** A retry: back to its lane at `dueAt`, monotonic ms; given up now when its deadline comes first. */
  putOff(push: Push, dueAt: number): void {
    if (this.#mustEnd(push)) return;
    if (dueAt >= push.deadlineAt) {
      this.abandon(push, 'deadline');
      return;
    }
    this.counters.delayed++;
    giveOwnArena(push, push.arena.isOnProbation, this.admission);
    this.delayed.add(push, dueAt);
  }

  /** Its turn came, and it may not go before `until`, monotonic ms. */
  hold(push: Push, until: number): void {
    if (until >= push.deadlineAt) {
      this.abandon(push, 'deadline');
      return;
    }
    giveOwnArena(push, push.arena.isOnProbation, this.admission);
    this.held.add(push, until);
  }

  /** Pushes whose time has come go back to their lanes; retries as fast as the budget allows. */
  releaseDue(now: number): void {
    if (now >= this.#expireAt) {
      this.#expireAt = now + expireEveryMs;
      // A retry that is due may wait for the budget past its deadline.
      this.abandonDelayed((push) => push.deadlineAt <= now, 'deadline');
      this.ledger.resting.forgetUntil?.(now);
      this.probation.tidy();
    }
    for (let push = this.held.takeDue(now); push !== null; push = this.held.takeDue(now)) {
      if (this.wait(push)) push.head.app.outlet.wake();
    }
    while (this.delayed.nextAt <= now && this.budget.tryTake(now)) {
      const push = this.delayed.takeDue(now);
      if (push !== null && this.wait(push)) push.head.app.outlet.wake();
    }
  }

  /** Abandons the pushes that `isWanted` names among those that wait for a time. */
  abandonDelayed(isWanted: (push: Push) => boolean, because: Abandonment): void {
    for (const heap of [this.held, this.delayed]) for (const push of heap.takeIf(isWanted)) this.abandon(push, because);
  }

  #mustEnd(push: Push): boolean {
    if (!this.isClosing && !push.sink.isCancelled) return false;
    this.abandon(push, this.isClosing ? 'shutdown' : 'cancelled');
    return true;
  }

  readonly letArenaGo = (arena: Arena): void => {
    if (arena.isOnProbation) this.probation.letGo(arena.heldBytes);
    this.admission.letGo(arena.heldBytes);
  };

  /** Resolves when no job is under way. */
  allSettled(): Promise<void> {
    if (this.admission.jobs === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onAllSettled.push(resolve));
  }

  #tellAllSettled(): void {
    const waiting = this.#onAllSettled;
    this.#onAllSettled = [];
    for (const resolve of waiting) resolve();
  }
}

/** A campaign has lanes of its own. */
function laneOf({ head, sink, standing }: Push): Lane {
  const lanes = sink.lanes ?? head.app;
  return standing === Standing.clean ? lanes.lane : lanes.probationLane;
}

function ledgerInMemory({ deadDevicesMax, restingDevicesMax, suspectDevicesMax }: EngineLimits): DeviceLedger {
  return {
    dead: new DeviceTable(deadDevicesMax),
    resting: new DeviceTable(restingDevicesMax),
    suspects: new DeviceTable(suspectDevicesMax),
  };
}

/** A tenth of a second's worth may leave at once: smoother would cost a timer per push. */
export function rateCap(perSecond: number, now: number): TokenBucket {
  return new TokenBucket(perSecond, perSecond / 10, now);
}
