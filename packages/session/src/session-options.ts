// Everything about a session that can be set, and every default with its reason.
import type { Outbox } from './outbox.ts';

export interface SessionOptions {
  readonly outbox: Outbox;
  /** One stream at a time until `probeSucceeded` is called. Default false. */
  readonly isProbing?: boolean;
  /** Our own cap on open streams; the peer's limit applies as well. */
  readonly streamsMax?: number;
  /** No stream gets an id above this one: the session drains instead. */
  readonly streamIdMax?: number;
  /** What our HPACK encoder is willing to use of the table the peer offers. */
  readonly headerTableBytesMax?: number;
  /** Reply fields that are kept; all others are checked and dropped. At most 16, lower case. */
  readonly replyHeaders?: readonly string[];
  /** Decoded size of a reply's field list (RFC 9113 §6.5.2); more of it is a stream error. We announce it. */
  readonly headerListBytesMax?: number;
  /** How much of a reply's body is kept. */
  readonly bodyBytesMax?: number;
  /** A reply body longer than this is cut off with RST_STREAM(CANCEL). */
  readonly bodyBytesCancel?: number;
  /** Our receive window of the whole connection. */
  readonly windowBytes?: number;
  readonly settingsTimeoutMs?: number;
  /** From `open` to the end of the reply. */
  readonly requestTimeoutMs?: number;
  /** Idle: a PING after this much silence … */
  readonly idlePingMs?: number;
  /** … and dead when it stays unanswered for this long. */
  readonly idleDeadMs?: number;
  /** A PING goes alongside the first request after this much silence. */
  readonly firstUsePingMs?: number;
  /** Streams open: a PING after this much silence … */
  readonly busyPingMs?: number;
  /** … and dead after this much more. */
  readonly busyDeadMs?: number;
  /** A tick later than this means that our own event loop was starved: the deadlines move. */
  readonly lateTickMs?: number;
  readonly floods?: FloodLimits;
}

/** Every cap of reliability.md section 1. Each closes the session with ENHANCE_YOUR_CALM. */
export interface FloodLimits {
  /** Entries of one SETTINGS frame. */
  readonly settingsEntriesMax?: number;
  /** CONTINUATION frames of one field block. */
  readonly continuationsMax?: number;
  /** Octets of one field block as it is on the wire. */
  readonly fieldBlockBytesMax?: number;
  /** SETTINGS and PING acknowledgements that the outbox holds because nobody takes them; two more for each stream. */
  readonly acksMax?: number;
  /** Frames by kind and time. */
  readonly rates?: Partial<Record<FloodName, FloodRate>>;
}

export interface FloodRate {
  /** Frames allowed in a window of time. */
  readonly count: number;
  readonly windowMs: number;
  /** As many more for each stream that was opened in that window, or may have been open before: traffic that our own
   * requests cause. */
  readonly perStream: number;
}

/** `counters` has a field of the same name for each. */
export type FloodName =
  | 'settingsFrames'
  | 'pings'
  | 'strayAcks'
  | 'emptyData'
  | 'smallData'
  | 'strayResets'
  | 'strayFrames'
  | 'provokedResets'
  | 'unknownFrames'
  | 'priorityFrames'
  | 'windowUpdates'
  | 'interimReplies'
  | 'goAways';

const per = (windowMs: number, count: number, perStream = 0): FloodRate => ({ count, windowMs, perStream });
const secondMs = 1_000;
const minuteMs = 60_000;

/** Counts of reliability.md section 1 where it names one; the others are guesses an order above honest traffic. */
const defaultFloodRates: Record<FloodName, FloodRate> = {
  /** Apple has been seen to lower the stream limit after a rejection and to restore it after the next push (E.2). */
  settingsFrames: per(secondMs, 10, 2),
  pings: per(secondMs, 10),
  /** Acknowledgements of PINGs and SETTINGS that we did not send. */
  strayAcks: per(secondMs, 10),
  /** DATA without octets and without END_STREAM (CVE-2019-9518). */
  emptyData: per(minuteMs, 100),
  /** DATA under 64 octets that does not end its stream: replies dribbled out octet by octet (CVE-2019-9511). */
  smallData: per(secondMs, 1_000, 4),
  /** RST_STREAM for streams that are closed already: Apple resets some streams twice (apns-protocol.md E.2). */
  strayResets: per(minuteMs, 100, 1),
  /** HEADERS and DATA for streams that we reset: a reply may be on its way, hence two for each stream. */
  strayFrames: per(secondMs, 100, 2),
  /** RST_STREAMs that the peer made us send (the client's side of CVE-2025-8671). */
  provokedResets: per(secondMs, 100, 1),
  unknownFrames: per(minuteMs, 1_000),
  priorityFrames: per(minuteMs, 1_000),
  /** A peer returns the window of each body on the stream and on the connection: 16 frames for 4 KiB in windows of 1 KiB. */
  windowUpdates: per(secondMs, 1_000, 16),
  interimReplies: per(secondMs, 100),
  /** Two make a graceful shutdown (RFC 9113 §6.8). */
  goAways: per(minuteMs, 10),
};

export type SessionLimits = Required<Omit<SessionOptions, 'outbox' | 'isProbing' | 'floods'>> & {
  readonly floods: Required<Omit<FloodLimits, 'rates'>> & { readonly rates: Record<FloodName, FloodRate> };
};

const defaults: SessionLimits = {
  // Apple grants 1,000 since 2021 (apns-protocol.md E.1); more only costs memory until it does.
  streamsMax: 1_000,
  // Far from 2^31 - 1, so that a replacement is dialled in peace (RFC 9113 §5.1.1; reliability.md 2.2 row 23).
  streamIdMax: 2 ** 31 - 2_000_000,
  // What Apple offers (E.1), and the default of RFC 9113 §6.5.2.
  headerTableBytesMax: 4_096,
  // What apns-protocol.md A.6 knows of, and two that tell about the gateway's clock and format.
  replyHeaders: [
    'apns-id',
    'apns-unique-id',
    'apns-request-id',
    'apns-channel-id',
    'retry-after',
    'content-type',
    'date',
  ],
  // reliability.md section 1; a reply of Apple's has about 200.
  headerListBytesMax: 16_384,
  // Apple's error bodies are about 60 octets (A.6); 4 KiB is the cap of reliability.md section 1.
  bodyBytesMax: 4_096,
  bodyBytesCancel: 65_536,
  // 1,000 error replies fit many times over (apns-protocol.md H.4: raise it once, top up at half).
  windowBytes: 1_048_576,
  // reliability.md N12. RFC 9113 §6.5.3 leaves the time open.
  settingsTimeoutMs: 5_000,
  // apns-protocol.md E.4: peers use 5 to 60 s, pushy#732 saw replies after minutes.
  requestTimeoutMs: 20_000,
  // design.md `pings-sparing`, all six.
  idlePingMs: 60_000,
  idleDeadMs: 10_000,
  firstUsePingMs: 15_000,
  busyPingMs: 2_500,
  busyDeadMs: 2_500,
  lateTickMs: 500,
  floods: {
    settingsEntriesMax: 32,
    continuationsMax: 4,
    // Twice the decoded list we accept: a longer block is no honest reply.
    fieldBlockBytesMax: 32_768,
    acksMax: 100,
    rates: defaultFloodRates,
  },
};

/** The options with every gap filled; refuses what cannot work. */
export function sessionLimits(options: SessionOptions): SessionLimits {
  const { outbox: _outbox, isProbing: _isProbing, floods, ...given } = options;
  const limits: SessionLimits = {
    ...defaults,
    ...given,
    floods: { ...defaults.floods, ...floods, rates: { ...defaults.floods.rates, ...floods?.rates } },
  };
  // 2^18 streams make a table of 2^19 rows, 25 MB: nobody means that.
  requireWithin('streamsMax', limits.streamsMax, 1, 2 ** 18);
  // Rows taken by old streams are skipped, at most a table of 2^19 in one go.
  requireWithin('streamIdMax', limits.streamIdMax, 1, 2 ** 31 - 2 ** 20);
  requireWithin('bodyBytesMax', limits.bodyBytesMax, 0, 2 ** 20);
  requireWithin('bodyBytesCancel', limits.bodyBytesCancel, limits.bodyBytesMax, 2 ** 24);
  // RFC 9113 §6.9.2: the connection's window starts at 65,535 and cannot be made smaller.
  requireWithin('windowBytes', limits.windowBytes, 65_535, 2 ** 31 - 1);
  requireWithin('replyHeaders.length', limits.replyHeaders.length, 0, 16);
  return limits;
}

function requireWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`SessionOptions.${name} must be an integer from ${least} to ${most}, not ${value}`);
}
