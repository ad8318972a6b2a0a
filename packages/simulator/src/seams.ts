// Time and chance as seams: a gateway that runs inside a simulated world gets both from there, and the same seed gives
// the same gateway.
import { randomUUID } from 'node:crypto';

export interface SimulatorClock {
  /** Wall clock, milliseconds since 1970. */
  epochMs(): number;
  /** Calls `fire` once, `delayMs` from now at the earliest. Does not keep a process alive. */
  setTimer(delayMs: number, fire: () => void): SimulatorTimer;
  /** Calls `fire` at the end of this turn of the event loop, after the input that is already there was handled. */
  endOfTurn(fire: () => void): void;
}

export interface SimulatorTimer {
  cancel(): void;
}

export interface SimulatorRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** A UUID in lower case: the ids of answers. */
  uuid(): string;
}

export const systemClock: SimulatorClock = {
  epochMs: () => Date.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  endOfTurn(fire) {
    setImmediate(fire);
  },
};

export const systemRandom: SimulatorRandom = { next: () => Math.random(), uuid: () => randomUUID() };
