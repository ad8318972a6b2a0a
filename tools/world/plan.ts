// A world before it begins, as plain data: everything that is going to be sent, how, over what, and what goes wrong. A
// seed makes one; a shrunk or hand-written one runs the same way.
import type { EngineOptions } from '../../packages/engine/src/index.ts';
import type { JobObject } from '../../packages/payload/src/index.ts';
import type {
  Fault as GatewayFault,
  Http2Options,
  LatencyOptions,
  RuleOptions,
  ScriptedToken,
} from '../../packages/simulator/src/index.ts';
import type { Cut, CutKind, LinkWays } from './memory-link.ts';

export interface Plan {
  readonly seed: number;
  /** Wall clock at the beginning, of both sides. */
  readonly startsAtMs: number;
  readonly gateways: readonly GatewayPlan[];
  readonly ways: LinkWays;
  /** Of each gateway's name. */
  readonly addresses: number;
  readonly apps: readonly AppPlan[];
  readonly engine: EnginePlan;
  readonly devices: readonly DevicePlan[];
  readonly calls: readonly CallPlan[];
  readonly faults: readonly WorldFault[];
  /** How it ends when nothing has ended it before. */
  readonly ending: 'drain' | 'close';
}

export interface GatewayPlan {
  readonly host: string;
  readonly environment: 'production' | 'sandbox';
  readonly http2: Http2Options;
  readonly latency: LatencyOptions | null;
  readonly rules: Pick<
    RuleOptions,
    'poisonsExpired' | 'countsTokensPerSource' | 'deviceRate' | 'generatesUpperCaseIds'
  >;
}

export type TeamName = 'one' | 'two' | 'three';

export type CredentialPlan =
  | { readonly kind: 'token'; readonly team: TeamName; readonly key: 1 | 2 }
  /** Its tokens come from outside, `delayMs` late. */
  | { readonly kind: 'signer'; readonly team: TeamName; readonly key: 1 | 2; readonly delayMs: number }
  | { readonly kind: 'certificate'; readonly team: TeamName };

export interface AppPlan {
  readonly name: string;
  readonly topic: string;
  readonly gateway: number;
  readonly credential: CredentialPlan;
  readonly weight: number;
  readonly ratePerSecond: number | null;
}

export type EnginePlan = Required<
  Pick<
    EngineOptions,
    | 'connectionsMax'
    | 'giveUpAfterMs'
    | 'onCredentialFault'
    | 'deadlineMs'
    | 'requestTimeoutMs'
    | 'onAmbiguous'
    | 'serverErrorDelayMs'
    | 'attemptsMax'
    | 'limits'
  >
> &
  Pick<EngineOptions, 'ratePerSecond' | 'perDevicePerSecond'>;

export interface DevicePlan {
  readonly token: string;
  /** What the gateways say of it at the beginning. */
  readonly state: ScriptedToken;
}

export type CallPlan = SendBytesPlan | SendAllPlan | SendPlan;

interface CallWays {
  readonly name: string;
  readonly startsAtMs: number;
  readonly jobs: readonly JobObject[];
}

export interface SendBytesPlan extends CallWays {
  readonly kind: 'bytes';
  /** The file is cut into chunks of about so many octets, anywhere. */
  readonly chunkBytes: number;
  readonly source: SourceWays;
  readonly sink: SinkWays;
}

export interface SendAllPlan extends CallWays {
  readonly kind: 'jobs';
  readonly source: SourceWays;
  readonly sink: SinkWays;
}

/** Single jobs, each with an apns-id of its own. */
export interface SendPlan extends CallWays {
  readonly kind: 'single';
  readonly everyMs: number;
  readonly whenFull: 'wait' | 'refuse';
}

export interface SourceWays {
  /** Null: a source that answers at once. */
  readonly delayMs: number | null;
  /** It throws after so many pieces; null: never. */
  readonly failsAfter: number | null;
}

export interface SinkWays {
  /** Between taking receipts and asking for the next. */
  readonly delayMs: number;
  /** The consumer goes away after so many batches of receipts; null: never. */
  readonly leavesAfter: number | null;
}

export type WorldFault =
  | { readonly part: 'gateway'; readonly gateway: number; readonly fault: GatewayFault }
  /** `connection`: counted over all gateways, from 1. */
  | { readonly part: 'cut'; readonly connection: number; readonly cut: Cut }
  /** `dial`: counted from 1. */
  | { readonly part: 'dial'; readonly dial: number; readonly how: DialFault }
  | { readonly part: 'address'; readonly address: number; readonly fromMs: number; readonly forMs: number }
  | ({ readonly part: 'outage'; readonly fromMs: number; readonly forMs: number } & OutageWays)
  | { readonly part: 'slow'; readonly fromMs: number; readonly forMs: number; readonly latencyMs: number }
  | { readonly part: 'turn'; readonly atMs: number; readonly turn: Turn };

export type DialFault = 'refuse' | 'hang' | 'untrusted' | 'no-h2' | 'slow';

interface OutageWays {
  /** What dials meet meanwhile, and what becomes of the connections there are; null: nothing. */
  readonly dials: 'refuse' | 'hang';
  readonly breaks: Exclude<CutKind, 'half'> | null;
}

/** Something that somebody does, or that happens to the process. */
export type Turn =
  | { readonly kind: 'pause'; readonly app: string; readonly forMs: number }
  | { readonly kind: 'replace-credential'; readonly app: string; readonly credential: CredentialPlan }
  | { readonly kind: 'registered'; readonly app: string; readonly device: number }
  | { readonly kind: 'cancel' | 'stop'; readonly call: string }
  | { readonly kind: 'drain' }
  | { readonly kind: 'close' }
  /** The sender's wall clock alone. */
  | { readonly kind: 'step-clock'; readonly byMs: number }
  /** Time that the sender's monotonic clock does not see: its machine slept. */
  | { readonly kind: 'suspend'; readonly forMs: number }
  /** The sender's process gets no processor. */
  | { readonly kind: 'stall'; readonly forMs: number }
  | { readonly kind: 'revoke-key'; readonly team: TeamName; readonly key: 1 | 2 }
  | { readonly kind: 'token-state'; readonly device: number; readonly state: ScriptedToken };

function jobsOf(plan: Plan): number {
  return plan.calls.reduce((sum, { jobs }) => sum + jobs.length, 0);
}

/** No job of ours lives longer than its deadline and one request; all that wait behind one another do not either. */
export function timeLimitMs(plan: Plan): number {
  const { deadlineMs, requestTimeoutMs, limits } = plan.engine;
  const jobs = jobsOf(plan);
  const octets = plan.calls.reduce((sum, call) => sum + octetsOf(call), 0);
  // The door opens again when it has emptied to half.
  const byJobs = (2 * jobs) / Math.max(1, limits.jobsMax ?? Infinity);
  const byOctets = (2 * octets) / Math.max(1, limits.jobBytesMax ?? Infinity);
  const rounds = 1 + Math.ceil(Math.max(byJobs, byOctets));
  const paces = plan.calls.map((call) => paceMs(call));
  const stalls = plan.faults.map((fault) => (fault.part === 'turn' ? lostMs(fault.turn) : 0));
  return (
    Math.min(rounds, 400) * (deadlineMs + requestTimeoutMs + 10_000) +
    Math.max(...paces) +
    stalls.reduce((sum, ms) => sum + ms, 0) +
    60_000
  );
}

/** What a turn makes everything later by: a deadline that a job names is a time of the wall clock. */
function lostMs(turn: Turn): number {
  if (turn.kind === 'stall') return turn.forMs;
  return turn.kind === 'step-clock' ? Math.max(0, -turn.byMs) : 0;
}

function paceMs(call: CallPlan): number {
  const { jobs, startsAtMs } = call;
  if (call.kind === 'single') return startsAtMs + jobs.length * call.everyMs;
  const pieces = call.kind === 'bytes' ? octetsOf(call) / (call.chunkBytes / 2) : jobs.length;
  return startsAtMs + (pieces + 1) * ((call.source.delayMs ?? 0) + 1) + (jobs.length + 1) * (call.sink.delayMs + 1);
}

function octetsOf({ jobs }: CallPlan): number {
  return jobs.reduce((sum, job) => sum + JSON.stringify(job).length + 1, 0);
}
