/**
 * `send`, one job at a time: the jobs of a turn are packed into one arena and routed together at its end, each with its
 * own promise.
 */
import { BatchBuilder } from '@carillon/payload';
import type { JobObject } from '@carillon/payload';
import { EngineClosedError, EngineFullError } from './errors.ts';
import type { Outcome, SendOutcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push, Sink } from './push.ts';
import { onlyApp, routeBatch } from './route.ts';
import type { Apps } from './route.ts';

export interface SendOptions {
  /** Aborting gives the job up while it waits (`abandoned`, `cancelled`); on the wire it runs to its end. */
  readonly signal?: AbortSignal;
  /** When as many jobs are under way as may be: `wait` for room (default), or `refuse` with `EngineFullError`. */
  readonly whenFull?: 'wait' | 'refuse';
}

/** One promise. */
class Promised implements Sink {
  isCancelled = false;
  readonly lanes = null;
  readonly #resolve: (outcome: SendOutcome) => void;
  /** Takes the abort listener away; null without a signal. */
  onSettled: (() => void) | null = null;

  constructor(resolve: (outcome: SendOutcome) => void) {
    this.#resolve = resolve;
  }

  settled(push: Push | null, outcome: Outcome): void {
    this.onSettled?.();
    this.#resolve(push === null ? outcome : withNotes(outcome, push));
  }
}

export class Sender {
  readonly #pipeline: Pipeline;
  readonly #apps: Apps;
  readonly #sweep: () => void;
  readonly #builder: BatchBuilder;
  /** By record of the builder. */
  #sinks: Promised[] = [];
  #isSweepDue = false;
  #isClosed = false;

  /** `sweep` abandons the pushes that wait and whose sinks are cancelled. */
  constructor(pipeline: Pipeline, apps: Apps, sweep: () => void) {
    this.#pipeline = pipeline;
    this.#apps = apps;
    this.#builder = new BatchBuilder({ apnsIds: pipeline.apnsIds });
    this.#builder.defaultPushType = pipeline.settings.defaultPushType;
    this.#sweep = sweep;
  }

  send(job: JobObject, options: SendOptions): Promise<SendOutcome> {
    if (this.#isClosed) return Promise.reject(new EngineClosedError());
    if (options.signal?.aborted === true) return Promise.resolve(cancelledBeforeStart);
    const { admission } = this.#pipeline;
    if (this.#isFullFor(job)) {
      if (options.whenFull === 'refuse') return Promise.reject(new EngineFullError(admission.jobs, admission.bytes));
      return this.#sendWhenRoom(job, options);
    }
    return new Promise((resolve) => this.#add(job, new Promised(resolve), options.signal));
  }

  /** Takes no more jobs; those that were added are routed. */
  close(): void {
    this.#isClosed = true;
    this.#flush();
  }

  async #sendWhenRoom(job: JobObject, options: SendOptions): Promise<SendOutcome> {
    const { admission } = this.#pipeline;
    while (this.#isFullFor(job) && !this.#isClosed && options.signal?.aborted !== true)
      await (admission.isFull ? admission.room(options.signal) : admission.probationRoom(options.signal));
    return this.send(job, options);
  }

  #isFullFor(job: JobObject): boolean {
    const { admission } = this.#pipeline;
    return admission.isFull || (admission.isProbationFull && this.#isOnProbation(job));
  }

  #isOnProbation({ app }: JobObject): boolean {
    const { probation } = this.#pipeline;
    // A job that names no app, and one that names none there is, is judged when it is routed.
    const known = app === undefined ? onlyApp(this.#apps) : this.#apps.get(app);
    return known !== undefined && probation.isOn(known.source);
  }

  #add(job: JobObject, sink: Promised, signal: AbortSignal | undefined): void {
    const isFirst = this.#builder.count === 0;
    if (!this.#builder.addObject(job, 0)) {
      this.#refuse(sink);
      return;
    }
    this.#sinks.push(sink);
    // Counted now, so that a loop of sends meets the limit within its turn.
    this.#pipeline.enter(1);
    if (signal !== undefined) {
      const onAbort = (): void => {
        sink.isCancelled = true;
        this.#sweepSoon();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      sink.onSettled = () => signal.removeEventListener('abort', onAbort);
    }
    if (this.#builder.bytes >= this.#pipeline.settings.limits.batchBytes) this.#flush();
    else if (isFirst) this.#pipeline.clock.endOfTurn(() => this.#flush());
  }

  /** One look at all that waits, for however many are aborted together: thousands of sends may share a signal. */
  #sweepSoon(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#pipeline.clock.endOfTurn(() => {
      this.#isSweepDue = false;
      this.#flush();
      this.#sweep();
    });
  }

  /** The builder keeps refused jobs apart; with none accepted in between, the last rejection is this job's. */
  #refuse(sink: Promised): void {
    const rejection = this.#builder.takeRejections().at(-1);
    if (rejection === undefined) throw new Error('a job was refused without a rejection');
    this.#pipeline.counters.refused++;
    const { code: reason, message, path } = rejection;
    const refused = { kind: 'rejected', status: null, reason, message } as const;
    sink.settled(null, path === null ? refused : { ...refused, path });
  }

  #flush(): void {
    if (this.#builder.count === 0) return;
    const sinks = this.#sinks;
    this.#sinks = [];
    const batch = this.#builder.take();
    routeBatch(batch, sinks, this.#apps, this.#pipeline, (record, rejection) => {
      const { code: reason, message } = rejection;
      this.#pipeline.counters.refused++;
      this.#pipeline.admission.withdraw();
      sinks[record]?.settled(null, { kind: 'rejected', status: null, reason, message });
    });
  }
}

/** What was said of the push when it was prepared: nothing, mostly, and then the outcome is not copied. */
function withNotes(outcome: Outcome, { arena, at }: Push): SendOutcome {
  const isTruncated = arena.isTruncated(at);
  const warnings = arena.warnings(at);
  if (!isTruncated && warnings === null) return outcome;
  return { ...outcome, ...(isTruncated ? { truncated: true } : {}), ...(warnings === null ? {} : { warnings }) };
}

const cancelledBeforeStart: Outcome = { kind: 'abandoned', because: 'cancelled', processed: 'no', last: null };
