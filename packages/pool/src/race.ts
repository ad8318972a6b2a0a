/**
 * Several addresses, one connection: the first gets a head start, each next one joins when those before it have failed or
 * let a while pass, and the first that answers wins (RFC 8305, "Happy Eyeballs", for whole handshakes). An address that
 * swallows packets costs that while, once; a slow one is not cut short.
 */
import type { Clock, Timer } from './clock.ts';
import type { Address } from './resolver.ts';

/** 1 s: three round trips of 300 ms make a handshake; a gateway on the same continent is done in a tenth of it. */
export const headStartMs = 1000;

export interface Race<T> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Rejects with an Error; when `signal` aborts too, and then it leaves nothing behind. */
  readonly attempt: (address: string, signal: AbortSignal) => Promise<T>;
  /** One that answered when another had won already. */
  readonly discard: (late: T) => void;
  /** An address failed, or was overtaken by one that began after it. */
  readonly onFailed: (address: string) => void;
  /** Of the failures of all addresses the one to report. */
  readonly worse: (one: Error, other: Error) => Error;
}

export function raceAddresses<T>(addresses: readonly Address[], race: Race<T>): Promise<{ value: T; address: string }> {
  const { clock, signal } = race;
  return new Promise((resolve, reject) => {
    const runners = new AbortController();
    const running = new Set<string>();
    let next = 0;
    let failure: Error | null = null;
    let timer: Timer | null = null;
    let isOver = false;

    const end = (): void => {
      isOver = true;
      timer?.cancel();
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      if (isOver) return;
      end();
      runners.abort(signal.reason);
      reject(signal.reason as Error); // whoever aborts a dial gives an Error
    };
    const start = (): void => {
      timer?.cancel();
      const { address } = addresses[next];
      next++;
      running.add(address);
      race.attempt(address, runners.signal).then(
        (value) => answered(address, value),
        (error: unknown) => failed(address, error instanceof Error ? error : new Error(String(error))),
      );
      if (next < addresses.length) timer = clock.setTimer(headStartMs, start);
    };
    const answered = (address: string, value: T): void => {
      if (isOver) return race.discard(value);
      end();
      for (const slower of running) {
        if (slower === address) break;
        race.onFailed(slower);
      }
      resolve({ value, address });
      runners.abort(new Error('another address answered first'));
    };
    const failed = (address: string, error: Error): void => {
      running.delete(address);
      if (isOver) return;
      race.onFailed(address);
      failure = failure === null ? error : race.worse(failure, error);
      if (next < addresses.length) start();
      else if (running.size === 0) {
        end();
        reject(failure);
      }
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    start();
  });
}
