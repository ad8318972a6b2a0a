// Credit against floods (RFC 9113 §10.5, apns-protocol.md H.6), without a clock: every frame that only makes work costs
// a credit, every request served earns some back. A client that does its job never runs out; a flood does in one breath.

export interface FloodLimits {
  /** Credit at the start and at most. Default 2,000: Node's own server allows bursts of 1,000 resets. */
  readonly creditMax?: number;
  /** Earned by a request served. Default 4: a reset, a ping, a WINDOW_UPDATE and a PRIORITY each would still be free. */
  readonly creditPerRequest?: number;
}

export class FloodGuard {
  readonly #creditMax: number;
  readonly #creditPerRequest: number;
  #credit: number;

  constructor(limits: FloodLimits = {}) {
    this.#creditMax = limits.creditMax ?? 2_000;
    this.#creditPerRequest = limits.creditPerRequest ?? 4;
    this.#credit = this.#creditMax;
  }

  earn(requests: number): void {
    this.#credit = Math.min(this.#creditMax, this.#credit + requests * this.#creditPerRequest);
  }

  /** False when the peer has run out: the connection should end with ENHANCE_YOUR_CALM. */
  trySpend(): boolean {
    if (this.#credit <= 0) return false;
    this.#credit -= 1;
    return true;
  }
}
