// From the engine's figures to measurements. Connections and credentials have no label of their own: their figures are
// added up, or the worst is taken, over everything that leads to the same endpoint.
import type { ConnectionStats, EngineStats, LaneStats, OutletStats } from '@carillon/engine';
import type { Attributes } from '@opentelemetry/api';

import type { InstrumentName } from './instruments.ts';
import { reasonLabel } from './reason-label.ts';
import type { RisingSums } from './rising-sums.ts';

/** `value` may be infinite or not a number where nothing was measured yet: then nothing is observed. */
type Observe = (instrument: InstrumentName, value: number, attributes?: Attributes) => void;

const msInSecond = 1000;

export function observeStats(stats: EngineStats, rising: RisingSums, report: Observe): void {
  const observe: Observe = (instrument, value, attributes) => {
    if (Number.isFinite(value)) report(instrument, value, attributes);
  };
  observeTotals(stats, rising, observe);
  for (const [endpoint, outlets] of groupBy(stats.outlets, (outlet) => outlet.endpoint)) {
    observeHealth(endpoint, outlets, observe);
    observeRefusals(endpoint, outlets, rising, observe);
    observeConnections(
      endpoint,
      outlets.flatMap((outlet) => outlet.connections),
      observe,
    );
    const lanes = outlets.flatMap((outlet) => outlet.lanes);
    for (const [app, ofApp] of groupBy(lanes, (lane) => lane.app)) observeLane(endpoint, app, ofApp, rising, observe);
  }
}

function observeTotals(stats: EngineStats, rising: RisingSums, observe: Observe): void {
  observe('admitted', stats.admitted);
  for (const outcome of ['accepted', 'rejected', 'unregistered', 'abandoned', 'refused'] as const) {
    observe('settled', stats[outcome], { outcome });
  }
  observe('jobs', stats.jobs);
  observe('jobBytes', stats.jobBytes);
  observe('pushes', stats.waiting, { state: 'waiting' });
  observe('pushes', stats.onWire, { state: 'on-wire' });
  observe('pushes', stats.putOff, { state: 'put-off' });
  observe('attempts', stats.attempts);
  observe('resends', stats.resends);
  observe('ambiguous', stats.ambiguous);
  observe('delays', stats.delayed);
  for (const [code, count] of Object.entries(stats.warnings)) observe('warned', count, { code });
  observe('truncated', stats.truncated);
  observe('devices', stats.deadDevices, { state: 'dead' });
  observe('devices', stats.restingDevices, { state: 'resting' });
  observe('devices', stats.suspectDevices, { state: 'suspect' });
  observe('probation', stats.onProbation);
  observe('dials', rising.raise('dials', stats.dials));
  observe('dialFailures', rising.raise('dialFailures', stats.dialFailures));
  observe('connections', stats.usableConnections, { state: 'usable' });
  observe('connections', stats.connections - stats.usableConnections, { state: 'unusable' });
  observe('connections', stats.dialing, { state: 'dialing' });
  observe('socketBytes', stats.socketBytes);
  observe('channelCalls', stats.channels.calls);
  observe('channelConnections', stats.channels.connections);
}

/** Every state is observed, those of nobody as 0: a series that ends looks like one that went on. */
function observeHealth(endpoint: string, outlets: readonly OutletStats[], observe: Observe): void {
  for (const state of ['trusted', 'doubted', 'parked'] as const) {
    observe('credentials', outlets.filter((outlet) => outlet.credential === state).length, { endpoint, state });
  }
  for (const state of ['closed', 'open', 'half-open'] as const) {
    observe('breakers', outlets.filter((outlet) => outlet.breaker === state).length, { endpoint, state });
  }
}

function observeRefusals(
  endpoint: string,
  outlets: readonly OutletStats[],
  rising: RisingSums,
  observe: Observe,
): void {
  const reasons = new Map<string, number>();
  for (const outlet of outlets) {
    for (const [said, count] of Object.entries(outlet.reasons)) {
      const reason = reasonLabel(said);
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    }
  }
  for (const [reason, count] of reasons) {
    observe('refusals', rising.raise(`refusals ${endpoint} ${reason}`, count), { endpoint, reason });
  }
}

function observeConnections(endpoint: string, connections: readonly ConnectionStats[], observe: Observe): void {
  observe(
    'streams',
    sum(connections, (one) => one.openStreams),
    { endpoint },
  );
  observe(
    'streamsMax',
    sum(connections, (one) => one.peerStreamsMax),
    { endpoint },
  );
  observe(
    'streamsOwnMax',
    sum(connections, (one) => one.streamsLimit),
    { endpoint },
  );
  if (connections.length === 0) return;
  observe('window', Math.min(...connections.map((one) => one.windowBytes)), { endpoint });
  observe('connectionAge', worst(connections, (one) => one.ageMs) / msInSecond, { endpoint });
  observe('ping', worst(connections, (one) => one.pingMs ?? NaN) / msInSecond, { endpoint });
  observe('latency', worst(connections, (one) => one.latency.p50Ms) / msInSecond, { endpoint, quantile: '0.5' });
  observe('latency', worst(connections, (one) => one.latency.p90Ms) / msInSecond, { endpoint, quantile: '0.9' });
  observe('latency', worst(connections, (one) => one.latency.p99Ms) / msInSecond, { endpoint, quantile: '0.99' });
  observe('latency', worst(connections, (one) => one.latency.maxMs) / msInSecond, { endpoint, quantile: '1' });
}

function observeLane(
  endpoint: string,
  app: string,
  lanes: readonly LaneStats[],
  rising: RisingSums,
  observe: Observe,
): void {
  observe(
    'laneDepth',
    sum(lanes, (lane) => lane.depth),
    { endpoint, app },
  );
  observe('laneOldest', worst(lanes, (lane) => lane.oldestMs) / msInSecond, { endpoint, app });
  observe('lanePaused', lanes.some((lane) => lane.isPaused) ? 1 : 0, { endpoint, app });
  const sent = sum(lanes, (lane) => lane.sent);
  observe('laneSent', rising.raise(`sent ${endpoint} ${app}`, sent), { endpoint, app });
}

function sum<One>(all: readonly One[], of: (one: One) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

/** The largest of those that were measured; -Infinity when none was. */
function worst<One>(all: readonly One[], of: (one: One) => number): number {
  return all.reduce((largest, one) => (of(one) > largest ? of(one) : largest), -Infinity);
}

function groupBy<One>(all: readonly One[], keyOf: (one: One) => string): Map<string, One[]> {
  const groups = new Map<string, One[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}
