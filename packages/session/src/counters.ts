// What a session counts. Plain numbers that only rise; the owner reads them whenever it likes.
import type { FloodName } from './session-options.ts';

export interface SessionCounters extends Record<FloodName, number> {
  streamsOpened: number;
  /** Ids left out because their row was still taken by an older stream. */
  idsSkipped: number;
  replies: number;
  /** Replies whose body was longer than what is kept. */
  bodiesTruncated: number;
  /** Replies delivered on the strength of a 200, though the stream was cut off before its end. */
  repliesCutOff: number;
  failures: number;
  refused: number;
  timeouts: number;
  malformed: number;
  resetsReceived: number;
  resetsSent: number;
  continuations: number;
  pingsSent: number;
  pongs: number;
  /** GOAWAYs that named a higher last-stream-id than one before, and were ignored for it. */
  goAwaysRaised: number;
  /** Requests whose body had to wait for the stream's window. */
  bodiesHeld: number;
  /** Ticks that came so late that the deadlines were moved. */
  lateTicks: number;
}

export function createCounters(): SessionCounters {
  return {
    streamsOpened: 0,
    idsSkipped: 0,
    replies: 0,
    bodiesTruncated: 0,
    repliesCutOff: 0,
    failures: 0,
    refused: 0,
    timeouts: 0,
    malformed: 0,
    resetsReceived: 0,
    resetsSent: 0,
    continuations: 0,
    pingsSent: 0,
    pongs: 0,
    goAwaysRaised: 0,
    bodiesHeld: 0,
    lateTicks: 0,
    settingsFrames: 0,
    pings: 0,
    strayAcks: 0,
    emptyData: 0,
    smallData: 0,
    strayResets: 0,
    strayFrames: 0,
    provokedResets: 0,
    unknownFrames: 0,
    priorityFrames: 0,
    windowUpdates: 0,
    interimReplies: 0,
    goAways: 0,
  };
}
