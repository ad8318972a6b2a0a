/**
 * One call of `sendAll` or `sendBytes`: a feeder pulls the source while there is room, pushes settle here, and the caller
 * takes receipts. When the caller takes none, the feeder stops; nothing grows.
 */
import type { App } from './app.ts';
import type { Lanes } from './lane.ts';
import type { Outcome } from './outcome.ts';
import type { Push, Sink } from './push.ts';
import { isoTime, makeReceipt, refusalReceipt } from './receipt.ts';
import type { Origin, Receipt, Refused } from './receipt.ts';
import type { Pipeline } from './pipeline.ts';
import { Source } from './source.ts';

/** Receipts are handed over at the end of a turn, or when so many are there. */
const handOver = 512;

export class Run implements Sink {
  isCancelled = false;
  readonly lanes: Lanes | null;
  readonly #pipeline: Pipeline;
  readonly #origin: Origin;
  #receipts: Receipt[] = [];
  #outstanding = 0;
  #isFed = false;
  #failure: { readonly error: unknown } | null = null;
  #wakeConsumer: (() => void) | null = null;
  #wakeFeeder: (() => void) | null = null;
  #isWakeDue = false;
  #isLeft = false;
  /** One for each app that the call sends to. */
  readonly #sources = new Map<App, Source>();

  /** `lanes`: where its pushes wait, if not in those of their apps. */
  constructor(pipeline: Pipeline, origin: Origin, lanes: Lanes | null = null) {
    this.lanes = lanes;
    this.#pipeline = pipeline;
    this.#origin = origin;
  }

  /** A call of a dirty app begins on probation, and has to prove that it is better. */
  sourceOf(app: App): Source {
    const known = this.#sources.get(app);
    if (known !== undefined) return known;
    const source = new Source('call', app.name, app.source.isDirty);
    this.#sources.set(app, source);
    return source;
  }

  /** What it sends travels on probation now, for one of its apps at least. */
  get isOnProbation(): boolean {
    for (const source of this.#sources.values()) if (this.#pipeline.probation.isOn(source)) return true;
    return false;
  }

  /** Pushes that have not settled. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** So many pushes will settle here. */
  expect(pushes: number): void {
    this.#outstanding += pushes;
  }

  settled(push: Push, outcome: Outcome, latencyMs: number | null): void {
    this.#outstanding--;
    if (this.#isLeft) return;
    this.#receipts.push(makeReceipt(push, outcome, latencyMs, this.#pipeline.stamp(), this.#origin));
    this.#wakeSoon();
  }

  refuse(refused: readonly Refused[]): void {
    if (refused.length === 0) return;
    const at = isoTime(this.#pipeline.clock.epochMs());
    for (const one of refused) this.#receipts.push(refusalReceipt(one, at, this.#origin));
    this.#pipeline.counters.refused += refused.length;
    this.#wakeSoon();
  }

  /** The source is at its end, or failed with `failure`, which the caller gets after the last receipt. */
  fed(failure: { readonly error: unknown } | null): void {
    this.#isFed = true;
    this.#failure = failure;
    this.#wake();
  }

  /** The next receipts; null when every job has its receipt. Rejects with what the source failed with, after the last. */
  async take(): Promise<Receipt[] | null> {
    while (this.#receipts.length === 0) {
      if (this.#isFed && this.#outstanding === 0) {
        if (this.#failure !== null) throw this.#failure.error;
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
    }
    const receipts = this.#receipts;
    this.#receipts = [];
    this.#wakeFeederNow();
    return receipts;
  }

  /** So many receipts wait for their consumer that nothing more should be read. */
  get isFull(): boolean {
    return this.#receipts.length >= this.#pipeline.settings.limits.receiptsMax;
  }

  /** Resolves when the receipts that nobody has taken are few enough to go on, or `stop` is aborted. */
  async roomForReceipts(stop: AbortSignal): Promise<void> {
    const wake = (): void => this.#wakeFeederNow();
    while (!stop.aborted && this.isFull) {
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
        stop.addEventListener('abort', wake, { once: true });
      });
      stop.removeEventListener('abort', wake);
    }
  }

  /** Nobody takes receipts any more: a feeder that waits for that goes on, and finds that it is stopped. */
  leave(): void {
    this.#isLeft = true;
    const { probation } = this.#pipeline;
    for (const [app, source] of this.#sources) probation.ended(source, app.source, app.outlet.endpoint);
    this.#sources.clear();
    this.isCancelled = true;
    this.#receipts = [];
    this.#wakeFeederNow();
  }

  #wakeFeederNow(): void {
    this.#wakeFeeder?.();
    this.#wakeFeeder = null;
  }

  #wakeSoon(): void {
    if (this.#wakeConsumer === null) return;
    if (this.#receipts.length >= handOver) this.#wake();
    else if (!this.#isWakeDue) {
      this.#isWakeDue = true;
      this.#pipeline.clock.endOfTurn(() => {
        this.#isWakeDue = false;
        this.#wake();
      });
    }
  }

  #wake(): void {
    this.#wakeConsumer?.();
    this.#wakeConsumer = null;
  }
}
