/**
 * The faults, in the order of the table in which two Node senders were first measured under them. Each is a script for
 * the simulator, cut to how a client uses its connections: 200 pushes over one, or one at a time over each of 32.
 */
import type {
  Fault,
  FaultAction,
  FaultScript,
  FaultTrigger,
  SimulatorOptions,
  SimulatorStats,
} from '@carillon/simulator';

/** How a client uses its connections. */
export type Use = 'multiplexed' | 'one-at-a-time';

export interface FaultCase {
  readonly name: string;
  /** For people. */
  readonly what: string;
  /** Nobody can tell whether the gateway took what was on the wire: a resend may be a second push. */
  readonly isAmbiguous: boolean;
  /** Longer than the bench's bound, for a client that waits as long as it should. */
  readonly boundMs?: number;
  readonly gateway?: Pick<SimulatorOptions, 'http2' | 'rules'>;
  faults(batch: Batch): readonly Fault[];
  /** How often it fired, where the script does not count that. */
  fired?(stats: SimulatorStats, use: Use): number;
}

export interface Batch {
  readonly use: Use;
  readonly jobs: number;
  /** For CI: waits that the gateway asks for are short. */
  readonly isQuick: boolean;
}

/** What is to be measured; all else in a script sets the scene. */
const faultId = 'fault';
/** Answers take 25 ms, so that when a fault comes pushes are on the wire. */
const think: Fault = { id: 'think', when: { on: 'request' }, action: { kind: 'delay', delayMs: 25 } };
/** The second push is read and then nothing for 50 ms: what a client sends at once is there at once, however busy the machine. */
const gather: Fault = {
  id: 'gather',
  when: { on: 'request', nth: 2, inAll: true, times: 1 },
  action: { kind: 'stop-reading', forMs: 50 },
};

/** What the one-at-a-time client opens: apns2's pool. */
const connectionsOfMany = Array.from({ length: 32 }, (_, index) => index + 1);

/** In the middle: the 50th push on the one connection, or the third on each of the many. Their replacements are sound. */
function inTheMiddle({ use }: Batch): FaultTrigger {
  return use === 'multiplexed'
    ? { on: 'request', nth: 50, inAll: true, times: 1 }
    : { on: 'request', nth: 3, connections: connectionsOfMany };
}

/** One push in so many, as often as the batch has such: resends are served. */
function oneIn(every: number, { jobs }: Batch): FaultTrigger {
  return { on: 'request', every, inAll: true, times: Math.floor(jobs / every) };
}

function once(when: FaultTrigger, action: FaultAction): Fault[] {
  return [{ id: faultId, when, action }];
}

export const faultCases: readonly FaultCase[] = [
  { name: 'none', what: 'nothing', isAmbiguous: false, faults: () => [] },
  {
    name: 'goaway',
    what: 'GOAWAY(NO_ERROR) after 50, what is at or below its last stream is answered',
    isAmbiguous: false,
    faults: (batch) => once(inTheMiddle(batch), { kind: 'goaway' }),
  },
  {
    name: 'refused-stream',
    what: 'RST_STREAM(REFUSED_STREAM) on 10 %',
    isAmbiguous: false,
    faults: (batch) => once(oneIn(10, batch), { kind: 'rst', code: 7 }),
  },
  {
    name: 'streams-drop-to-1',
    what: 'SETTINGS drop MAX_CONCURRENT_STREAMS to 1 with pushes on the wire, what is above is refused',
    isAmbiguous: false,
    faults: (batch) => [
      ...(batch.use === 'multiplexed' ? [gather] : []),
      ...once(inTheMiddle(batch), { kind: 'settings', steps: [{ maxConcurrentStreams: 1 }] }),
    ],
    // One at a time, nothing is ever above.
    fired: (stats, use) => (use === 'multiplexed' ? stats.streamsRefused : (stats.fired[faultId] ?? 0)),
  },
  {
    name: 'starts-at-1',
    what: 'MAX_CONCURRENT_STREAMS is 1 until the first success, then 1,000',
    isAmbiguous: false,
    // Streams opened before SETTINGS were read are refused, as the real gateway does (AndrewBarba/apns2#17).
    gateway: { http2: { streamsBeforeAuthentication: 1 } },
    faults: () => [],
    fired: (stats) => stats.connectionsSecured, // each of them starts so
  },
  {
    name: 'tcp-reset',
    what: 'TCP reset with pushes on the wire',
    isAmbiguous: true,
    faults: (batch) => once(inTheMiddle(batch), { kind: 'tcp-reset' }),
  },
  {
    name: 'silence',
    what: 'the gateway goes silent and keeps the connection open',
    isAmbiguous: true,
    faults: (batch) => once(inTheMiddle(batch), { kind: 'silence' }),
  },
  {
    name: 'no-answer',
    what: '2 % of streams are never answered',
    isAmbiguous: true,
    faults: (batch) => once(oneIn(50, batch), { kind: 'no-answer' }),
  },
  {
    name: 'status-503',
    what: '503 on 20 %, retry-after: 1',
    isAmbiguous: false,
    faults: (batch) =>
      once(oneIn(5, batch), { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '1' }),
  },
  {
    name: 'status-429',
    what: '429 TooManyRequests on 20 %, each a device token of its own (--quick: with retry-after: 1)',
    isAmbiguous: false,
    // Ours leaves such a device alone for 30 s (conduct `device-not-flooded`).
    boundMs: 45_000,
    faults: (batch) => {
      const action = { kind: 'status', status: 429, reason: 'TooManyRequests' } as const;
      return once(oneIn(5, batch), batch.isQuick ? { ...action, retryAfter: '1' } : action);
    },
  },
  {
    name: 'rst-internal-error',
    what: 'RST_STREAM(INTERNAL_ERROR) on 10 %, the push was taken',
    isAmbiguous: true,
    faults: (batch) => once(oneIn(10, batch), { kind: 'rst', code: 2 }),
  },
  {
    name: 'expired-token',
    what: '403 ExpiredProviderToken on 40 of the first connection (one at a time: of the first 32)',
    isAmbiguous: false,
    // The script alone says which token has expired. The rules would count a new one as a change within 20 minutes.
    gateway: { rules: { checkOrder: ['method', 'path', 'topic', 'device-token', 'payload'] } },
    faults: ({ use }) =>
      once(
        use === 'multiplexed'
          ? { on: 'request', every: 5, connections: [1], times: 40 }
          : { on: 'request', every: 5, inAll: true, connections: connectionsOfMany, times: 40 },
        { kind: 'status', status: 403, reason: 'ExpiredProviderToken' },
      ),
  },
];

/** The first fault that fits answers a request; `think` fits all and comes last. */
export function scriptOf(fault: FaultCase, batch: Batch): FaultScript {
  return { faults: [...fault.faults(batch), think] };
}

export function firedOf(fault: FaultCase, stats: SimulatorStats, use: Use): number {
  return fault.fired?.(stats, use) ?? stats.fired[faultId] ?? 0;
}
