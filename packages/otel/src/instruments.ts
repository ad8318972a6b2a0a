// Every instrument, once: its name, its unit, and what it says. Attributes stand behind the description in brackets; their
// values come from the configuration or from short lists, so that no gateway and no device makes a new series.
import type { Meter, Observable } from '@opentelemetry/api';

interface InstrumentSpec {
  /** A counter only rises; an upDown may be summed over processes; a gauge may not. */
  readonly kind: 'counter' | 'upDown' | 'gauge';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

export type InstrumentName =
  | 'admitted'
  | 'settled'
  | 'jobs'
  | 'jobBytes'
  | 'pushes'
  | 'probation'
  | 'attempts'
  | 'resends'
  | 'ambiguous'
  | 'delays'
  | 'warned'
  | 'truncated'
  | 'devices'
  | 'dials'
  | 'dialFailures'
  | 'connections'
  | 'socketBytes'
  | 'credentials'
  | 'breakers'
  | 'refusals'
  | 'streams'
  | 'streamsMax'
  | 'streamsOwnMax'
  | 'window'
  | 'latency'
  | 'ping'
  | 'connectionAge'
  | 'laneDepth'
  | 'laneOldest'
  | 'lanePaused'
  | 'laneSent'
  | 'channelCalls'
  | 'channelConnections';

const specs: Readonly<Record<InstrumentName, InstrumentSpec>> = {
  admitted: counter('carillon.jobs.admitted', '{job}', 'Jobs taken in'),
  settled: counter(
    'carillon.jobs.settled',
    '{job}',
    'Jobs that have their receipt, by [outcome]; refused: before anything was sent',
  ),
  jobs: upDown('carillon.jobs.active', '{job}', 'Jobs taken in and not settled yet'),
  jobBytes: upDown('carillon.jobs.memory', 'By', 'Bytes of the jobs that are not settled yet'),
  pushes: upDown('carillon.pushes', '{push}', 'Pushes under way, by [state]: waiting, on-wire, put-off'),
  probation: upDown(
    'carillon.probation',
    '{push}',
    'Pushes under way on probation: suspects, and sources refused too often',
  ),
  attempts: counter('carillon.attempts', '{attempt}', 'Pushes put on the wire, resends included'),
  resends: counter('carillon.resends', '{attempt}', 'Sent again after proof that they were not processed'),
  ambiguous: counter('carillon.ambiguous', '{attempt}', 'Attempts of which nobody knows whether APNs took them'),
  delays: counter('carillon.delays', '{push}', 'Pushes put off by a verdict, to be tried later'),
  warned: counter('carillon.pushes.warned', '{push}', 'Pushes sent with a warning about their payload, by [code]'),
  truncated: counter('carillon.pushes.truncated', '{push}', 'Pushes whose alert was shortened to fit'),
  devices: upDown(
    'carillon.devices',
    '{device}',
    'Device tokens remembered, by [state]: dead (410), resting (429), suspect (BadDeviceToken)',
  ),
  dials: counter('carillon.dials', '{dial}', 'Connections that were tried'),
  dialFailures: counter('carillon.dials.failed', '{dial}', 'Connections that did not come about'),
  connections: upDown('carillon.connections', '{connection}', 'Connections, by [state]: usable, unusable, dialing'),
  socketBytes: upDown('carillon.sockets.memory', 'By', 'Bytes that sockets hold'),

  credentials: upDown(
    'carillon.credentials',
    '{credential}',
    'Credentials by [endpoint] and [state]: trusted, doubted, parked',
  ),
  breakers: upDown(
    'carillon.breakers',
    '{breaker}',
    'Breakers of gateways by [endpoint] and [state]: closed, open, half-open',
  ),
  refusals: counter('carillon.refusals', '{reply}', 'Answers other than 200, by [endpoint] and [reason]'),
  streams: upDown('carillon.streams', '{stream}', 'Open streams, by [endpoint]'),
  streamsMax: upDown(
    'carillon.streams.limit',
    '{stream}',
    'Streams that the gateway allows, by [endpoint], all connections together',
  ),
  streamsOwnMax: upDown(
    'carillon.streams.own_limit',
    '{stream}',
    'Streams that the connections let themselves have, by [endpoint]: what the gateway answers promptly',
  ),
  window: gauge('carillon.window', 'By', 'What the fullest connection may still send, by [endpoint]'),
  latency: gauge('carillon.latency', 's', 'Of the slowest connection, by [endpoint] and [quantile]'),
  ping: gauge('carillon.ping', 's', 'Round trip of the last PING on the slowest connection, by [endpoint]'),
  connectionAge: gauge('carillon.connection.age', 's', 'Age of the oldest connection, by [endpoint]'),

  laneDepth: upDown('carillon.lane.depth', '{push}', 'Pushes that wait, by [endpoint] and [app]'),
  laneOldest: gauge(
    'carillon.lane.oldest',
    's',
    'How long the push that waits longest has waited, by [endpoint] and [app]',
  ),
  lanePaused: gauge('carillon.lane.paused', '1', '1 while the lane is paused, by [endpoint] and [app]'),
  laneSent: counter('carillon.lane.sent', '{push}', 'Pushes that left the lane for the wire, by [endpoint] and [app]'),

  channelCalls: upDown('carillon.channels.calls', '{call}', 'Calls of channel management under way'),
  channelConnections: upDown('carillon.channels.connections', '{connection}', 'Connections for channel management'),
};

export function createInstruments(meter: Meter): Record<InstrumentName, Observable> {
  const instruments = Object.entries(specs).map(([key, spec]) => [key, createInstrument(meter, spec)]);
  return Object.fromEntries(instruments) as Record<InstrumentName, Observable>; // the keys of specs, each once
}

function createInstrument(meter: Meter, { kind, name, unit, description }: InstrumentSpec): Observable {
  switch (kind) {
    case 'counter':
      return meter.createObservableCounter(name, { unit, description });
    case 'upDown':
      return meter.createObservableUpDownCounter(name, { unit, description });
    case 'gauge':
      return meter.createObservableGauge(name, { unit, description });
  }
}

function counter(name: string, unit: string, description: string): InstrumentSpec {
  return { kind: 'counter', name, unit, description };
}

function upDown(name: string, unit: string, description: string): InstrumentSpec {
  return { kind: 'upDown', name, unit, description };
}

function gauge(name: string, unit: string, description: string): InstrumentSpec {
  return { kind: 'gauge', name, unit, description };
}
