// What a simulator is made of whatever its clients come through: rules, faults, ledger, counters, referee, and the profile
// that speaks to them.
import { SimulatorCounters } from './counters.ts';
import type { SimulatorStats } from './counters.ts';
import { FaultPlan } from './faults/fault-plan.ts';
import { parseFaultScript } from './faults/parse-fault-script.ts';
import { createIdentity } from './identity.ts';
import type { SimulatorIdentity } from './identity.ts';
import { openLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { Marking } from './marking.ts';
import { FastProfile } from './profiles/fast.ts';
import { createRules, Gateway } from './profiles/gateway.ts';
import { LoadQueue } from './profiles/load-queue.ts';
import type { Profile } from './profiles/profile.ts';
import { StrictNodeProfile } from './profiles/strict-node.ts';
import { StrictProfile } from './profiles/strict.ts';
import { Referee } from './referee/referee.ts';
import type { SimulatorClock, SimulatorRandom } from './seams.ts';
import type { Http2Options, RuleOptions, SimulatorOptions } from './simulator-options.ts';

/** The outside world as arguments. */
export interface SimulatorSeams {
  readonly clock: SimulatorClock;
  readonly random: SimulatorRandom;
}

export interface OpenGateway<P extends Profile> {
  readonly identity: SimulatorIdentity;
  readonly counters: SimulatorCounters;
  readonly ledger: Ledger;
  readonly plan: FaultPlan;
  readonly gateway: Gateway;
  readonly profile: P;
  /** The same rules on the port where channels are managed. */
  readonly channels: Gateway;
  /** Null without a referee. */
  readonly marking: Marking | null;
}

/** What a listener counts: connections accepted, and those open. */
export interface ConnectionCounts {
  readonly accepted: number;
  readonly open: number;
}

/** `create` makes the profile that connections are handed to. */
export function openGateway<P extends Profile>(
  options: SimulatorOptions,
  { clock, random }: SimulatorSeams,
  create: (options: SimulatorOptions, gateway: Gateway, plan: FaultPlan) => P,
): OpenGateway<P> {
  const identity = options.identity ?? createIdentity();
  const ledgerOptions = options.ledger ?? { kind: 'none' };
  const counters = new SimulatorCounters();
  const ledger = openLedger(ledgerOptions);
  const rules = createRules(identity, rulesOf(options), random);
  const gateway = new Gateway(rules, counters, ledger, ledgerOptions, clock);
  gateway.referee = createReferee(options, gateway.nowMs());
  gateway.latency = options.latency ?? null;
  gateway.load = options.load === undefined ? null : new LoadQueue(options.load);
  const script = options.faults === undefined ? null : parseFaultScript(options.faults);
  const plan = new FaultPlan(script, (id) => gateway.referee?.faultFired(id, gateway.nowMs()));
  const profile = create(options, gateway, plan);
  const marking = gateway.referee === null ? null : new Marking(profile, clock);
  // Nobody's conduct is judged there, and nothing is recorded: its calls are few, and are in the counters.
  const channels = new Gateway(
    rules,
    new SimulatorCounters(),
    openLedger({ kind: 'none' }),
    { kind: 'none' },
    clock,
    'channels',
  );
  return { identity, counters, ledger, plan, gateway, profile, channels, marking };
}

/** The one that has faults, ledger and referee: our own frames, whatever is asked of a request. */
export function createStrictProfile(options: SimulatorOptions, gateway: Gateway, plan: FaultPlan): StrictProfile {
  return new StrictProfile(gateway, http2Of(options), plan);
}

/** Where channels are managed: no load comes there, and no fault. */
export function createChannelProfile(options: SimulatorOptions, channels: Gateway): Profile {
  return options.stack === 'node'
    ? new StrictNodeProfile(channels, http2Of(options))
    : new StrictProfile(channels, http2Of(options), new FaultPlan(null));
}

/** The one that costs least of those that do what the options ask for. */
export function createProfile(options: SimulatorOptions, gateway: Gateway, plan: FaultPlan): Profile {
  if (options.stack === 'node') return new StrictNodeProfile(gateway, http2Of(options));
  const isWatched = gateway.referee !== null || (options.ledger?.kind ?? 'none') !== 'none';
  const hasRules = options.profile !== 'fast' || !plan.isEmpty || isWatched || gateway.load !== null;
  if (hasRules || (gateway.latency?.spreadMs ?? 0) > 0) return createStrictProfile(options, gateway, plan);
  return new FastProfile(gateway.counters, options.http2 ?? {}, gateway.latency?.replyMs ?? 0);
}

/** "fast" never lets a client wait for a WINDOW_UPDATE: 16 MiB a connection, 1 MiB a stream. */
const wideWindows: Http2Options = { windowIncrement: 16_777_216, initialWindowSize: 1_048_576 };

function http2Of({ profile, http2 = {} }: SimulatorOptions): Http2Options {
  if (profile !== 'fast') return http2;
  return { ...wideWindows, ...http2, streamsBeforeAuthentication: http2.streamsMax ?? 1_000 };
}

/** "fast" asks nothing of a request, whichever connection it runs on. */
function rulesOf(options: SimulatorOptions): RuleOptions {
  return options.profile === 'fast' ? { ...options.rules, checkOrder: [] } : (options.rules ?? {});
}

function createReferee({ referee }: SimulatorOptions, now: number): Referee | null {
  if (referee === undefined || referee === false) return null;
  return new Referee(referee === true ? {} : referee, now);
}

export function statsOf(
  { counters, ledger, plan, gateway, channels }: OpenGateway<Profile>,
  connections: ConnectionCounts,
): SimulatorStats {
  const cpu = process.cpuUsage();
  return {
    connectionsAccepted: connections.accepted,
    connectionsSecured: counters.connectionsSecured,
    connectionsOpen: connections.open,
    requests: counters.requests,
    replies: counters.replies,
    statuses: Object.fromEntries(counters.statuses),
    reasons: Object.fromEntries(counters.reasons),
    broadcasts: counters.broadcasts,
    channelCalls: channels.counters.requests,
    channelReasons: Object.fromEntries(channels.counters.reasons),
    channels: gateway.rules.channels.size,
    streamsRefused: counters.streamsRefused,
    streamsPeak: counters.streamsPeak,
    resetsReceived: counters.resetsReceived,
    pingsReceived: counters.pingsReceived,
    connectionFaults: Object.fromEntries(counters.connectionFaults),
    handshakeFaults: Object.fromEntries(counters.handshakeFaults),
    fired: plan.fired(),
    restarts: counters.restarts.map((one) => ({ ...one })),
    ledgerEntries: ledger.count,
    ledgerOverflow: ledger.overflow,
    cpuMicros: cpu.user + cpu.system,
  };
}
