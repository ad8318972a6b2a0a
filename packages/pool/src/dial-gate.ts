/**
 * The gate that every dial passes: at most so many handshakes at once, at most so many begun in an interval. Rapid
 * connecting and disconnecting may be taken for an attack (Apple, "Establishing a connection to APNs").
 *
 * p-queue keeps order and concurrency. Its own interval reads the wall clock, and a clock that is set back an hour would
 * hold every dial up for that hour; the interval is therefore kept here, on the monotonic clock.
 */
import PQueue from 'p-queue';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { DialPace } from './dial-pace.ts';

export interface DialGate {
  /**
   * Runs `dial` when the gate lets it; rejects when `signal` aborts before. A dial that runs gets to its own end: what
   * it gives is never lost.
   */
  pass<T>(dial: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface DialGateLimits {
  readonly concurrency: number;
  /** Dials begun in any `intervalMs`. */
  readonly intervalCap: number;
  readonly intervalMs: number;
}

/** One gate may be shared by several pools that dial the same gateway. */
export function queuedDialGate(limits: DialGateLimits, clock: Clock = systemClock): DialGate {
  const queue = new PQueue({ concurrency: limits.concurrency });
  const pace = new DialPace(limits.intervalCap, limits.intervalMs);

  /** Waits until a dial may begin, or `signal` aborts. */
  const begin = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const now = clock.now();
      const waitMs = pace.readyAt() - now;
      if (waitMs <= 0) {
        pace.note(now);
        return;
      }
      await pause(clock, waitMs, signal);
    }
  };

  return {
    pass: <T>(dial: () => Promise<T>, signal: AbortSignal) =>
      new Promise<T>((resolve, reject) => {
        // Whoever waits in the queue learns of the abort at once, not when the turn comes.
        const abort = (): void => reject(reasonOf(signal));
        signal.addEventListener('abort', abort, { once: true });
        queue
          .add(async () => {
            await begin(signal);
            signal.removeEventListener('abort', abort);
            // Asked here and nowhere earlier: nothing may come between this answer and the dial.
            if (signal.aborted) abort();
            else resolve(await dial());
          })
          .catch(reject);
      }),
  };
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
