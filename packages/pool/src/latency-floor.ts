/**
 * What an answer of a gateway takes when nothing waits there: the least of the means of late round trips. Connections to
 * one address share a floor: one that is opened while the gateway is busy would else take a queue for the distance. It is
 * forgotten after a while, so another path is learned. Pure; time is an argument.
 */
export class LatencyFloor {
  readonly #windowMs: number;
  /** The window in two halves: what is known is between half a window and a whole one old. */
  #beforeMs = Infinity;
  #nowMs = Infinity;
  #halfEndsAt = -Infinity;

  /** `windowMs`, or 64 round trips if that is longer: some swings of a limit, each of which shows the floor. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Infinity before the first round trip. */
  get ms(): number {
    return Math.min(this.#beforeMs, this.#nowMs);
  }

  learn(meanMs: number, now: number): void {
    if (now >= this.#halfEndsAt) {
      this.#beforeMs = this.#nowMs;
      this.#nowMs = Infinity;
      const leastMs = Math.min(meanMs, this.#beforeMs);
      this.#halfEndsAt = now + Math.max(this.#windowMs, leastMs * windowRounds) / 2;
    }
    if (meanMs < this.#nowMs) this.#nowMs = meanMs;
  }
}

const windowRounds = 64;
/** More addresses than Apple's name has been seen to give at a time (8). */
const addressesMax = 32;

/** The floors of a pool, by address. The address that was asked for longest ago is forgotten first. */
export class LatencyFloors {
  readonly #windowMs: number;
  readonly #floors = new Map<string, LatencyFloor>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  of(address: string): LatencyFloor {
    const floor = this.#floors.get(address) ?? new LatencyFloor(this.#windowMs);
    this.#floors.delete(address);
    this.#floors.set(address, floor);
    const [oldest] = this.#floors.keys();
    if (this.#floors.size > addressesMax && oldest !== undefined) this.#floors.delete(oldest);
    return floor;
  }
}
