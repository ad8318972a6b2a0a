// What Apple treats as abuse, as a table of rules: the engine turns the limits into numbers that the pool obeys, and
// reports name the rules by their ids. The simulator's referee judges by a table of its own.

import { dayMs } from './time.ts';

export type ConductRuleId =
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

/** Each with its unit in its name. "Ours" marks a choice where Apple publishes no number. */
export const conductLimits = {
  /** Ours, as Pushy: the longest wait between two dials. Apple: rapid connects look like an attack. */
  dialBackoffMaxMs: 60_000,
  /** Apple, Sending notification requests: one stream until a request with a valid token was posted. */
  unprovenStreamsMax: 1,
  /** Apple, Establishing a token-based connection: one team a connection. */
  credentialsAConnectionMax: 1,
  /** Ours: the step of `iat`. With the lag below a token is between 2 and 32 minutes old when it is handed out. */
  providerTokenQuantumMs: 1_800_000, // 30 min
  /** Ours: a host whose clock is this far ahead still derives a token that Apple does not find in the future. */
  providerTokenLagMs: 120_000,
  /** Apple: no new token more often than every 20 minutes (429 TooManyProviderTokenUpdates). */
  providerTokenHoldMs: 1_200_000, // 20 min
  /** Apple refuses a token older than 60 minutes; ours, 5 minutes before. */
  providerTokenAgeMaxMs: 3_300_000, // 55 min
  /** Ours: the share of refusals over the window from which a source travels on probation. */
  refusalsMaxPercent: 2,
  refusalsWindowReplies: 1000,
  /** Ours: it returns to clean connections when a whole window holds no more; half, so that it does not go to and fro. */
  refusalsReturnPercent: 1,
  /**
   * Ours: with so many devices gone (410) in the window, a source yields to others while those wait: nobody keeps its
   * list. It is no worse than that: APNs does not count 410 as an error (Apple), and slows nothing down for it.
   */
  goneMaxPercent: 10,
  /**
   * Ours: a token refused with BadDeviceToken or DeviceTokenNotForTopic is suspect for a day. Apps hand in their token at
   * each launch (Apple), so by then the list is put right or the token will be refused again; for ever would be wrong, as
   * it may be good for the other environment, and configurations get repaired.
   */
  suspectForMs: 86_400_000, // 24 h
  /** Ours: of what is sent while clean pushes wait, so much on probation: with 30 % refused that is 2 % of all. */
  probationShareMaxPercent: 6,
  /** Ours: the first pause of a token after 429 TooManyRequests, doubling; reports speak of 20 s between deliveries. */
  deviceDelayMs: 30_000,
  deviceDelayMaxMs: 3_600_000,
  /** Google SRE: retries stay within a tenth of first attempts; a floor keeps small senders moving. */
  retriesMaxPercent: 10,
  retriesMinPerSecond: 10,
  /** Ours: resends of one job that were proven not processed. */
  freeResendsMax: 20,
  /** Apple, Handling notification responses: 5xx may be retried after 15 minutes. */
  serverErrorDelayMs: 900_000, // 15 min
  /** Ours: a Retry-After beyond this is not believed. */
  retryAfterMaxMs: 3_600_000,
  /** Ours: idle connections go silent without error within minutes (reports of 2025); Apple asks for one an hour. */
  idlePingAfterMs: 60_000,
  idlePingTimeoutMs: 10_000,
  /** Ours: the first use after this much idleness takes a PING along. */
  firstUsePingAfterMs: 15_000,
  /** Ours: with requests out, no byte for this long → PING, none for as long again → dead. */
  busySilenceMs: 2_500,
  busyPingTimeoutMs: 2_500,
  priorityFramesMax: 0,
} as const;

export interface ConductRule {
  readonly id: ConductRuleId;
  readonly text: string;
  readonly source: string;
  readonly limits: readonly ConductLimit[];
}

export interface ConductLimit {
  /** The key in `conductLimits`. */
  readonly name: keyof typeof conductLimits;
  readonly limit: number;
  readonly unit: 'ms' | '%' | 'replies' | 'streams' | 'credentials' | 'resends' | 'frames' | 'retries/s';
}

function limit(name: keyof typeof conductLimits, unit: ConductLimit['unit']): ConductLimit {
  return { name, limit: conductLimits[name], unit };
}

export const conductRules: readonly ConductRule[] = [
  {
    id: 'connections-steady',
    text: 'Connections live long; dials are gated, spread by full jitter and never come as a storm.',
    source: 'Apple, Establishing a connection to APNs',
    limits: [limit('dialBackoffMaxMs', 'ms')],
  },
  {
    id: 'streams-within-limit',
    text: 'Never more streams than the live SETTINGS_MAX_CONCURRENT_STREAMS; one on a token connection until the first authenticated reply.',
    source: 'Apple, Sending notification requests to APNs; RFC 9113 §5.1.2',
    limits: [limit('unprovenStreamsMax', 'streams')],
  },
  {
    id: 'one-team',
    text: 'A connection carries one credential for its whole life.',
    source: 'Apple, Establishing a token-based connection to APNs',
    limits: [limit('credentialsAConnectionMax', 'credentials')],
  },
  {
    id: 'provider-token-steady',
    text: 'The same token bytes everywhere for one key; a connection keeps a token for 20 minutes from its first use and never past 55 minutes of age.',
    source: 'Apple, Establishing a token-based connection to APNs; RFC 6979',
    limits: [
      limit('providerTokenQuantumMs', 'ms'),
      limit('providerTokenLagMs', 'ms'),
      limit('providerTokenHoldMs', 'ms'),
      limit('providerTokenAgeMaxMs', 'ms'),
    ],
  },
  {
    id: 'dead-tokens-stay-dead',
    text: 'Nothing goes to a device token after 410 until it registers again later than the timestamp of the 410.',
    source: 'Apple, Handling notification responses from APNs',
    limits: [],
  },
  {
    id: 'errors-rare',
    text: 'Suspect tokens, and sources refused too often, travel on a connection of their own.',
    source: 'Apple, Handling notification responses from APNs (4xx slow a connection down)',
    limits: [
      limit('refusalsMaxPercent', '%'),
      limit('refusalsWindowReplies', 'replies'),
      limit('refusalsReturnPercent', '%'),
      limit('goneMaxPercent', '%'),
      limit('suspectForMs', 'ms'),
      limit('probationShareMaxPercent', '%'),
    ],
  },
  {
    id: 'device-not-flooded',
    text: '429 TooManyRequests cools that device token only.',
    source: 'Apple, Handling notification responses; Troubleshooting push notifications',
    limits: [limit('deviceDelayMs', 'ms'), limit('deviceDelayMaxMs', 'ms')],
  },
  {
    id: 'retries-budgeted',
    text: 'Retries back off with full jitter, obey Retry-After and the deadline, and keep within their budget; 5xx waits.',
    source: 'Apple, Handling notification responses; Google SRE, Handling overload',
    limits: [
      limit('retriesMaxPercent', '%'),
      limit('retriesMinPerSecond', 'retries/s'),
      limit('freeResendsMax', 'resends'),
      limit('serverErrorDelayMs', 'ms'),
      limit('retryAfterMaxMs', 'ms'),
    ],
  },
  {
    id: 'goaway-obeyed',
    text: 'No new stream after GOAWAY; what it names as unprocessed is resent, the rest waits for its reply.',
    source: 'RFC 9113 §6.8',
    limits: [],
  },
  {
    id: 'pings-sparing',
    text: 'PING only where silence leaves doubt.',
    source: 'Apple, Sending notification requests to APNs; RFC 9113 §6.7',
    limits: [
      limit('idlePingAfterMs', 'ms'),
      limit('idlePingTimeoutMs', 'ms'),
      limit('firstUsePingAfterMs', 'ms'),
      limit('busySilenceMs', 'ms'),
      limit('busyPingTimeoutMs', 'ms'),
    ],
  },
  {
    id: 'frames-clean',
    text: 'No PRIORITY frames, no compressed bodies, no push; header values from allow-lists.',
    source: 'Apple, Sending notification requests to APNs; RFC 9113 §8.2.1',
    limits: [limit('priorityFramesMax', 'frames')],
  },
];

/** When a certificate's end is worth a warning: this long before it, the tightest first. */
export const expiryWarningsMs: readonly number[] = [dayMs, 7 * dayMs, 30 * dayMs];
