// Where things are in the drawing of a timeline, in pixels, and their colours.

export const width = 1_200;
/** The plots' left and right edges: names and scales are left of them, totals and legends right. */
export const left = 176;
export const rightEdge = 1_040;
export const plotWidth: number = rightEdge - left;

/** Told apart by people who do not see red or green, too: they differ in lightness. */
export const colours = {
  requests: '#1f4e9c',
  accepted: '#a7d8b5',
  gone: '#afb8c1',
  refused: '#e8a33d',
  throttled: '#8e6bbf',
  failed: '#7a3e1d',
  unanswered: '#24292f',
  inFlight: '#8fb8e8',
  limit: '#57606a',
  p50: '#1f4e9c',
  p99: '#e07b39',
  fault: '#bf8700',
  goAway: '#bf8700',
  violation: '#c1121f',
  good: '#1a7f37',
  bar: '#edf0f3',
  lowered: '#f5d5ae',
} as const;

/** A part of the picture, and how high it is. */
export interface Drawing {
  readonly svg: readonly string[];
  readonly height: number;
}
