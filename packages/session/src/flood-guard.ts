// Counts what the peer sends by kind, and says when it is too much (apns-protocol.md H.6).
import type { SessionCounters } from './counters.ts';
import type { FloodName, FloodRate } from './session-options.ts';

interface Watch {
  readonly rate: FloodRate;
  windowEndsAt: number;
  count: number;
  /** Streams opened before the window began. */
  openedBefore: number;
}

export class FloodGuard {
  readonly #counters: SessionCounters;
  readonly #streamsMax: number;
  readonly #watches: Record<FloodName, Watch>;

  constructor(rates: Record<FloodName, FloodRate>, streamsMax: number, counters: SessionCounters) {
    this.#counters = counters;
    this.#streamsMax = streamsMax;
    const watch = (name: FloodName): Watch => ({
      rate: rates[name],
      windowEndsAt: -Infinity,
      count: 0,
      openedBefore: 0,
    });
    this.#watches = {
      settingsFrames: watch('settingsFrames'),
      pings: watch('pings'),
      strayAcks: watch('strayAcks'),
      emptyData: watch('emptyData'),
      smallData: watch('smallData'),
      strayResets: watch('strayResets'),
      strayFrames: watch('strayFrames'),
      provokedResets: watch('provokedResets'),
      unknownFrames: watch('unknownFrames'),
      priorityFrames: watch('priorityFrames'),
      windowUpdates: watch('windowUpdates'),
      interimReplies: watch('interimReplies'),
      goAways: watch('goAways'),
    };
  }

  /** Counts one frame; false when it is one too many. */
  allows(name: FloodName, now: number): boolean {
    this.#counters[name] += 1;
    const watch = this.#watches[name];
    if (now >= watch.windowEndsAt) {
      watch.windowEndsAt = now + watch.rate.windowMs;
      watch.count = 0;
      watch.openedBefore = this.#counters.streamsOpened;
    }
    watch.count += 1;
    // Streams of the window, and as many as may have been open when it began or just before.
    const streams = this.#counters.streamsOpened - watch.openedBefore + Math.min(watch.openedBefore, this.#streamsMax);
    return watch.count <= watch.rate.count + watch.rate.perStream * streams;
  }
}
