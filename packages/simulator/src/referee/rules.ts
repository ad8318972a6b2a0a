// What the referee judges by: its own table of conduct, written from Apple's pages and RFC 9113 a second time. It is not
// the sender's table on purpose: a misunderstanding that both shared would cancel out.

export type RuleId =
  | 'connections-steady'
  | 'streams-within-limit'
  | 'one-team'
  | 'provider-token-steady'
  | 'dead-tokens-stay-dead'
  | 'errors-rare'
  | 'device-not-flooded'
  | 'retries-budgeted'
  | 'goaway-obeyed'
  | 'pings-sparing'
  | 'frames-clean';

/** Units in the names. "Ours" marks a choice: Apple publishes no number. */
export const refereeLimits = {
  /** Ours: dials of one source that no end by the gateway explains; one a second for a minute. */
  dialsMax: 60,
  dialsWindowMs: 60_000, // 1 min
  /** Ours: connections that the client itself ended within `shortLifeMs`. */
  shortLivesMax: 16,
  shortLivesWindowMs: 60_000, // 1 min
  shortLifeMs: 10_000, // 10 s
  /** Ours: dials while the gateway serves nobody, from the third barren connection in a row on. */
  refusedDialsMax: 30,
  refusedDialsWindowMs: 10_000, // 10 s
  barrenStreakMin: 3,
  /** Ours: so many pauses in a row, all alike or each twice the one before, are no jitter. */
  evenPausesMin: 8,
  doublingPausesMin: 5,
  /** SNR: one stream on a token connection until a request with a valid token was posted. */
  unprovenStreamsMax: 1,
  /** RFC 9113 §6.5.2: what a peer should grant at least, and so what a client may assume before SETTINGS. */
  assumedStreamsMax: 100,
  /** TOK: a connection belongs to one team. Ours: and to one key. */
  credentialsMax: 1,
  /** TOK: at most one new token in 20 minutes. `tokenSlackMs`: what was sent 20 minutes apart may arrive closer. */
  tokenChangeMinMs: 1_200_000, // 20 min
  tokenSlackMs: 30_000, // 30 s
  /** The one in use and its successor, of one key and source, that show up within 20 minutes. */
  tokensMax: 2,
  /** TOK: refused when older than an hour. */
  tokenAgeMaxMs: 3_600_000, // 60 min
  /** Ours: how far the clock of a sender may be ahead. */
  tokenAheadMaxMs: 60_000, // 1 min
  /** HNR: nothing more goes to a token that was answered 410. */
  deadPushesMax: 0,
  /** Ours: share of a connection's replies that may be refusals; above it is a notice, for unknown tokens are nobody's fault. */
  refusalsMaxPercent: 2,
  refusalsWindowReplies: 1_000,
  /** HNR: BadDeviceToken and DeviceTokenNotForTopic must not be tried again; ours: so much chance is left. */
  repeatsMaxPercent: 2,
  /** HNR asks for a delay after 429 TooManyRequests; reports of one delivery each 20 s (F). */
  deviceDelayMs: 20_000, // 20 s
  /** HNR: 5xx may be retried after 15 minutes. */
  serverErrorDelayMs: 900_000, // 15 min
  /** Ours: a Retry-After beyond it binds nobody. */
  retryAfterMaxMs: 3_600_000, // 60 min
  /** Google SRE: a tenth of first attempts; ours: 10 a second at least, and one connection's streams (1000) at once. */
  retriesMaxPercent: 10,
  retriesMinPerSecond: 10,
  retriesBurst: 1_000,
  retriesWindowMs: 10_000, // 10 s
  /** RFC 9113 §6.8: receivers of GOAWAY must not open streams. */
  streamsAfterGoAwayMax: 0,
  /** SNR: one after an hour of idleness. Ours: a busy sender may ask whether a silent gateway lives, every 2 s. */
  pingsMax: 10,
  pingsWindowMs: 20_000, // 20 s
  /** SNR: no PRIORITY frames, no compressed bodies; HNR: no header twice. */
  oddFramesMax: 0,
} as const;

export type RefereeLimits = { readonly [Name in keyof typeof refereeLimits]: number };

type Unit =
  | 'dials'
  | 'connections'
  | 'pauses'
  | 'streams'
  | 'keys'
  | 'tokens'
  | 'pushes'
  | 'replies'
  | '%'
  | 'retries'
  | 'retries/s'
  | 'pings'
  | 'frames'
  | 'ms';

export interface RefereeRule {
  readonly id: RuleId;
  /** What is counted as a violation. */
  readonly measures: string;
  readonly limits: readonly { readonly name: keyof RefereeLimits; readonly unit: Unit }[];
  readonly source: string;
}

export const refereeRules: readonly RefereeRule[] = [
  {
    id: 'connections-steady',
    measures: 'dials of one source too fast, connections given up at once, storms while refused, pauses without jitter',
    limits: [
      { name: 'dialsMax', unit: 'dials' },
      { name: 'dialsWindowMs', unit: 'ms' },
      { name: 'shortLivesMax', unit: 'connections' },
      { name: 'shortLivesWindowMs', unit: 'ms' },
      { name: 'shortLifeMs', unit: 'ms' },
      { name: 'refusedDialsMax', unit: 'dials' },
      { name: 'refusedDialsWindowMs', unit: 'ms' },
      { name: 'barrenStreakMin', unit: 'connections' },
      { name: 'evenPausesMin', unit: 'pauses' },
      { name: 'doublingPausesMin', unit: 'pauses' },
    ],
    source: 'Apple, Establishing a connection to APNs: rapid connecting may be taken for a denial-of-service attack',
  },
  {
    id: 'streams-within-limit',
    measures: 'streams opened above the limit that the client knew',
    limits: [
      { name: 'unprovenStreamsMax', unit: 'streams' },
      { name: 'assumedStreamsMax', unit: 'streams' },
    ],
    source: 'RFC 9113 §5.1.2; Apple, Sending notification requests to APNs',
  },
  {
    id: 'one-team',
    measures: 'further keys or teams on one connection',
    limits: [{ name: 'credentialsMax', unit: 'keys' }],
    source: 'Apple, Establishing a token-based connection to APNs',
  },
  {
    id: 'provider-token-steady',
    measures: 'provider tokens changed too soon, made too close together, too old, or from the future',
    limits: [
      { name: 'tokenChangeMinMs', unit: 'ms' },
      { name: 'tokenSlackMs', unit: 'ms' },
      { name: 'tokensMax', unit: 'tokens' },
      { name: 'tokenAgeMaxMs', unit: 'ms' },
      { name: 'tokenAheadMaxMs', unit: 'ms' },
    ],
    source: 'Apple, Establishing a token-based connection to APNs',
  },
  {
    id: 'dead-tokens-stay-dead',
    measures: 'pushes to a device token whose 410 the client had received',
    limits: [{ name: 'deadPushesMax', unit: 'pushes' }],
    source: 'Apple, Handling notification responses from APNs',
  },
  {
    id: 'errors-rare',
    measures: 'tokens known to be refused among accepted ones on a connection (notice: any refusals above the share)',
    limits: [
      { name: 'repeatsMaxPercent', unit: '%' },
      { name: 'refusalsMaxPercent', unit: '%' },
      { name: 'refusalsWindowReplies', unit: 'replies' },
    ],
    source: 'Apple, Handling notification responses from APNs: never retry these; 4xx slow a connection down',
  },
  {
    id: 'device-not-flooded',
    measures: 'pushes to a device token whose 429 the client had received, before its delay was over',
    limits: [{ name: 'deviceDelayMs', unit: 'ms' }],
    source: 'Apple, Handling notification responses; Troubleshooting push notifications',
  },
  {
    id: 'retries-budgeted',
    measures: 'an apns-id sent again without cause or before its time, and too many retries beside first attempts',
    limits: [
      { name: 'serverErrorDelayMs', unit: 'ms' },
      { name: 'retryAfterMaxMs', unit: 'ms' },
      { name: 'retriesMaxPercent', unit: '%' },
      { name: 'retriesMinPerSecond', unit: 'retries/s' },
      { name: 'retriesBurst', unit: 'retries' },
      { name: 'retriesWindowMs', unit: 'ms' },
    ],
    source: 'Apple, Handling notification responses; RFC 9110 §10.2.3; Google SRE, Handling overload',
  },
  {
    id: 'goaway-obeyed',
    measures: 'streams opened after the client had received GOAWAY',
    limits: [{ name: 'streamsAfterGoAwayMax', unit: 'streams' }],
    source: 'RFC 9113 §6.8',
  },
  {
    id: 'pings-sparing',
    measures: 'PINGs of one connection',
    limits: [
      { name: 'pingsMax', unit: 'pings' },
      { name: 'pingsWindowMs', unit: 'ms' },
    ],
    source: 'Apple, Sending notification requests to APNs; RFC 9113 §10.5',
  },
  {
    id: 'frames-clean',
    measures: 'PRIORITY, pushed or unknown frames, compressed bodies, and headers or paths that are not as documented',
    limits: [{ name: 'oddFramesMax', unit: 'frames' }],
    source: 'Apple, Sending notification requests to APNs; RFC 9113 §8.2',
  },
];
