/**
 * Time as a seam: everything in pool and engine reads clocks and sets timers through this interface, so that a
 * simulated world can run on virtual time.
 */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. Ages, deadlines and round trips are measured with it. */
  now(): number;
  /** Wall clock, milliseconds since 1970. May step; used for what the outside world dates. */
  epochMs(): number;
  /** Calls `fire` once, `delayMs` from now at the earliest. */
  setTimer(delayMs: number, fire: () => void): Timer;
  /** Calls `fire` at the end of this turn of the event loop, after the input that is already there was handled. */
  endOfTurn(fire: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** Node's own clocks and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setTimer(delayMs, fire) {
    // 2^31 − 1 ms: setTimeout takes a larger delay for 1 ms.
    const timer = setTimeout(fire, Math.min(delayMs, 0x7fffffff));
    return { cancel: () => clearTimeout(timer) };
  },
  endOfTurn(fire) {
    setImmediate(fire);
  },
};
