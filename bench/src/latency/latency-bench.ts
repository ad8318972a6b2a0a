/**
 * What a round trip costs us, and whether we find out how much a gateway can take.
 *
 * The gateway of each row is the simulator in a process of its own, the engine another one, and the network of the rtt rows
 * a proxy in this process. `bound` is what nobody could exceed: streams, or window ÷ body, over the round trip.
 */
import { spawnSimulator, startTcpProxy } from '@carillon/simulator';
import type { SimulatorOptions, SpawnedSimulator, TcpProxy } from '@carillon/simulator';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { taskFor } from '../load/gateway.ts';
import { runTask } from '../load/run-client.ts';
import { payloadBytes } from '../load/traffic.ts';
import { heldAgainstAims, knee } from './aims.ts';
import type { LightReport, LightTask, LoadReport, LoadTask } from './load-task.ts';
import { fairness, inFlightBetween, rateBetween, secondsUntil } from './reckoning.ts';

interface Plan {
  readonly name: string;
  readonly gateway: SimulatorOptions;
  /** Both directions, ms; 0: no proxy. */
  readonly oneWayMs?: number;
  readonly engines?: number;
  readonly connections?: number;
  run(plan: Plan, gateway: SpawnedSimulator, port: number, context: BenchContext): Promise<Row>;
}

const connections = 4;
const streamsMax = 1000;
/** apns-protocol.md E.1: 65,535 and the increment that was seen. */
const windowBytes = 65_535 + 32_822;
const roundTripMs = 50;
/** Before it the connections are dialled and start slowly. */
const warmUpSeconds = 3;

/** Windows and streams as Apple has been seen to grant them; what it checks of a request is no matter of latency. */
const asObserved: SimulatorOptions = { rules: { checkOrder: [] }, http2: { streamsBeforeAuthentication: streamsMax } };

const kneePerSecond = (knee * 1000) / roundTripMs;
const atKnee: SimulatorOptions = { profile: 'fast', load: { atOnce: knee, serviceMs: roundTripMs } };
/** The capacity that is left when the gateway of `knee-recovery` breaks down, and when it does and ends, s. */
const brokenKnee = 100;
const breaksAt = 6;

const plans: readonly Plan[] = [
  {
    name: 'think-50ms',
    gateway: { profile: 'fast', latency: { replyMs: roundTripMs } },
    run: (...given) => runToBound((connections * streamsMax * 1000) / roundTripMs, ...given),
  },
  {
    name: 'rtt-50ms',
    gateway: { ...asObserved, http2: { ...asObserved.http2, windowUpdates: 'each-read' } },
    oneWayMs: roundTripMs / 2,
    run: (...given) => runToBound(perSecond(Math.floor(windowBytes / payloadBytes)), ...given),
  },
  {
    // A gateway that gives its window back at half: the rest of a window waits, in it, for more to come, and what may be
    // under way is the other half, rounded up to whole bodies.
    name: 'rtt-50ms-at-half',
    gateway: asObserved,
    oneWayMs: roundTripMs / 2,
    run: (...given) => runToBound(perSecond(Math.ceil(windowBytes / 2 / payloadBytes)), ...given),
  },
  { name: 'light-load', gateway: { profile: 'fast' }, run: runLight },
  { name: 'knee', gateway: atKnee, connections: 1, run: runKnee },
  { name: 'knee-shared', gateway: atKnee, connections: 1, engines: 4, run: runKnee },
  { name: 'knee-recovery', gateway: atKnee, connections: 1, run: runRecovery },
];

/** What the connections carry with so many bodies under way on each. */
function perSecond(bodies: number): number {
  return (connections * Math.min(streamsMax, bodies) * 1000) / roundTripMs;
}

export const latencyBench: Bench = {
  name: 'latency',
  question:
    'how near do we come to what round trips allow, what do we add, and do we find how much a gateway can take?\n' +
    'Read by whoever sends over a real network. Aims: 0.9 of the bound, 5 ms added at the 99th percentile, 0.9 of the\n' +
    "gateway's capacity at no more than 2.2 times its knee in flight, equal shares, back within seconds.",
  run,
  conclude: (rows) => heldAgainstAims(rows).map(({ line }) => line),
  check: (rows) => heldAgainstAims(rows).flatMap(({ line, isMet }) => (isMet ? [] : [line])),
};

async function run(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const plan of plans) if (context.wants(plan.name)) rows.push(await runPlan(plan, context));
  return rows;
}

async function runPlan(plan: Plan, context: BenchContext): Promise<Row> {
  context.signal.throwIfAborted();
  await using gateway = await spawnSimulator(plan.gateway);
  const { oneWayMs } = plan;
  if (oneWayMs === undefined) return await plan.run(plan, gateway, gateway.port, context);
  const lane = { delayMs: oneWayMs };
  await using proxy: TcpProxy = await startTcpProxy({ targetPort: gateway.port, toServer: lane, toClient: lane });
  return await plan.run(plan, gateway, proxy.port, context);
}

async function load(
  plan: Plan,
  gateway: SpawnedSimulator,
  port: number,
  seconds: number,
  { progress, signal }: BenchContext,
): Promise<LoadReport> {
  progress(`${plan.name}: ${seconds} s`);
  const of = { pushes: 0, connections: plan.connections ?? connections, port };
  const task: LoadTask = {
    ...taskFor(gateway, of),
    engines: plan.engines ?? 1,
    seconds,
    countFromSecond: warmUpSeconds,
  };
  const report = await runTask<LoadReport>('latency/load-process', task, { signal });
  await holdAgainstGateway(plan.name, report.statuses, gateway);
  return report;
}

/** A row counts only when the gateway saw exactly its pushes and everything was answered 200. */
async function holdAgainstGateway(
  name: string,
  statuses: Readonly<Record<string, number>>,
  gateway: SpawnedSimulator,
): Promise<void> {
  const { requests } = await gateway.stats();
  if (statuses['200'] !== requests || Object.keys(statuses).length !== 1)
    throw new Error(`${name}: receipts by status ${JSON.stringify(statuses)}, the gateway saw ${requests}`);
}

async function runToBound(
  bound: number,
  plan: Plan,
  gateway: SpawnedSimulator,
  port: number,
  context: BenchContext,
): Promise<Row> {
  const seconds = warmUpSeconds + (context.isQuick ? 3 : 12);
  const report = await load(plan, gateway, port, seconds, context);
  const { slices, p50Ms, p99Ms } = report;
  const reached = rateBetween(slices, warmUpSeconds * 1000, seconds * 1000);
  const inFlight = inFlightBetween(slices, warmUpSeconds * 1000, seconds * 1000);
  return {
    name: plan.name,
    n: report.statuses['200'] ?? 0,
    pushesPerSecond: Math.round(reached),
    bound: Math.round(bound),
    ofBound: rounded(reached / bound),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
    inFlight: Math.round(sumOf(inFlight)),
    falls: report.falls,
  };
}

async function runLight(plan: Plan, gateway: SpawnedSimulator, port: number, context: BenchContext): Promise<Row> {
  const perSecondWanted = 10_000;
  const seconds = warmUpSeconds + (context.isQuick ? 3 : 12);
  context.progress(`${plan.name}: ${seconds} s`);
  const task: LightTask = {
    ...taskFor(gateway, { pushes: 0, connections, port }),
    seconds,
    countFromSecond: warmUpSeconds,
    perSecond: perSecondWanted,
  };
  const report = await runTask<LightReport>('latency/light-process', task, { signal: context.signal });
  await holdAgainstGateway(plan.name, report.statuses, gateway);
  const n = report.statuses['200'] ?? 0;
  return {
    name: plan.name,
    n,
    pushesPerSecond: Math.round((n / report.wallMs) * 1000),
    bound: perSecondWanted,
    p50Ms: rounded(report.p50Ms),
    p99Ms: rounded(report.p99Ms),
  };
}

async function runKnee(plan: Plan, gateway: SpawnedSimulator, port: number, context: BenchContext): Promise<Row> {
  const seconds = warmUpSeconds + (context.isQuick ? 6 : 20);
  const report = await load(plan, gateway, port, seconds, context);
  const { slices, p50Ms, p99Ms, falls } = report;
  const reached = rateBetween(slices, warmUpSeconds * 1000, seconds * 1000);
  const inFlight = inFlightBetween(slices, warmUpSeconds * 1000, seconds * 1000);
  return {
    name: plan.name,
    n: report.statuses['200'] ?? 0,
    pushesPerSecond: Math.round(reached),
    bound: kneePerSecond,
    ofBound: rounded(reached / kneePerSecond),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
    inFlight: Math.round(sumOf(inFlight)),
    falls,
    knee,
    ...(inFlight.length > 1 ? { fairness: rounded(fairness(inFlight)) } : {}),
  };
}

/** The gateway loses three quarters of its capacity, and gets them back. */
async function runRecovery(plan: Plan, gateway: SpawnedSimulator, port: number, context: BenchContext): Promise<Row> {
  const breaksFor = context.isQuick ? 6 : 12;
  const seconds = breaksAt + breaksFor * 2;
  const running = load(plan, gateway, port, seconds, context);
  const changes: number[] = [];
  const change = async (afterSeconds: number, atOnce: number): Promise<void> => {
    await sleep(afterSeconds * 1000, context.signal);
    await gateway.setLoad({ atOnce });
    changes.push(Date.now());
  };
  const [report] = await Promise.all([running, change(breaksAt, brokenKnee).then(() => change(breaksFor, knee))]);
  const { slices, p50Ms, p99Ms, falls, beganAtMs } = report;
  const [brokeMs = NaN, mendedMs = NaN] = changes.map((at) => at - beganAtMs);
  // Prompt again: half of the answers within twice what the gateway takes at its knee.
  const isPrompt = (some: typeof slices): boolean =>
    some.every((slice) => (slice.p50Ms ?? Infinity) < roundTripMs * 2.2);
  const isBack = (some: typeof slices): boolean => rateBetween(some, some[0].endMs, Infinity) >= kneePerSecond * 0.9;
  const reached = rateBetween(slices, warmUpSeconds * 1000, brokeMs);
  return {
    name: plan.name,
    n: report.statuses['200'] ?? 0,
    pushesPerSecond: Math.round(reached),
    bound: kneePerSecond,
    ofBound: rounded(reached / kneePerSecond),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
    falls,
    knee,
    promptAfterSeconds: rounded(secondsUntil(slices, brokeMs, mendedMs, isPrompt)),
    brokenOfBound: rounded(rateBetween(slices, brokeMs + 3000, mendedMs) / ((brokenKnee * 1000) / roundTripMs)),
    backAfterSeconds: rounded(secondsUntil(slices, mendedMs, seconds * 1000, isBack)),
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function rounded(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
