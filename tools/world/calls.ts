// The callers of a world: they hand jobs to the engine in its three ways, read receipts as fast or as slowly as planned,
// and write down everything that they gave and got.
import type { Engine, Outcome, Receipt } from '../../packages/engine/src/index.ts';
import type { JobObject } from '../../packages/payload/src/index.ts';
import type { Dice } from './dice.ts';
import type { CallPlan, SendAllPlan, SendBytesPlan, SendPlan, SourceWays } from './plan.ts';
import type { Sleeper } from './virtual-time.ts';

/** What a caller knows at the end. */
export interface CallRecord {
  readonly plan: CallPlan;
  /** Jobs, or whole lines, that the engine has pulled or was given. */
  given: number;
  readonly receipts: Receipt[];
  /** Of single jobs: what became of each; an error where the engine took none. */
  readonly outcomes: Map<number, Outcome | Error>;
  /** What the call threw. */
  error: unknown;
  isCancelled: boolean;
  isStopped: boolean;
  hasLeft: boolean;
  isOver: boolean;
  /** The largest batch of receipts. */
  batchMost: number;
}

/** The source of a call fails with it. */
export class SourceFault extends Error {}

export class Caller {
  readonly record: CallRecord;
  readonly #plan: CallPlan;
  readonly #engine: Engine;
  readonly #time: Sleeper;
  readonly #dice: Dice;
  readonly #cancel = new AbortController();
  readonly #stop = new AbortController();
  readonly #note: (what: string) => void;

  constructor(plan: CallPlan, engine: Engine, time: Sleeper, dice: Dice, note: (what: string) => void) {
    this.#plan = plan;
    this.#engine = engine;
    this.#time = time;
    this.#dice = dice;
    this.#note = note;
    this.record = {
      plan,
      given: 0,
      receipts: [],
      outcomes: new Map(),
      error: null,
      isCancelled: false,
      isStopped: false,
      hasLeft: false,
      isOver: false,
      batchMost: 0,
    };
  }

  cancel(): void {
    this.record.isCancelled ||= !this.record.isOver;
    this.#cancel.abort();
  }

  stop(): void {
    this.record.isStopped ||= !this.record.isOver;
    this.#stop.abort();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const plan = this.#plan;
    await this.#time.sleep(plan.startsAtMs, 'gateway');
    try {
      if (plan.kind === 'single') await this.#single(plan);
      else if (plan.kind === 'jobs') await this.#jobs(plan);
      else await this.#bytes(plan);
    } catch (error) {
      this.record.error = error;
      this.#note(`${plan.name} ended with ${String(error)}`);
    }
    this.record.isOver = true;
    this.#note(`${plan.name} is over: ${this.record.given} given, ${this.record.receipts.length} receipts`);
  }

  async #bytes({ jobs, chunkBytes, source, sink, name }: SendBytesPlan): Promise<void> {
    const text = Buffer.from(jobs.map((job) => `${JSON.stringify(job)}\n`).join(''));
    const pieces: Buffer[] = [];
    for (let at = 0; at < text.length;) {
      const length = Math.min(text.length - at, this.#dice.whole(1, 2 * chunkBytes - 1));
      pieces.push(text.subarray(at, at + length));
      at += length;
    }
    const chunks = this.#source(pieces, source, (chunk) => {
      for (const byte of chunk) if (byte === 0x0a) this.record.given++;
    });
    const { signal } = this.#cancel;
    const receipts = this.#engine.sendBytes(chunks, { file: name, signal, stop: this.#stop.signal });
    await this.#take(receipts, sink.delayMs, sink.leavesAfter);
  }

  async #jobs({ jobs, source, sink }: SendAllPlan): Promise<void> {
    const pulled = this.#source(jobs, source, () => this.record.given++);
    const receipts = this.#engine.sendAll(pulled, { signal: this.#cancel.signal, stop: this.#stop.signal });
    await this.#take(oneByOne(receipts), sink.delayMs, sink.leavesAfter);
  }

  async #take(batches: AsyncIterable<readonly Receipt[]>, delayMs: number, leavesAfter: number | null): Promise<void> {
    let count = 0;
    for await (const batch of batches) {
      for (const receipt of batch) this.#keep(receipt);
      this.record.batchMost = Math.max(this.record.batchMost, batch.length);
      if (++count === leavesAfter) {
        this.record.hasLeft = true;
        return;
      }
      if (delayMs > 0) await this.#time.sleep(delayMs);
    }
  }

  #keep(receipt: Receipt): void {
    this.record.receipts.push(receipt);
    const { id, outcome, reason, because, attempts } = receipt;
    this.#note(
      `receipt ${id ?? `line ${receipt.line}`}: ${outcome} ${because ?? ''} ${reason ?? ''} after ${attempts}`,
    );
  }

  async #single({ jobs, everyMs, whenFull }: SendPlan): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const [at, job] of jobs.entries()) {
      if (this.#stop.signal.aborted) break;
      this.record.given++;
      sent.push(
        this.#engine.send(job, { whenFull, signal: this.#cancel.signal }).then(
          (outcome) => this.#kept(at, outcome),
          (error: unknown) => this.#kept(at, error instanceof Error ? error : new Error(String(error))),
        ),
      );
      if (everyMs > 0) await this.#time.sleep(everyMs);
    }
    await Promise.all(sent);
  }

  #kept(at: number, outcome: Outcome | Error): void {
    if (this.record.outcomes.has(at)) throw new Error(`job ${at} was settled twice`);
    this.record.outcomes.set(at, outcome);
    const kind = outcome instanceof Error ? outcome.message : outcome.kind;
    this.#note(`${this.#plan.name} job ${at}: ${kind}`);
  }

  #source<T>(pieces: readonly T[], ways: SourceWays, onPulled: (piece: T) => void): Iterable<T> | AsyncIterable<T> {
    return ways.delayMs === null
      ? promptSource(pieces, ways.failsAfter, onPulled)
      : slowSource(pieces, ways.failsAfter, onPulled, () => this.#time.sleep(ways.delayMs ?? 0));
  }
}

function* promptSource<T>(
  pieces: readonly T[],
  failsAfter: number | null,
  onPulled: (piece: T) => void,
): Generator<T, void, undefined> {
  for (const [at, piece] of pieces.entries()) {
    if (at === failsAfter) throw new SourceFault('the source is broken');
    onPulled(piece);
    yield piece;
  }
}

async function* slowSource<T>(
  pieces: readonly T[],
  failsAfter: number | null,
  onPulled: (piece: T) => void,
  wait: () => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  for (const [at, piece] of pieces.entries()) {
    await wait();
    if (at === failsAfter) throw new SourceFault('the source is broken');
    onPulled(piece);
    yield piece;
  }
}

async function* oneByOne(receipts: AsyncIterable<Receipt>): AsyncGenerator<readonly Receipt[], void, undefined> {
  for await (const receipt of receipts) yield [receipt];
}

/** The id by which a job and its receipt know one another. */
export function idOf(job: JobObject): string {
  return job.id ?? '';
}
