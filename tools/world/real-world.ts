// The same plans over real TLS, real sockets and real time, for those that need nothing that only a simulated world has. The
// checks are the same too, but for the audit while it runs: between two turns of a real event loop nobody can look.
import { createEngine } from '../../packages/engine/src/index.ts';
import type { EngineEvent } from '../../packages/engine/src/index.ts';
import type { JobObject } from '../../packages/payload/src/index.ts';
import { startSimulator } from '../../packages/simulator/src/index.ts';
import type { RefereeReport, Simulator } from '../../packages/simulator/src/index.ts';
import { Caller } from './calls.ts';
import { allKeys, credentialOf, gatewayIdentity } from './credentials.ts';
import { Dice } from './dice.ts';
import type { Plan } from './plan.ts';
import type { Observed } from './run.ts';
import { takeTurn } from './turns.ts';
import type { Stage } from './turns.ts';
import type { Sleeper } from './virtual-time.ts';

/** A world that takes longer is stuck. */
const limitMs = 40_000;

/** Turns that happen to people, not to machines. */
const realTurns = new Set([
  'pause',
  'replace-credential',
  'registered',
  'cancel',
  'stop',
  'drain',
  'close',
  'token-state',
]);

/** One gateway and faults that its script or somebody's hand can make. */
export function isRealisable({ gateways, faults }: Plan): boolean {
  return (
    gateways.length === 1 &&
    faults.every((fault) => fault.part === 'gateway' || (fault.part === 'turn' && realTurns.has(fault.turn.kind)))
  );
}

export async function runRealWorld(planned: Plan): Promise<Observed> {
  const plan = movedTo(Date.now(), planned);
  const { http2, latency, rules, environment } = plan.gateways[0];
  await using simulator = await startSimulator({
    identity: gatewayIdentity(),
    http2,
    rules: {
      ...rules,
      environment,
      keys: allKeys(),
      tokens: Object.fromEntries(plan.devices.map(({ token, state }) => [token, state])),
    },
    ...(latency === null ? {} : { latency }),
    ledger: { kind: 'memory', payloadSha256: true },
    faults: { faults: plan.faults.flatMap((fault) => (fault.part === 'gateway' ? [fault.fault] : [])) },
    referee: { limits: { serverErrorDelayMs: plan.engine.serverErrorDelayMs } },
  });
  // Awaited: the simulator lives as long as this function.
  return await live(plan, simulator);
}

async function live(plan: Plan, simulator: Simulator): Promise<Observed> {
  const startedAt = performance.now();
  const events: EngineEvent[] = [];
  const time: Sleeper = { sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)) };
  const { endpoint, ca } = simulator;
  const engine = createEngine({
    ...plan.engine,
    apps: Object.fromEntries(
      plan.apps.map(({ name, topic, credential, weight, ratePerSecond }) => [
        name,
        {
          topic,
          endpoint,
          ca,
          credential: credentialOf(credential, time, Date.now),
          weight,
          ...(ratePerSecond === null ? {} : { ratePerSecond }),
        },
      ]),
    ),
    onEvent: (event) => events.push(event),
  });
  const callers = plan.calls.map(
    (call, at) => new Caller(call, engine, time, new Dice(plan.seed + at, 'callers'), () => undefined),
  );
  const closing: Promise<void>[] = [];
  let wasClosedEarly = false;
  let before: Observed['violationsBeforeTheEnd'] | null = null;
  const timers: NodeJS.Timeout[] = [];
  const stage: Stage = {
    plan,
    engine,
    callers,
    after: (delayMs, fire) => void timers.push(setTimeout(fire, delayMs)),
    credential: (credential) => credentialOf(credential, time, Date.now),
    setToken: (token, state) => simulator.setToken(token, state),
    end: (how) => {
      wasClosedEarly = true;
      before ??= violationsOf(simulator);
      closing.push(how === 'close' ? engine.close() : engine.drain());
    },
    ...onlySimulated,
  };
  for (const fault of plan.faults) {
    if (fault.part === 'turn') stage.after(fault.atMs, () => takeTurn(fault.turn, stage));
  }
  const lived = (async () => {
    await Promise.all(callers.map((caller) => caller.run()));
    before ??= violationsOf(simulator);
    await (plan.ending === 'close' ? engine.close() : engine.drain());
    await Promise.all(closing);
    return 'over' as const;
  })();
  const end = await Promise.race([lived, time.sleep(limitMs).then(() => 'limit' as const)]);
  for (const timer of timers) clearTimeout(timer);
  const stats = engine.stats();
  if (end === 'limit') void engine.close();
  return {
    plan,
    end,
    calls: callers.map(({ record }) => record),
    ledger: simulator.ledger,
    gateways: [{ report: reportOf(simulator), stats: simulator.stats() }],
    violationsBeforeTheEnd: before ?? violationsOf(simulator),
    events,
    stats,
    breaches: [],
    escaped: [],
    timersLeft: 0,
    wasClosedEarly,
    virtualMs: performance.now() - startedAt,
    worldEvents: 0,
    dials: stats.dials,
    connections: simulator.stats().connectionsAccepted,
    looks: 0,
    hash: '',
  };
}

/** `isRealisable` lets no turn through that needs them. */
const onlySimulated: Pick<Stage, 'revokeKey' | 'stepClock' | 'suspend' | 'stall'> = {
  revokeKey: refuse,
  stepClock: refuse,
  suspend: refuse,
  stall: refuse,
};

function refuse(): never {
  throw new Error('only a simulated world can do this');
}

function reportOf(simulator: Simulator): RefereeReport {
  const report = simulator.report();
  if (report === null) throw new Error('a simulator without a referee');
  return report;
}

function violationsOf(simulator: Simulator): Observed['violationsBeforeTheEnd'] {
  return new Map(reportOf(simulator).rules.map(({ id, violations }) => [id, violations]));
}

/** Jobs name times of the wall clock. */
function movedTo(startsAtMs: number, plan: Plan): Plan {
  const laterMs = startsAtMs - plan.startsAtMs;
  const moved = (job: JobObject): JobObject => ({
    ...job,
    deadline: job.deadline === undefined ? undefined : new Date(Number(new Date(job.deadline)) + laterMs),
    expiration:
      typeof job.expiration === 'number' && job.expiration > 0
        ? job.expiration + Math.ceil(laterMs / 1_000)
        : job.expiration,
  });
  return { ...plan, startsAtMs, calls: plan.calls.map((call) => ({ ...call, jobs: call.jobs.map(moved) })) };
}
