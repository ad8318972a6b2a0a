/**
 * A push's life on one screen. Each stage is a file; this one wires them.
 *
 *   admit    admission.ts   room for the job? else wait or refuse
 *   prepare  @carillon/payload: bytes → arena + index; bad records become rejections
 *   route    route.ts       record → head → the lane of its app
 *   wait     lane.ts        the queue, and the only one
 *   attempt  attempt.ts     a connection has a slot: push → stream
 *   reply    @carillon/session: frames → Reply or StreamFailure
 *   judge    @carillon/apns: reply → verdict
 *   settle   settle.ts      verdict → outcome, or back to wait with a time
 *   receipt  receipt.ts     outcome → receipt, to whoever asked
 */
import type { Clock, Random } from '@carillon/pool';
import { Admission } from './admission.ts';
import type { Arena } from './arena.ts';
import { newCounters } from './counters.ts';
import type { EngineCounters } from './counters.ts';
import type { EngineEvent } from './events.ts';
import type { EngineSettings } from './options.ts';
import type { Outcome } from './outcome.ts';
import { PushTable } from './push.ts';
import type { Push } from './push.ts';
import { TokenBucket } from './token-bucket.ts';

/** What the stages share. */
export class Pipeline {
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly pushes: PushTable = new PushTable();
  readonly counters: EngineCounters = newCounters();
  readonly admission: Admission;
  /** Null when the rate is not capped. */
  readonly rate: TokenBucket | null;
  readonly emit: (event: EngineEvent) => void;
  /** Called when jobs come in while there were none. */
  onFirstJob: () => void = () => undefined;
  #onAllSettled: (() => void)[] = [];

  constructor(settings: EngineSettings, clock: Clock, random: Random, emit: (event: EngineEvent) => void) {
    this.settings = settings;
    this.clock = clock;
    this.random = random;
    this.emit = emit;
    this.admission = new Admission(settings.limits.jobsMax, settings.limits.jobBytesMax, () => this.onFirstJob());
    const { ratePerSecond } = settings;
    // A tenth of a second's worth may leave at once: smoother would cost a timer per push.
    this.rate = ratePerSecond === Infinity ? null : new TokenBucket(ratePerSecond, ratePerSecond / 10, clock.now());
  }

  /** The end of a push: its one outcome goes to its sink, its bytes and its place are given back. */
  readonly finish = (push: Push, outcome: Outcome, latencyMs: number | null): void => {
    this.counters[outcome.kind]++;
    push.sink.settled(push, outcome, latencyMs);
    push.arena.release();
    this.pushes.release(push);
    this.admission.leave();
    if (this.admission.jobs === 0 && this.#onAllSettled.length > 0) this.#tellAllSettled();
  };

  readonly letArenaGo = (arena: Arena): void => {
    this.admission.letGo(arena.bytes.length);
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
