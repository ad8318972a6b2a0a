/**
 * A pool's dials: one on its way at a time, through the gate, after the backoff that failures in a row ask for. A dial has
 * succeeded for good when its connection brings a first reply, not when TLS stands.
 *
 *   idle ──request──► backoff (only after failures) ──► at the gate, dialling ──► idle
 *                        └──── succeeded ──────────────────▲
 */
import { fullJitterMs } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import type { DialGate } from './dial-gate.ts';
import type { Dialed, Dialer, DialTarget } from './dialer.ts';
import { translateTransportError } from './errors.ts';
import type { TransportError } from './errors.ts';
import type { PoolPolicy } from './pool-policy.ts';
import type { Random } from './random.ts';
import { hearErrors } from './socket-events.ts';

export interface DialsOwner {
  onDialed(dialed: Dialed): void;
  onDialFailed(error: TransportError): void;
}

export interface DialsOptions {
  readonly endpoint: string;
  readonly target: DialTarget;
  readonly policy: PoolPolicy;
  readonly dialer: Dialer;
  readonly gate: DialGate;
  readonly clock: Clock;
  readonly random: Random;
}

export class Dials {
  readonly #options: DialsOptions;
  readonly #owner: DialsOwner;
  readonly #abort = new AbortController();
  #backoff: Timer | null = null;
  #isDialing = false;
  /** In a row; the first reply on a new connection sets it back. */
  #failures = 0;
  begun = 0;

  constructor(options: DialsOptions, owner: DialsOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  get failures(): number {
    return this.#failures;
  }

  /** One is waiting for its backoff, at the gate, or on its way. */
  get isPending(): boolean {
    return this.#isDialing || this.#backoff !== null;
  }

  /** One more connection, please. Nothing happens while one is pending. */
  request(): void {
    if (this.isPending || this.#abort.signal.aborted) return;
    if (this.#failures === 0) {
      void this.#dial();
      return;
    }
    const { policy, random, clock } = this.#options;
    const delayMs = fullJitterMs(this.#failures, policy.dialBackoff, random);
    this.#backoff = clock.setTimer(delayMs, () => {
      this.#backoff = null;
      void this.#dial();
    });
  }

  /** A connection proved itself: whoever waits for a backoff waits no longer. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#backoff === null) return;
    this.#backoff.cancel();
    this.#backoff = null;
    void this.#dial();
  }

  /** What was dialled was no good; `weight` failures in a row count at once. */
  failed(weight = 1): void {
    this.#failures += weight;
  }

  /** No dial from now on; one on its way is aborted, and what it still brings is closed. */
  stop(): void {
    this.#backoff?.cancel();
    this.#backoff = null;
    this.#isDialing = false;
    this.#abort.abort(new Error('the pool is closing'));
  }

  /** Never rejects: the owner hears of failures. */
  async #dial(): Promise<void> {
    const { gate, dialer, target, endpoint } = this.#options;
    const { signal } = this.#abort;
    this.#isDialing = true;
    let dialed: Dialed;
    try {
      dialed = await gate.pass(() => {
        this.begun++;
        return dialer.dial(target, signal);
      }, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#isDialing = false;
      this.#owner.onDialFailed(translateTransportError(error, endpoint));
      return;
    }
    if (signal.aborted) {
      hearErrors(dialed.stream);
      dialed.stream.destroy();
      return;
    }
    this.#isDialing = false;
    this.#owner.onDialed(dialed);
  }
}
