// What goes wrong in a world: some rows of a catalogue, each with its own numbers. A row's place is part of every seed's
// story: new rows go to the end.
import type { Fault, ScriptedToken } from '../../packages/simulator/src/index.ts';
import type { Dice } from './dice.ts';
import type { CallPlan, CredentialPlan, Plan, TeamName, Turn, WorldFault } from './plan.ts';

type Row = (dice: Dice, plan: Plan) => WorldFault;

/** Faults a world: none in some, many in few. */
const counts = [0, 1, 1, 2, 2, 3, 3, 4, 5, 8] as const;

export function faultsOf(plan: Plan, dice: Dice): WorldFault[] {
  return Array.from({ length: dice.pick(counts) }, () => dice.pick(catalogue)(dice, plan));
}

/** When things happen: mostly while there is most to do. */
function momentMs(dice: Dice): number {
  return dice.isTrue(0.8) ? dice.spread(1, 3_000) : dice.spread(1_000, 40_000);
}

function atGateway(make: (dice: Dice) => Omit<Fault, 'id'>): Row {
  return (dice, plan) => ({ part: 'gateway', gateway: dice.whole(0, plan.gateways.length - 1), fault: make(dice) });
}

function turn(make: (dice: Dice, plan: Plan) => Turn): Row {
  return (dice, plan) => ({ part: 'turn', atMs: momentMs(dice), turn: make(dice, plan) });
}

const appOf = (dice: Dice, plan: Plan): string => dice.pick(plan.apps).name;
const callOf = (dice: Dice, plan: Plan): string => dice.pick<CallPlan>(plan.calls).name;
const deviceOf = (dice: Dice, plan: Plan): number => dice.whole(0, plan.devices.length - 1);
const every = (dice: Dice): number => dice.spread(1, 40);
const times = (dice: Dice): number => dice.spread(1, 30);

/** On replies, every so often, a few times. */
function onReply(make: (dice: Dice) => Fault['action']): Row {
  return atGateway((dice) => ({
    when: { on: 'reply', every: every(dice), times: dice.whole(1, 3) },
    action: make(dice),
  }));
}

function onRequest(make: (dice: Dice) => Fault['action']): Row {
  return atGateway((dice) => ({ when: { on: 'request', every: every(dice), times: times(dice) }, action: make(dice) }));
}

function onConnection(make: (dice: Dice) => Fault['action']): Row {
  return atGateway((dice) => ({ when: { on: 'start', connections: [dice.whole(1, 4)] }, action: make(dice) }));
}

function atTime(make: (dice: Dice) => Fault['action']): Row {
  return atGateway((dice) => ({
    when: { on: 'time', afterMs: Math.round(momentMs(dice)), connections: [dice.whole(1, 3)] },
    action: make(dice),
  }));
}

const otherCredentials: readonly CredentialPlan[] = [
  { kind: 'token', team: 'one', key: 2 },
  { kind: 'token', team: 'one', key: 1 },
  { kind: 'signer', team: 'one', key: 1, delayMs: 0 },
  { kind: 'signer', team: 'two', key: 2, delayMs: 50 },
];

const states: readonly ScriptedToken[] = [
  { kind: 'ok' },
  { kind: 'unregistered' },
  { kind: 'bad' },
  { kind: 'throttled', times: 2 },
];

const catalogue: readonly Row[] = [
  // The connection ends.
  onReply(() => ({ kind: 'goaway', lastStreamId: 'exact' })),
  onReply((dice) => ({ kind: 'goaway', lastStreamId: 'two-step', stepMs: dice.spread(1, 1_000) })),
  onReply(() => ({ kind: 'goaway', lastStreamId: 'exact', code: 0xb, debug: 'too much' })),
  onReply(() => ({ kind: 'goaway', lastStreamId: 'exact', reason: 'Shutdown' })),
  onReply((dice) => ({ kind: 'goaway', lastStreamId: 'max', closes: dice.isTrue(0.5) })),
  onReply(() => ({ kind: 'goaway', lastStreamId: 'exact', closes: false })),
  onReply((dice) => ({ kind: 'goaway', lastStreamId: 'exact', code: dice.pick([1, 2, 0xd]) })),
  onConnection(() => ({ kind: 'goaway', lastStreamId: 'zero', insteadOfSettings: true })),
  onConnection((dice) => ({
    kind: 'goaway',
    lastStreamId: 'zero',
    insteadOfSettings: dice.isTrue(0.5),
    reason: dice.pick(['BadCertificateEnvironment', 'Shutdown', 'InternalServerError']),
  })),
  atTime(() => ({ kind: 'goaway', lastStreamId: 'exact' })),
  onConnection(() => ({ kind: 'no-settings' })),
  onReply(() => ({ kind: 'tcp-reset' })),
  onReply(() => ({ kind: 'half-close' })),
  onReply(() => ({ kind: 'close' })),
  atTime((dice) => ({ kind: dice.pick(['tcp-reset', 'close', 'truncate', 'half-close']) })),
  onReply(() => ({ kind: 'silence' })),
  atTime(() => ({ kind: 'silence' })),
  atTime((dice) => ({ kind: 'stop-reading', forMs: dice.spread(10, 30_000) })),
  // Limits and windows move.
  onReply((dice) => ({
    kind: 'settings',
    steps: [
      { maxConcurrentStreams: dice.pick([0, 1, 2]) },
      { afterMs: dice.spread(5, 5_000), maxConcurrentStreams: dice.spread(1, 500) },
    ],
  })),
  atTime((dice) => ({
    kind: 'settings',
    steps: [
      { initialWindowSize: dice.pick([0, 1, 100, 2_000]) },
      { afterMs: dice.spread(5, 5_000), initialWindowSize: 65_535 },
    ],
  })),
  onReply((dice) => ({
    kind: 'settings',
    steps: [{ headerTableSize: dice.pick([0, 100]) }, { afterMs: dice.spread(1, 1_000), headerTableSize: 4_096 }],
  })),
  onReply((dice) => ({
    kind: 'settings',
    steps: [{ maxFrameSize: dice.pick([16_384, 65_536]), maxHeaderListSize: 100 }],
  })),
  atTime(() => ({ kind: 'hold-windows' })),
  // Single requests.
  onRequest(() => ({ kind: 'rst', code: 7 })),
  onRequest(() => ({ kind: 'rst', code: 7, again: 5 })),
  onRequest((dice) => ({ kind: 'rst', code: dice.pick([1, 2, 8, 0xb]) })),
  onRequest(() => ({ kind: 'rst', code: 2, afterHeaders: true })),
  onRequest(() => ({ kind: 'no-answer' })),
  onRequest((dice) => ({ kind: 'delay', delayMs: dice.spread(1, 10_000) })),
  onRequest((dice) => ({ kind: 'status', status: 503, reason: 'ServiceUnavailable', ...retryAfter(dice) })),
  onRequest((dice) => ({ kind: 'status', status: 500, reason: 'InternalServerError', ...retryAfter(dice) })),
  onRequest((dice) => ({ kind: 'status', status: 429, reason: 'TooManyRequests', ...retryAfter(dice) })),
  onRequest((dice) => ({ kind: 'status', status: dice.pick([500, 502, 503, 418, 429]), body: '<html>' })),
  onRequest(() => ({ kind: 'status', status: 403, reason: 'ExpiredProviderToken' })),
  onRequest(() => ({ kind: 'status', status: 403, reason: 'InvalidProviderToken' })),
  onRequest(() => ({ kind: 'status', status: 429, reason: 'TooManyProviderTokenUpdates' })),
  onRequest(() => ({ kind: 'status', status: 400, reason: 'IdleTimeout' })),
  onRequest((dice) => ({
    kind: 'status',
    status: 400,
    reason: dice.pick(['TopicDisallowed', 'BadTopic', 'BadDeviceToken']),
  })),
  onRequest((dice) => ({ kind: 'interim', status: 103, count: dice.whole(1, 3) })),
  onRequest((dice) => ({ kind: 'split-body', bytes: dice.whole(1, 9) })),
  onRequest((dice) => ({ kind: 'continuation', pieces: dice.whole(2, 6) })),
  onRequest(() => ({ kind: 'trailers' })),
  onRequest(() => ({ kind: 'no-apns-id' })),
  onRequest((dice) => ({
    kind: 'malformed',
    how: dice.pick(['no-status', 'bad-status', 'unknown-pseudo', 'data-first', 'content-length']),
  })),
  onRequest(() => ({ kind: 'malformed', how: 'bad-hpack' })),
  // Small things between the frames.
  onReply(() => ({ kind: 'ping' })),
  onReply(() => ({ kind: 'unknown-frame' })),
  onReply(() => ({ kind: 'unknown-setting' })),
  onConnection((dice) => ({
    kind: 'ping-answers',
    how: dice.pick(['none', 'late', 'wrong']),
    delayMs: dice.spread(10, 8_000),
  })),
  onConnection((dice) => ({ kind: 'segments', bytes: dice.whole(1, 40) })),
  // The network.
  cut('reset'),
  cut('end'),
  cut('vanish'),
  cut('half'),
  (dice) => ({
    part: 'dial',
    dial: dice.whole(1, 4),
    how: dice.pick(['refuse', 'hang', 'untrusted', 'no-h2', 'slow']),
  }),
  (dice, plan) => ({
    part: 'address',
    address: dice.whole(0, plan.addresses - 1),
    fromMs: 0,
    forMs: dice.spread(100, 60_000),
  }),
  (dice) => ({
    part: 'outage',
    fromMs: momentMs(dice),
    forMs: dice.spread(10, 30_000),
    dials: dice.pick(['refuse', 'refuse', 'hang']),
    breaks: dice.pick(['reset', 'end', 'vanish', null]),
  }),
  (dice) => ({
    part: 'slow',
    fromMs: momentMs(dice),
    forMs: dice.spread(100, 20_000),
    latencyMs: dice.spread(100, 4_000),
  }),
  // People, and the machine.
  turn((dice, plan) => ({ kind: 'pause', app: appOf(dice, plan), forMs: dice.spread(10, 30_000) })),
  turn((dice, plan) => ({
    kind: 'replace-credential',
    app: tokenAppOf(dice, plan),
    credential: dice.pick(otherCredentials),
  })),
  turn((dice, plan) => ({ kind: 'registered', app: appOf(dice, plan), device: deviceOf(dice, plan) })),
  turn((dice, plan) => ({ kind: dice.pick(['cancel', 'stop'] as const), call: callOf(dice, plan) })),
  turn((dice) => ({ kind: dice.pick(['drain', 'close'] as const) })),
  turn((dice) => ({ kind: 'step-clock', byMs: (dice.isTrue(0.5) ? 1 : -1) * dice.spread(500, 45_000) })),
  turn((dice) => ({ kind: 'step-clock', byMs: (dice.isTrue(0.5) ? 1 : -1) * dice.spread(60_000, 10_000_000) })),
  turn((dice) => ({ kind: 'suspend', forMs: dice.spread(1_000, 5_000_000) })),
  turn((dice) => ({ kind: 'stall', forMs: dice.spread(50, 20_000) })),
  turn((dice) => ({ kind: 'revoke-key', team: dice.pick<TeamName>(['one', 'two']), key: 1 })),
  turn((dice, plan) => ({ kind: 'token-state', device: deviceOf(dice, plan), state: dice.pick(states) })),
];

function cut(kind: 'reset' | 'end' | 'vanish' | 'half'): Row {
  return (dice) => ({
    part: 'cut',
    connection: dice.whole(1, 3),
    cut: { way: dice.pick(['to-gateway', 'to-client']), atByte: dice.spread(1, 20_000), kind },
  });
}

/** A certificate is for its one topic, so its app keeps it. */
function tokenAppOf(dice: Dice, plan: Plan): string {
  const token = plan.apps.filter(({ credential }) => credential.kind !== 'certificate');
  return dice.pick(token.length === 0 ? plan.apps : token).name;
}

function retryAfter(dice: Dice): { readonly retryAfter?: string } {
  return dice.isTrue(0.5) ? { retryAfter: String(dice.whole(0, 10)) } : {};
}
