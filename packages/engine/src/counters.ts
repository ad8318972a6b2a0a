/** What the engine counts, as plain numbers. Jobs settle in exactly one of the five ways. */
export interface EngineCounters {
  /** Pushes that APNs accepted, refused, or said are for a device that is gone; those we gave up. */
  accepted: number;
  rejected: number;
  unregistered: number;
  abandoned: number;
  /** Lines and jobs that were refused before they became pushes. */
  refused: number;
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
    attempts: 0,
    resends: 0,
    ambiguous: 0,
    delayed: 0,
  };
}
