/**
 * The gate that every dial passes: at most so many handshakes at once, at most so many begun in an interval. Rapid
 * connecting and disconnecting may be taken for an attack (Apple, "Establishing a connection to APNs").
 */
import PQueue from 'p-queue';

export interface DialGate {
  /** Runs `dial` when the gate lets it; rejects when `signal` aborts first. */
  pass<T>(dial: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface DialGateLimits {
  readonly concurrency: number;
  /** Dials begun in any `intervalMs`. */
  readonly intervalCap: number;
  readonly intervalMs: number;
}

export function queuedDialGate(limits: DialGateLimits): DialGate {
  const queue = new PQueue({
    concurrency: limits.concurrency,
    intervalCap: limits.intervalCap,
    interval: limits.intervalMs,
  });
  return {
    pass: (dial, signal) => queue.add(dial, { signal }),
  };
}
