// From a seed to a plan: how large, how many of everything, and what goes wrong. Most worlds are small and odd; a few run
// for hours.
import type { JobObject } from '../../packages/payload/src/index.ts';
import type { Http2Options, LatencyOptions, ScriptedToken } from '../../packages/simulator/src/index.ts';
import { certificateTopic } from './credentials.ts';
import { Dice } from './dice.ts';
import { faultsOf } from './faults-of-seed.ts';
import type { LinkWays } from './memory-link.ts';
import type {
  AppPlan,
  CallPlan,
  CredentialPlan,
  DevicePlan,
  EnginePlan,
  GatewayPlan,
  Plan,
  SinkWays,
  SourceWays,
} from './plan.ts';

/** Any moment: provider tokens step by half an hour, so worlds begin anywhere within one. */
const epochMs = Date.UTC(2026, 2, 1);
const stepMs = 1_800_000;

export function planOfSeed(seed: number): Plan {
  const dice = new Dice(seed, 'plan');
  const ways = linkWays(dice);
  const gateways = gatewayPlans(dice);
  const engine = enginePlan(dice, patienceMs(ways, gateways));
  const apps = appPlans(dice, gateways.length);
  const devices = devicePlans(seed, dice);
  const startsAtMs = epochMs + dice.whole(0, stepMs);
  const calls = callPlans(seed, dice, apps, devices, startsAtMs);
  if (dice.isTrue(0.003)) calls.push(hoursCall(dice, apps, devices));
  if (dice.isTrue(0.004)) calls.push(crowdCall(dice, apps, devices));
  const jobs = calls.reduce((sum, call) => sum + call.jobs.length, 0);
  const plan: Plan = {
    seed,
    startsAtMs,
    gateways,
    // Every piece is an event: a large world in single octets takes seconds.
    ways: { ...ways, pieceBytes: Math.max(ways.pieceBytes, Math.ceil(jobs / 3)) },
    addresses: dice.pick([1, 1, 2, 3]),
    apps,
    engine,
    devices,
    calls,
    faults: [],
    ending: dice.isTrue(0.8) ? 'drain' : 'close',
  };
  return { ...plan, faults: faultsOf(plan, dice) };
}

function linkWays(dice: Dice): LinkWays {
  const latencyMs = dice.pick([0.1, 1, 5, 20, 50, 150]);
  return {
    latencyMs,
    jitterMs: dice.pick([0, 0.2, 5, 30]),
    segments: dice.pick(['whole', 'whole', 'cut', 'cut', 'pieces']),
    pieceBytes: dice.spread(1, 1_500),
    // A small buffer over a long way carries nothing in time: 8 kB in 100 ms is a line of the nineties.
    bufferBytes: dice.isTrue(0.25) ? dice.spread(200, 8_000) * (latencyMs < 20 ? 1 : 8) : dice.pick([32_768, 262_144]),
  };
}

/** What a sender on such a network has to wait for an answer: one that waits for less never gets any. */
function patienceMs(ways: LinkWays, gateways: readonly GatewayPlan[]): number {
  const thinking = gateways.map(({ latency }) => (latency?.replyMs ?? 0) + (latency?.spreadMs ?? 0));
  return 2 * (ways.latencyMs + ways.jitterMs) + Math.max(...thinking);
}

function enginePlan(dice: Dice, leastMs: number): EnginePlan {
  const isTight = dice.isTrue(0.35);
  return {
    connectionsMax: dice.pick([1, 2, 2, 3, 4]),
    giveUpAfterMs: dice.pick([2_000, 10_000, 30_000, 120_000]),
    onCredentialFault: dice.pick(['park', 'abandon']),
    deadlineMs: dice.pick([5_000, 20_000, 60_000, 60_000, 180_000]),
    requestTimeoutMs: dice.pick([500, 2_000, 5_000, 20_000].filter((ms) => ms >= 4 * leastMs)),
    onAmbiguous: dice.pick(['resend', 'resend', 'report']),
    serverErrorDelayMs: dice.pick([200, 1_000, 10_000]),
    attemptsMax: dice.pick([1, 2, 3, 8, 8, 8]),
    ...(dice.isTrue(0.1) ? { ratePerSecond: dice.spread(20, 2_000) } : {}),
    ...(dice.isTrue(0.08) ? { perDevicePerSecond: dice.pick([0.2, 1, 5]) } : {}),
    limits: {
      jobsMax: isTight ? dice.spread(1, 60) : 50_000,
      jobBytesMax: dice.isTrue(0.1) ? dice.spread(2_000, 40_000) : 64 * 1024 * 1024,
      receiptsMax: isTight ? dice.spread(1, 100) : 20_000,
      batchBytes: dice.isTrue(0.3) ? dice.spread(600, 8_000) : 64 * 1024,
      restingDevicesMax: dice.isTrue(0.05) ? dice.whole(1, 3) : 10_000,
      deadDevicesMax: dice.isTrue(0.05) ? dice.whole(1, 3) : 100_000,
      headsMax: 10_000,
    },
  };
}

function gatewayPlans(dice: Dice): GatewayPlan[] {
  const count = dice.isTrue(0.2) ? 2 : 1;
  return Array.from({ length: count }, (_, at) => ({
    host: at === 0 ? 'api.push.example' : 'api.sandbox.push.example',
    environment: at === 0 ? 'production' : 'sandbox',
    http2: http2Of(dice),
    latency: latencyOf(dice),
    rules: {
      poisonsExpired: dice.isTrue(0.3),
      countsTokensPerSource: dice.isTrue(0.3),
      generatesUpperCaseIds: dice.isTrue(0.5),
      ...(dice.isTrue(0.05) ? { deviceRate: { requestsMax: dice.whole(2, 20), windowMs: 10_000 } } : {}),
    },
  }));
}

function http2Of(dice: Dice): Http2Options {
  return {
    streamsMax: dice.spread(1, 1_000),
    dropsStreamsAfterRejection: dice.isTrue(0.3),
    overLimit: dice.pick(['refuse', 'refuse', 'goaway']),
    ...(dice.isTrue(0.2) ? { initialWindowSize: dice.spread(4_096, 1_000_000) } : {}),
    ...(dice.isTrue(0.2) ? { windowIncrement: dice.pick([0, 1, 500_000]) } : {}),
    ...(dice.isTrue(0.2) ? { headerTableSize: dice.pick([0, 64, 300, 65_536]) } : {}),
  };
}

function latencyOf(dice: Dice): LatencyOptions | null {
  if (dice.isTrue(0.4)) return null;
  return { replyMs: dice.pick([1, 20, 60, 400]), spreadMs: dice.pick([0, 10, 100]) };
}

function appPlans(dice: Dice, gateways: number): AppPlan[] {
  const kinds = {
    one: dice.pick(['token', 'signer', 'signer', 'signer']),
    two: dice.pick(['token', 'signer', 'signer']),
  } as const;
  const delays = { one: dice.pick([0, 0, 30]), two: dice.pick([0, 200]) } as const;
  const credential = (team: 'one' | 'two'): CredentialPlan =>
    kinds[team] === 'token' ? { kind: 'token', team, key: 1 } : { kind: 'signer', team, key: 1, delayMs: delays[team] };
  const all: AppPlan[] = [
    { name: 'news', topic: 'com.example.news', credential: credential('one'), ...appWays(dice), gateway: 0 },
    { name: 'chat', topic: 'com.example.chat', credential: credential('one'), ...appWays(dice), gateway: 0 },
    { name: 'shop', topic: 'com.example.shop', credential: credential('two'), ...appWays(dice), gateway: 0 },
    {
      name: 'desk',
      topic: certificateTopic,
      credential: { kind: 'certificate', team: 'three' },
      ...appWays(dice),
      gateway: 0,
    },
    { name: 'beta', topic: 'com.example.news', credential: credential('one'), ...appWays(dice), gateway: gateways - 1 },
  ];
  const count = dice.pick([1, 1, 2, 3, 5]);
  const first = dice.whole(0, all.length - 1);
  return Array.from({ length: count }, (_, at) => all[(first + at) % all.length]);
}

function appWays(dice: Dice): Pick<AppPlan, 'weight' | 'ratePerSecond'> {
  return { weight: dice.pick([1, 1, 3]), ratePerSecond: dice.isTrue(0.08) ? dice.spread(5, 500) : null };
}

const states: readonly ((dice: Dice) => ScriptedToken)[] = [
  () => ({ kind: 'bad' }),
  () => ({ kind: 'unregistered' }),
  () => ({ kind: 'unregistered', timestampMs: epochMs - 86_400_000 }),
  () => ({ kind: 'expired' }),
  () => ({ kind: 'wrong-topic' }),
  (dice) => ({ kind: 'throttled', times: dice.whole(1, 3) }),
  (dice) => ({ kind: 'throttled', retryAfter: String(dice.whole(0, 5)), times: dice.whole(1, 3) }),
  (dice) => ({ kind: 'silence', times: dice.whole(1, 2) }),
  (dice) => ({ kind: 'reset', errorCode: dice.pick([2, 8]), times: dice.whole(1, 2) }),
  (dice) => ({ kind: 'ok', delayMs: dice.spread(10, 5_000) }),
  () => ({ kind: 'reply', status: 400, reason: 'SomethingNew' }),
  () => ({ kind: 'reply', status: 413, reason: 'PayloadTooLarge' }),
];

function devicePlans(seed: number, dice: Dice): DevicePlan[] {
  const count = dice.spread(3, 200);
  const oddShare = dice.pick([0, 0, 0.05, 0.2, 0.6]);
  const jobs = new Dice(seed, 'jobs');
  return Array.from({ length: count }, () => ({
    token: jobs.hex(dice.pick([64, 64, 64, 160])),
    state: dice.isTrue(oddShare) ? dice.pick(states)(dice) : { kind: 'ok' },
  }));
}

function callPlans(
  seed: number,
  dice: Dice,
  apps: readonly AppPlan[],
  devices: readonly DevicePlan[],
  startsAtMs: number,
): CallPlan[] {
  const jobDice = new Dice(seed + 1, 'jobs');
  const count = dice.pick([1, 1, 2, 3]);
  return Array.from({ length: count }, (_, at): CallPlan => {
    const name = `call-${at + 1}`;
    const startMs = dice.isTrue(0.7) ? 0 : dice.spread(1, 20_000);
    const jobs = jobsOf(name, jobDice, dice.spread(1, 150), apps, devices, startsAtMs + startMs);
    const common = { name, startsAtMs: startMs, jobs };
    const ids = (job: JobObject): JobObject => ({ ...job, apnsId: job.apnsId ?? uuidOf(jobDice) });
    const kind = dice.pick(['bytes', 'bytes', 'jobs', 'jobs', 'single'] as const);
    if (kind === 'single')
      return {
        ...common,
        // Its promise says nothing else by which a ledger could be asked.
        jobs: jobs.map(ids),
        kind,
        everyMs: dice.pick([0, 0, 1, 50]),
        whenFull: dice.pick(['wait', 'wait', 'refuse']),
      };
    const ways = { source: sourceOf(dice, jobs.length), sink: sinkOf(dice) };
    return kind === 'jobs'
      ? { ...common, kind, ...ways }
      : { ...common, kind, ...ways, chunkBytes: dice.spread(5, 20_000) };
  });
}

/** A push now and then: connections idle for minutes, and provider tokens change on them. */
function hoursCall(dice: Dice, apps: readonly AppPlan[], devices: readonly DevicePlan[]): CallPlan {
  const everyMs = dice.pick([70_000, 400_000, 1_300_000]);
  const jobs = Array.from({ length: dice.whole(3, Math.ceil(6_000_000 / everyMs)) }, (_, number): JobObject => ({
    id: `hours-${number}`,
    app: dice.pick(apps).name,
    token: dice.pick(devices).token,
    apnsId: uuidOf(dice),
    payload: { aps: { alert: 'still there' } },
  }));
  return { name: 'hours', startsAtMs: 0, kind: 'single', jobs, everyMs, whenFull: 'wait' };
}

/** Thousands, so that shares are counted: of refusals, of retries. */
function crowdCall(dice: Dice, apps: readonly AppPlan[], devices: readonly DevicePlan[]): CallPlan {
  const badShare = dice.pick([0, 0.01, 0.1, 0.5]);
  const bad = devices.filter(({ state }) => state.kind !== 'ok');
  const dirty = dice.pick(apps).name;
  const jobs = Array.from({ length: dice.spread(1_000, 4_000) }, (_, number): JobObject => {
    const app = dice.pick(apps).name;
    const isBad = bad.length > 0 && app === dirty && dice.isTrue(badShare);
    const token = isBad ? dice.pick(bad).token : dice.isTrue(0.8) ? dice.hex(64) : dice.pick(devices).token;
    return { id: `crowd-${number}`, app, token, payload: { aps: { alert: 'to everyone' } } };
  });
  return { name: 'crowd', startsAtMs: 0, kind: 'bytes', jobs, chunkBytes: 20_000, source: prompt, sink: quick };
}

const prompt: SourceWays = { delayMs: null, failsAfter: null };
const quick: SinkWays = { delayMs: 0, leavesAfter: null };

function sourceOf(dice: Dice, pieces: number): SourceWays {
  return {
    delayMs: dice.isTrue(0.75) ? null : dice.pick([0, 1, 40]),
    failsAfter: dice.isTrue(0.03) ? dice.whole(0, pieces) : null,
  };
}

function sinkOf(dice: Dice): SinkWays {
  return {
    delayMs: dice.isTrue(0.75) ? 0 : dice.pick([1, 20, 500]),
    leavesAfter: dice.isTrue(0.03) ? dice.whole(1, 4) : null,
  };
}

function jobsOf(
  call: string,
  dice: Dice,
  count: number,
  apps: readonly AppPlan[],
  devices: readonly DevicePlan[],
  nowMs: number,
): JobObject[] {
  const bodyMost = dice.pick([20, 200, 200, 3_500]);
  return Array.from({ length: count }, (_, number) => {
    const isBackground = dice.isTrue(0.1);
    const aps = isBackground ? { 'content-available': 1 } : { alert: 'x'.repeat(dice.whole(1, bodyMost)) };
    const job: Record<string, unknown> = {
      id: `${call}-${number}`,
      app: dice.pick(apps).name,
      token: dice.pick(devices).token,
      payload: { aps },
    };
    if (dice.isTrue(0.2)) job['priority'] = isBackground ? dice.pick([5, 1]) : dice.pick([10, 5, 1]);
    if (dice.isTrue(0.15)) job['onAmbiguous'] = dice.pick(['report', 'resend']);
    if (dice.isTrue(0.1)) job['deadline'] = new Date(nowMs + dice.spread(10, 60_000)).toISOString();
    if (dice.isTrue(0.1)) job['expiration'] = dice.pick([0, Math.floor(nowMs / 1_000) + 600]);
    if (dice.isTrue(0.1)) job['collapseId'] = `c${dice.whole(1, 9)}`;
    if (dice.isTrue(0.5)) job['apnsId'] = uuidOf(dice);
    // Wrong in one way: each has its receipt too.
    if (dice.isTrue(0.02)) job['token'] = 'not a token';
    if (dice.isTrue(0.01)) job['app'] = 'nobody';
    if (dice.isTrue(0.01)) job['payload'] = { aps: { alert: 'y'.repeat(5_000) } };
    return job;
  });
}

function uuidOf(dice: Dice): string {
  const digits = dice.hex(30);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18)}`;
}
