// How far the sending is: a bar when stderr is a terminal, a log line now and then otherwise.
import { SingleBar } from 'cli-progress';
import type { BarStream } from 'cli-progress';
import type { Logger } from 'pino';

export interface ProgressNow {
  readonly settled: number;
  readonly accepted: number;
  /** Read and not settled. */
  readonly underWay: number;
  readonly readBytes: number;
  /** Null when an input has no known end. */
  readonly totalBytes: number | null;
}

export interface Progress {
  stop(): void;
}

// 200 ms: as often as a number can be read. 5 s: often enough for a log that is watched, rare enough for one that is kept.
const barEveryMs = 200;
const lineEveryMs = 5_000;

export function showBar(terminal: NodeJS.WriteStream, now: () => ProgressNow): Progress {
  const startedMs = performance.now();
  const rate = new RecentRate();
  const { totalBytes } = now();
  const bar = new SingleBar({
    format:
      totalBytes === null
        ? '{settled} settled · {rate}/s · {accepted} accepted · {other} other · {underWay} under way'
        : '{bar} {percentage} % · {settled} settled · {rate}/s · {accepted} accepted · {other} other · {underWay} under way · {left}',
    stream: withoutCursorJumps(terminal),
    barsize: 24,
    hideCursor: true,
    // Interruptions are handled in one place, and not here.
    gracefulExit: false,
  });
  const draw = (): void => {
    const state = now();
    const elapsedMs = performance.now() - startedMs;
    const settledShare = state.settled / Math.max(1, state.settled + state.underWay);
    bar.update(Math.min(totalBytes ?? 1, state.readBytes * settledShare), {
      ...shown(state, rate.at(elapsedMs, state.settled)),
      left: timeLeft(state, elapsedMs),
    });
  };
  bar.start(totalBytes ?? 1, 0, { ...shown(now(), 0), left: '' });
  const timer = setInterval(draw, barEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      draw();
      bar.stop();
    },
  };
}

export function logProgress(logger: Logger, now: () => ProgressNow): Progress {
  const startedMs = performance.now();
  const rate = new RecentRate();
  const timer = setInterval(() => {
    const { settled, accepted, underWay, readBytes, totalBytes } = now();
    const perSecond = rate.at(performance.now() - startedMs, settled);
    logger.info(
      { settled, accepted, other: settled - accepted, underWay, perSecond, readBytes, totalBytes },
      'sending',
    );
  }, lineEveryMs);
  return { stop: () => clearInterval(timer) };
}

function shown(state: ProgressNow, perSecond: number): Record<string, string> {
  const { settled, accepted, underWay } = state;
  return {
    settled: grouped(settled),
    accepted: grouped(accepted),
    other: grouped(settled - accepted),
    underWay: grouped(underWay),
    rate: grouped(perSecond),
  };
}

/** From the bytes read so far, and what share of all they are. */
function timeLeft({ readBytes, totalBytes, settled, underWay }: ProgressNow, elapsedMs: number): string {
  if (totalBytes === null || settled === 0 || elapsedMs < 1_000) return '';
  const settledBytes = (readBytes * settled) / (settled + underWay);
  const leftSeconds = Math.round((elapsedMs * Math.max(0, totalBytes - settledBytes)) / settledBytes / 1000);
  if (leftSeconds < 60) return `${leftSeconds} s left`;
  return leftSeconds < 3600 ? `${Math.round(leftSeconds / 60)} min left` : `${(leftSeconds / 3600).toFixed(1)} h left`;
}

/** 1234567 → 1,234,567. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

// 15 samples of 200 ms are three seconds of a bar: what is going on now, and not what was an hour ago.
const samplesMax = 15;

/** Settled a second, over the last samples. */
class RecentRate {
  readonly #samples: { readonly atMs: number; readonly settled: number }[] = [{ atMs: 0, settled: 0 }];

  at(elapsedMs: number, settled: number): number {
    const oldest = this.#samples[0];
    this.#samples.push({ atMs: elapsedMs, settled });
    if (this.#samples.length > samplesMax) this.#samples.shift();
    return Math.round(((settled - oldest.settled) * 1000) / Math.max(1, elapsedMs - oldest.atMs));
  }
}

/** The terminal without "save" and "restore the cursor": lines of the log would be overwritten by what comes after. */
function withoutCursorJumps(terminal: NodeJS.WriteStream): BarStream {
  return {
    isTTY: terminal.isTTY,
    get columns() {
      return terminal.columns;
    },
    write: (text) => text === '\u001b7' || text === '\u001b8' || terminal.write(text),
  };
}
