/** The engine in numbers: a plain object, a snapshot. No bytes of pushes, no tokens, no secrets. */
import type { Connection, FallCause } from '@carillon/pool';
import type { App } from './app.ts';
import type { Binding } from './binding.ts';
import type { ChannelOutlet } from './channel-outlet.ts';
import type { EngineCounters } from './counters.ts';
import type { Lane } from './lane.ts';
import type { LatencySummary } from './latency-histogram.ts';
import type { Outlet } from './outlet.ts';
import type { Pipeline } from './pipeline.ts';

export interface EngineStats extends Readonly<EngineCounters> {
  /** Jobs taken in since the start, and those under way, with their bytes. */
  readonly admitted: number;
  readonly jobs: number;
  readonly jobBytes: number;
  /** Where the pushes under way are. */
  readonly waiting: number;
  readonly onWire: number;
  readonly putOff: number;
  readonly connections: number;
  readonly usableConnections: number;
  readonly dialing: number;
  readonly dials: number;
  readonly dialFailures: number;
  /** Bytes that sockets hold. */
  readonly socketBytes: number;
  /** Jobs on probation; they are in the figures above too. */
  readonly onProbation: number;
  /** Device tokens that are remembered: gone (410), resting (429), and suspect (BadDeviceToken, DeviceTokenNotForTopic). */
  readonly deadDevices: number;
  readonly restingDevices: number;
  readonly suspectDevices: number;
  readonly outlets: readonly OutletStats[];
  /** Channel management, which has connections of its own. */
  readonly channels: ChannelStats;
}

export interface ChannelStats {
  /** Calls under way. */
  readonly calls: number;
  readonly connections: number;
  readonly dials: number;
  readonly dialFailures: number;
}

/** One credential in one environment. */
export interface OutletStats {
  readonly endpoint: string;
  readonly credential: 'trusted' | 'doubted' | 'parked';
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Answers other than 200. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly lanes: readonly LaneStats[];
  readonly connections: readonly ConnectionStats[];
}

/** Of one app. */
export interface LaneStats {
  readonly app: string;
  /** Pushes that wait, and those of them that do so on probation. */
  readonly depth: number;
  readonly probationDepth: number;
  /** How long the push that waits longest has waited; 0 when none does. */
  readonly oldestMs: number;
  readonly isPaused: boolean;
  readonly sent: number;
  /** Pushes a second that left for the wire, lately (a mean that forgets within seconds), and the most that may; null: no cap. */
  readonly perSecond: number;
  readonly perSecondMax: number | null;
}

export interface ConnectionStats {
  readonly id: number;
  /** It carries what is on probation. */
  readonly isProbation: boolean;
  readonly address: string;
  readonly state: string;
  readonly ageMs: number;
  readonly openStreams: number;
  readonly streams: number;
  readonly replies: number;
  /** The peer's live limit, and what it lets us send now. */
  readonly peerStreamsMax: number;
  readonly windowBytes: number;
  /** How many streams the connection lets itself have, because the gateway answers so many promptly. */
  readonly streamsLimit: number;
  /** What an answer takes when nothing waits at the gateway; null before it is known. */
  readonly floorMs: number | null;
  /** How often `streamsLimit` fell, and why the last time; null: never yet. */
  readonly limitFalls: number;
  readonly limitFellBecause: FallCause | null;
  /** Of the last PING; null before the first. */
  readonly pingMs: number | null;
  readonly latency: LatencySummary;
  /** Answers other than 200, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

export function statsOf(
  pipeline: Pipeline,
  outlets: Iterable<Outlet>,
  channelOutlets: Iterable<ChannelOutlet>,
): EngineStats {
  const now = pipeline.clock.now();
  const sums = {
    waiting: 0,
    onWire: 0,
    connections: 0,
    usableConnections: 0,
    dialing: 0,
    dials: 0,
    dialFailures: 0,
    socketBytes: 0,
  };
  const each: OutletStats[] = [];
  for (const outlet of outlets) {
    for (const track of outlet.tracks) {
      const pool = track.pool.stats();
      sums.waiting += track.waiting;
      sums.onWire += track.onWire;
      sums.connections += pool.connections;
      sums.usableConnections += pool.usable;
      sums.dialing += pool.dialing;
      sums.dials += pool.dials;
      sums.dialFailures += pool.dialFailures;
      sums.socketBytes += pool.bytesHeld;
    }
    each.push(outletStats(outlet, now));
  }
  const { admission, counters, delayed, held, ledger } = pipeline;
  return {
    ...counters,
    warnings: { ...counters.warnings },
    admitted: admission.admitted,
    jobs: admission.jobs,
    jobBytes: admission.bytes,
    putOff: delayed.size + held.size,
    onProbation: admission.probationJobs,
    deadDevices: ledger.dead.size,
    restingDevices: ledger.resting.size,
    suspectDevices: ledger.suspects.size,
    ...sums,
    outlets: each,
    channels: channelStats(channelOutlets),
  };
}

function channelStats(outlets: Iterable<ChannelOutlet>): ChannelStats {
  const sums = { calls: 0, connections: 0, dials: 0, dialFailures: 0 };
  for (const outlet of outlets) {
    const { calls, connections, dials, dialFailures } = outlet.stats();
    sums.calls += calls;
    sums.connections += connections;
    sums.dials += dials;
    sums.dialFailures += dialFailures;
  }
  return sums;
}

function outletStats(outlet: Outlet, now: number): OutletStats {
  return {
    endpoint: outlet.endpoint,
    ...outlet.health,
    reasons: outlet.reasons.toObject(),
    lanes: outlet.apps.map((app) => laneStats(app, now)),
    connections: outlet.tracks.flatMap(({ pool, isProbation }) =>
      pool.connections.map((connection) => connectionStats(connection, isProbation, now)),
    ),
  };
}

/** Of an app and its campaigns together. */
function laneStats(app: App, now: number): LaneStats {
  const { isPaused, rate } = app.lane;
  const clean = [app.lane, ...[...app.campaigns].map(({ lane }) => lane)];
  const onProbation = [app.probationLane, ...[...app.campaigns].map(({ probationLane }) => probationLane)];
  const lanes = [...clean, ...onProbation];
  const probationDepth = sum(onProbation, (lane) => lane.depth);
  const depth = sum(clean, (lane) => lane.depth) + probationDepth;
  return {
    app: app.name,
    depth,
    probationDepth,
    isPaused,
    sent: app.sentByCampaigns + sum(lanes, (lane) => lane.sent),
    perSecond: sum(lanes, (lane) => perSecondOf(lane, now)),
    perSecondMax: rate?.perSecond ?? null,
    oldestMs: depth === 0 ? 0 : now - Math.min(...lanes.map((lane) => lane.oldestAt)),
  };
}

function sum(lanes: readonly Lane[], of: (lane: Lane) => number): number {
  return lanes.reduce((total, lane) => total + of(lane), 0);
}

function perSecondOf({ sent, sending }: Lane, now: number): number {
  // The engine's ticks stop when it has no jobs: what is idle has to come to nothing all the same.
  sending.look(sent, now);
  return sending.perSecond;
}

function connectionStats(connection: Connection, isProbation: boolean, now: number): ConnectionStats {
  const { id, address, session, limiter, openStreams, streamsOpened: streams, replies } = connection;
  const binding = connection.binding as Binding | null; // the engine alone writes there
  return {
    id,
    isProbation,
    address,
    state: session.state,
    ageMs: now - connection.openedAt,
    openStreams,
    streams,
    replies,
    peerStreamsMax: session.peer.streamsMax,
    windowBytes: session.connectionWindow,
    streamsLimit: limiter.streams,
    floorMs: limiter.floorMs === Infinity ? null : limiter.floorMs,
    limitFalls: limiter.falls,
    limitFellBecause: limiter.fellBecause,
    pingMs: session.rttMs,
    latency: binding?.latency.summary() ?? { count: 0, p50Ms: NaN, p90Ms: NaN, p99Ms: NaN, maxMs: NaN },
    reasons: binding?.reasons.toObject() ?? {},
  };
}
