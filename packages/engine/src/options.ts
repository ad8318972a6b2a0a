/** What an embedder gives `createEngine`, with every default in one place, and the check that refuses nonsense early. */
import { isFault, parsePushType } from '@carillon/apns';
import type { Clock, Dialer, Random, Resolver } from '@carillon/pool';
import type { Preparer } from '@carillon/payload';
import type { DeviceLedger } from './device-ledger.ts';
import type { EngineEvent } from './events.ts';
import { EngineConfigError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import type { EngineLimits } from './limits.ts';
import type { TokenSigner } from './signer.ts';

export interface EngineOptions {
  /** The apps that may send, by the name that jobs call them. */
  readonly apps: Readonly<Record<string, AppOptions>>;
  /**
   * Connections at most for each credential and environment. Default 4. Pushes on probation have one more, opened when
   * there are any.
   */
  readonly connectionsMax?: number;
  /** Pushes a second at most, over all apps. Default: no cap of ours. */
  readonly ratePerSecond?: number;
  /**
   * Pushes a second at most to one device token, spread evenly; 0.1: one in ten seconds. Those that come too soon are
   * held. Default: no cap (Apple answers a flood with 429, which is obeyed in any case).
   */
  readonly perDevicePerSecond?: number;
  /** Without a sign of life from the gateway for this long, what waits is abandoned as `unreachable`. Default 30 s. */
  readonly giveUpAfterMs?: number;
  /** A credential that APNs refuses: `park` what waits until it is replaced (default), or `abandon` it. */
  readonly onCredentialFault?: 'park' | 'abandon';
  /** Jobs without a deadline of their own are abandoned after this long. Default 1 h. */
  readonly deadlineMs?: number;
  /** A push that was sent and not answered for this long is ambiguous. Default 20 s. */
  readonly requestTimeoutMs?: number;
  /** Jobs that do not say: send again with the same apns-id (default), or report the ambiguity. */
  readonly onAmbiguous?: 'resend' | 'report';
  /** A 5xx without Retry-After waits this long. Default 15 min (Apple, "Handling notification responses from APNs"). */
  readonly serverErrorDelayMs?: number;
  /** Attempts at most that APNs answered or may have seen. Default 8. */
  readonly attemptsMax?: number;
  /**
   * Where the lines of `sendBytes` are checked and prepared: on the calling thread (`inline`), in worker threads
   * (`workers`), or in worker threads once an input is large enough to gain by them (`auto`). Default `inline`:
   * threads take half of that work from the calling thread, but cost more processor time in all and some 30 MB each, which
   * pays where the calling thread limits the rate and processors are idle (docs/BENCHMARKS.md, Preparation).
   */
  readonly prepare?: 'inline' | 'workers' | 'auto';
  /** Worker threads at most. Default: one less than the machine has processors, from 1 to 4. */
  readonly workersMax?: number;
  /** Push type of jobs that name none. Default: what the payload says, alert or background. */
  readonly defaultPushType?: string;
  /** `http://user:password@host:port` or `socks5://…`: every connection goes through it. Default: none. */
  readonly proxy?: string;
  readonly limits?: Partial<EngineLimits>;
  /** What is known of device tokens. Default: in memory, bounded by `limits`, and gone with the process. */
  readonly deviceLedger?: DeviceLedger;
  /** What happens to connections and credentials. Never called with a secret or a device token; must not throw. */
  readonly onEvent?: (event: EngineEvent) => void;
  readonly seams?: Seams;
}

export interface AppOptions {
  /** The bundle id; the push type's suffix is added for each push. */
  readonly topic: string;
  /** Default `production`. */
  readonly environment?: 'production' | 'sandbox';
  /** `https://host:port` of a gateway that is not Apple's: a simulator, a proxy. */
  readonly endpoint?: string;
  /**
   * `https://host:port` where the app's channels are managed (`engine.channels`). Default: Apple's gateway for that, by
   * environment; none with an `endpoint`.
   */
  readonly channelsEndpoint?: string;
  /** PEM of the CAs to trust instead of the system's. */
  readonly ca?: string | Buffer;
  readonly credential: CredentialOptions;
  /** Its share beside the other apps of the same credential, a whole number. Default 1. */
  readonly weight?: number;
  /** Pushes a second at most for this app. Default: no cap. */
  readonly ratePerSecond?: number;
}

export type CredentialOptions =
  /** Tokens from a KMS or HSM: the signer returns the whole JWT, the same to every process of a key. */
  | { readonly kind: 'signer'; readonly keyId: string; readonly teamId: string; readonly signer: TokenSigner }
  | { readonly kind: 'token'; readonly key: string | Buffer; readonly keyId: string; readonly teamId: string }
  | {
      readonly kind: 'certificate';
      readonly cert?: string | Buffer;
      readonly key?: string | Buffer;
      readonly pfx?: Buffer;
      readonly passphrase?: string;
    };

/** The outside world as arguments, for simulated worlds. */
export interface Seams {
  readonly clock?: Clock;
  /** Jitter; and generated apns-ids, which come from node:crypto without it. */
  readonly random?: Random;
  readonly resolver?: Resolver;
  readonly dialer?: Dialer;
  readonly preparer?: Preparer;
}

export interface EngineSettings {
  readonly connectionsMax: number;
  readonly ratePerSecond: number;
  readonly perDevicePerSecond: number;
  readonly giveUpAfterMs: number;
  readonly onCredentialFault: 'park' | 'abandon';
  readonly deadlineMs: number;
  readonly requestTimeoutMs: number;
  readonly onAmbiguous: 'resend' | 'report';
  readonly serverErrorDelayMs: number;
  readonly attemptsMax: number;
  /** Resends after proof of not being processed; free of charge. */
  readonly resendsMax: number;
  readonly prepare: 'inline' | 'workers' | 'auto';
  /** Null: what the payload says. */
  readonly defaultPushType: string | null;
  /** Null: as many as suit the machine. */
  readonly workersMax: number | null;
  readonly limits: EngineLimits;
}

const defaults: EngineSettings = {
  connectionsMax: 4,
  ratePerSecond: Infinity,
  perDevicePerSecond: Infinity,
  giveUpAfterMs: 30_000,
  onCredentialFault: 'park',
  deadlineMs: 3_600_000,
  requestTimeoutMs: 20_000,
  onAmbiguous: 'resend',
  serverErrorDelayMs: 15 * 60_000,
  attemptsMax: 8,
  // 20: a guess; a gateway that refuses one push twenty times over is not going to take it.
  resendsMax: 20,
  prepare: 'inline',
  defaultPushType: null,
  workersMax: null,
  limits: defaultLimits,
};

/** Settings with defaults filled in. Throws `EngineConfigError` that names the field. */
export function settingsOf(options: EngineOptions): EngineSettings {
  const settings: EngineSettings = {
    ...defaults,
    ...withoutUndefined({
      connectionsMax: options.connectionsMax,
      ratePerSecond: options.ratePerSecond,
      perDevicePerSecond: options.perDevicePerSecond,
      giveUpAfterMs: options.giveUpAfterMs,
      onCredentialFault: options.onCredentialFault,
      deadlineMs: options.deadlineMs,
      requestTimeoutMs: options.requestTimeoutMs,
      onAmbiguous: options.onAmbiguous,
      serverErrorDelayMs: options.serverErrorDelayMs,
      attemptsMax: options.attemptsMax,
      prepare: options.prepare,
      defaultPushType: options.defaultPushType,
      workersMax: options.workersMax,
    }),
    limits: { ...defaultLimits, ...withoutUndefined(options.limits ?? {}) },
  };
  wholeNumber('connectionsMax', settings.connectionsMax, 1, 1000);
  wholeNumber('attemptsMax', settings.attemptsMax, 1, 1000);
  if (settings.workersMax !== null) wholeNumber('workersMax', settings.workersMax, 1, 64);
  positive('giveUpAfterMs', settings.giveUpAfterMs);
  positive('deadlineMs', settings.deadlineMs);
  positive('requestTimeoutMs', settings.requestTimeoutMs);
  if (settings.serverErrorDelayMs !== 0) positive('serverErrorDelayMs', settings.serverErrorDelayMs);
  positive('ratePerSecond', settings.ratePerSecond);
  positive('perDevicePerSecond', settings.perDevicePerSecond);
  for (const [name, value] of Object.entries(settings.limits))
    wholeNumber(`limits.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
  oneOf('onCredentialFault', settings.onCredentialFault, ['park', 'abandon']);
  if (settings.defaultPushType !== null) pushType('defaultPushType', settings.defaultPushType);
  oneOf('prepare', settings.prepare, ['inline', 'workers', 'auto']);
  oneOf('onAmbiguous', settings.onAmbiguous, ['resend', 'report']);
  return settings;
}

function withoutUndefined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }; // the filter removed undefined
}

/** Callers in plain JavaScript have no compiler to tell them. */
export function objectOf(field: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new EngineConfigError(field, value === undefined ? `${field} is missing` : `${field} is no object`);
}

export function textOf(field: string, value: unknown): void {
  if (typeof value === 'string') return;
  throw new EngineConfigError(field, value === undefined ? `${field} is missing` : `${field} is no text`);
}

export function wholeNumber(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new EngineConfigError(field, `${field} is ${String(value)}; a whole number from ${least} to ${most} is right`);
}

export function positive(field: string, value: number): void {
  if (typeof value === 'number' && value > 0) return;
  throw new EngineConfigError(field, `${field} is ${String(value)}; a number above 0 is right`);
}

export function oneOf(field: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new EngineConfigError(field, `${field} is ${JSON.stringify(value)}; ${allowed.join(' or ')} is right`);
}

function pushType(field: string, value: string): void {
  const parsed = parsePushType(value);
  if (isFault(parsed)) throw new EngineConfigError(field, `${field}: ${parsed.message}`);
}
