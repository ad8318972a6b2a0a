// Ctrl-C and SIGTERM: the first asks to stop reading, the second to give up what is under way, a third ends the process.
//
//   none ── first ──▶ `stop` aborted ── second ──▶ `abandon` aborted ── third ──▶ Node's default: dead at once

// One press of Ctrl-C may arrive twice: the terminal sends it to everybody, and npm passes on its own.
const samePressMs = 250;

const signals = ['SIGINT', 'SIGTERM'] as const;

export class Interruption implements Disposable {
  readonly #stop: AbortController = new AbortController();
  readonly #abandon: AbortController = new AbortController();
  readonly #onSignal: () => void = () => this.#interrupt(performance.now());
  #lastMs = -Infinity;

  constructor() {
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  /** Read no more. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Wait no more. */
  get abandon(): AbortSignal {
    return this.#abandon.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }

  #interrupt(nowMs: number): void {
    if (nowMs - this.#lastMs < samePressMs) return;
    this.#lastMs = nowMs;
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      return;
    }
    this.#abandon.abort();
    this[Symbol.dispose]();
  }
}
