import type { PreparedBatch, WarningCode } from '@carillon/payload';

/** What the engine counts, as plain numbers. Jobs settle in exactly one of the five ways. */
export interface EngineCounters {
  /** Pushes that APNs accepted, refused, or said are for a device that is gone; those we gave up. */
  accepted: number;
  rejected: number;
  unregistered: number;
  abandoned: number;
  /** Lines and jobs that were refused before they became pushes. */
  refused: number;
  /** Pushes with warnings, and pushes whose alert was shortened to fit. */
  warned: number;
  truncated: number;
  /** Pushes by what they were warned about. */
  warnings: Partial<Record<WarningCode, number>>;
  attempts: number;
  /** Sent again after proof that they were not processed. */
  resends: number;
  /** Sent again, or settled, without knowing whether APNs took them the first time. */
  ambiguous: number;
  /** Put off by a verdict, to be tried later. */
  delayed: number;
}

export function newCounters(): EngineCounters {
  return {
    accepted: 0,
    rejected: 0,
    unregistered: 0,
    abandoned: 0,
    refused: 0,
    warned: 0,
    truncated: 0,
    warnings: {},
    attempts: 0,
    resends: 0,
    ambiguous: 0,
    delayed: 0,
  };
}

/** What was said about the pushes of a batch when they were prepared. */
export function countWarnings(counters: EngineCounters, { warnings: sets, truncated }: PreparedBatch): void {
  counters.truncated += truncated;
  for (const { warnings, records } of sets) {
    counters.warned += records;
    for (const code of new Set(warnings.map((warning) => warning.code))) {
      counters.warnings[code] = (counters.warnings[code] ?? 0) + records;
    }
  }
}
