// Plans that are smaller than a given one, the largest steps first: without a fault, a call, half of the jobs; with plain
// ways in place of odd ones.
import type { CallPlan, Plan } from './plan.ts';

export function* smallerPlans(plan: Plan): Generator<Plan> {
  yield* withoutFaults(plan);
  yield* withoutCalls(plan);
  yield* withFewerJobs(plan);
  yield* withPlainerWays(plan);
  yield* withoutTheUnused(plan);
}

function* withoutFaults(plan: Plan): Generator<Plan> {
  const { faults } = plan;
  if (faults.length > 3) {
    const half = faults.length >> 1;
    yield { ...plan, faults: faults.slice(0, half) };
    yield { ...plan, faults: faults.slice(half) };
  }
  for (let at = 0; at < faults.length; at++) yield { ...plan, faults: faults.filter((_, other) => other !== at) };
}

function* withoutCalls(plan: Plan): Generator<Plan> {
  if (plan.calls.length < 2) return;
  for (let at = 0; at < plan.calls.length; at++)
    yield { ...plan, calls: plan.calls.filter((_, other) => other !== at) };
}

function* withFewerJobs(plan: Plan): Generator<Plan> {
  for (let at = 0; at < plan.calls.length; at++) {
    const { jobs } = plan.calls[at];
    const half = jobs.length >> 1;
    const pieces = half === 0 ? [] : [jobs.slice(0, half), jobs.slice(half)];
    if (jobs.length > 1 && jobs.length <= 12) {
      for (let job = 0; job < jobs.length; job++) pieces.push(jobs.filter((_, other) => other !== job));
    }
    for (const piece of pieces) yield withCall(plan, at, { ...plan.calls[at], jobs: piece });
  }
}

function* withPlainerWays(plan: Plan): Generator<Plan> {
  const { ways, engine, addresses, gateways } = plan;
  if (ways.segments !== 'whole') yield { ...plan, ways: { ...ways, segments: 'whole' } };
  if (ways.jitterMs > 0) yield { ...plan, ways: { ...ways, jitterMs: 0 } };
  if (ways.bufferBytes < 262_144) yield { ...plan, ways: { ...ways, bufferBytes: 262_144 } };
  if (addresses > 1) yield { ...plan, addresses: 1 };
  if (engine.connectionsMax > 1) yield { ...plan, engine: { ...engine, connectionsMax: 1 } };
  const { ratePerSecond, perDevicePerSecond, ...unpaced } = engine;
  if (ratePerSecond !== undefined || perDevicePerSecond !== undefined) yield { ...plan, engine: unpaced };
  if (gateways.some(({ latency }) => latency !== null))
    yield { ...plan, gateways: Array.from(gateways, (gateway) => ({ ...gateway, latency: null })) };
  for (const [at, call] of plan.calls.entries()) {
    if (call.kind === 'single') continue;
    if (call.sink.delayMs > 0) yield withCall(plan, at, { ...call, sink: { ...call.sink, delayMs: 0 } });
    if (call.source.delayMs !== null) yield withCall(plan, at, { ...call, source: { ...call.source, delayMs: null } });
  }
}

function withCall(plan: Plan, at: number, call: CallPlan): Plan {
  return { ...plan, calls: plan.calls.map((one, other) => (other === at ? call : one)) };
}

/** Apps and devices that no job names. */
function* withoutTheUnused(plan: Plan): Generator<Plan> {
  const jobs = plan.calls.flatMap((call) => call.jobs);
  const apps = plan.apps.filter(({ name }) => jobs.some(({ app }) => app === name));
  if (apps.length > 0 && apps.length < plan.apps.length) yield { ...plan, apps };
  // Turns name devices by their place.
  if (plan.faults.some((fault) => fault.part === 'turn' && 'device' in fault.turn)) return;
  const devices = plan.devices.filter((device) => jobs.some(({ token }) => token === device.token));
  if (devices.length < plan.devices.length) yield { ...plan, devices };
}
