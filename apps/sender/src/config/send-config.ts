// What was given, on the command line and in the configuration file → what `send` is to do. Everything that can be
// checked without opening the files is checked here.
import { resolve } from 'node:path';

import { isFault, parseEndpoint, parseEnvironment, parsePushType, parseTopic, quote } from '@carillon/apns';

import type { Given, SendOption } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { levelOf } from './log-level.ts';
import type { LogLevel } from './log-level.ts';

export interface SendConfig {
  /** As they were named; `-` is stdin. At least one, each once. Of a campaign the one with its recipients. */
  readonly inputs: readonly string[];
  /** Null: the inputs hold jobs. */
  readonly campaign: CampaignFiles | null;
  readonly app: string;
  readonly topic: string;
  readonly pushType: string | null;
  readonly gateway: Gateway;
  readonly ca: string | null;
  readonly credential: CredentialFiles;
  /** Null: the engine's default. */
  readonly connectionsMax: number | null;
  /** Threads that prepare jobs; null or 0: the thread that sends. */
  readonly workersMax: number | null;
  readonly ratePerSecond: number | null;
  readonly giveUpAfterMs: number | null;
  readonly receipts: ReceiptsTarget;
  /** JSON or text; `none` under --quiet. */
  readonly summary: 'json' | 'text' | 'none';
  readonly isQuiet: boolean;
  readonly logLevel: LogLevel;
}

export interface CampaignFiles {
  /** Path. */
  readonly notification: string;
  readonly duplicates: Duplicates;
}

export type Duplicates = (typeof duplicates)[number];
const duplicates = ['exact', 'fingerprints', 'off'] as const;

export type Gateway =
  | { readonly kind: 'apple'; readonly environment: 'production' | 'sandbox' }
  | { readonly kind: 'endpoint'; readonly endpoint: string };

export type ReceiptsTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'file'; readonly path: string; readonly isResumed: boolean };

/** Paths: what is in the files is read when everything else is known to be right. */
export type CredentialFiles =
  | { readonly kind: 'token'; readonly key: string; readonly keyId: string; readonly teamId: string }
  | { readonly kind: 'certificate'; readonly cert: string; readonly key: string; readonly passphrase: string | null }
  | { readonly kind: 'pfx'; readonly pfx: string; readonly passphrase: string | null };

/** Throws `UsageError`. `isTerminal`: whether stdin is one, and so not meant as input unless named. */
export function sendConfig(
  files: readonly string[],
  fromLine: Given<SendOption>,
  fromFile: Given<SendOption>,
  isTerminal: boolean,
): SendConfig {
  const given = merge(fromLine, fromFile, exclusive);
  const isQuiet = given.quiet === true;
  const recipients = recipientsOf(files, given);
  return {
    inputs: recipients === null ? inputsOf(files, isTerminal) : [recipients],
    campaign: campaignOf(given),
    app: appOf(given),
    topic: topicOf(given),
    pushType: pushTypeOf(given),
    gateway: gatewayOf(given),
    ca: textOf(given, 'ca'),
    credential: credentialOf(given),
    connectionsMax: numberOf(given, 'connections', { least: 1, most: 1000, isWhole: true }),
    workersMax: numberOf(given, 'workers', { least: 0, most: 64, isWhole: true }),
    ratePerSecond: numberOf(given, 'rate', { least: 0.001, most: 1e9, isWhole: false }),
    giveUpAfterMs: secondsOf(given, 'give-up-after'),
    receipts: receiptsOf(given),
    summary: given.json === true ? 'json' : isQuiet ? 'none' : 'text',
    isQuiet,
    logLevel: levelOf(given),
  };
}

/** Choices that exclude each other: one made on the command line puts the other ones of the file out of force. */
export type Choices<Name extends string> = readonly (readonly (readonly Name[])[])[];

export const credentialChoices: Choices<'key' | 'key-id' | 'team-id' | 'cert' | 'cert-key' | 'pfx'>[number] = [
  ['key', 'key-id', 'team-id'],
  ['cert', 'cert-key'],
  ['pfx'],
];

export const logChoices: Choices<'quiet' | 'verbose' | 'log-level'> = [
  [['quiet'], ['verbose']],
  [['verbose'], ['log-level']],
];

const exclusive: Choices<SendOption> = [[['endpoint'], ['environment']], credentialChoices, ...logChoices];

export function merge<Name extends string>(
  fromLine: Given<Name>,
  fromFile: Given<Name>,
  choicesOf: Choices<Name>,
): Given<Name> {
  const kept = { ...fromFile };
  for (const choices of choicesOf) {
    const chosen = choices.filter((names) => names.some((name) => fromLine[name] !== undefined));
    if (chosen.length === 0) continue;
    for (const name of choices.filter((names) => !chosen.includes(names)).flat()) delete kept[name];
  }
  return { ...kept, ...fromLine };
}

/** Null: jobs are sent. */
function recipientsOf(files: readonly string[], given: Given<SendOption>): string | null {
  const recipients = textOf(given, 'recipients');
  const hasNotification = textOf(given, 'notification') !== null;
  if (recipients === null && !hasNotification) {
    if (given.duplicates === undefined) return null;
    throw new UsageError('--duplicates is about the recipients of a campaign: --notification FILE --recipients FILE');
  }
  if (recipients === null) {
    throw new UsageError('--recipients is missing beside --notification: the list of who gets it, or - for stdin');
  }
  if (!hasNotification) throw new UsageError('--notification is missing beside --recipients: what they get');
  if (files.length > 0) {
    throw new UsageError(
      `${quotePath(files[0])} holds jobs, and --notification with --recipients is a campaign: one or the other is right`,
    );
  }
  return recipients;
}

function campaignOf(given: Given<SendOption>): CampaignFiles | null {
  const notification = textOf(given, 'notification');
  if (notification === null) return null;
  const text = textOf(given, 'duplicates') ?? 'exact';
  const how = duplicates.find((known) => known === text);
  if (how === undefined) throw new UsageError(`--duplicates ${quote(text)}; ${duplicates.join(' or ')} is right`);
  return { notification, duplicates: how };
}

function inputsOf(files: readonly string[], isTerminal: boolean): readonly string[] {
  if (files.length === 0) {
    if (!isTerminal) return ['-'];
    throw new UsageError('nothing to send: name a file of jobs, or - for stdin');
  }
  const seen = new Set<string>();
  for (const file of files) {
    const identity = inputIdentity(file);
    if (seen.has(identity)) throw new UsageError(`${quotePath(file)} is named twice; its jobs would be sent twice`);
    seen.add(identity);
  }
  return files;
}

/** The same for every way to write one path, and for receipts of an earlier run in the same folder. */
export function inputIdentity(file: string): string {
  return file === '-' ? '-' : resolve(file);
}

export function isSameFile(input: string, path: string): boolean {
  return input !== '-' && inputIdentity(input) === resolve(path);
}

export function appOf(given: Given<SendOption>): string {
  const app = textOf(given, 'app') ?? 'default';
  if (/^[A-Za-z0-9._-]{1,64}$/.test(app)) return app;
  throw new UsageError(`--app ${quote(app)}; 1 to 64 of A-Z a-z 0-9 . _ - are right`);
}

export function topicOf(given: Given<SendOption>): string {
  const topic = textOf(given, 'topic');
  if (topic === null)
    throw new UsageError('--topic is missing: the bundle id of the app, for example com.example.news');
  const parsed = parseTopic(topic);
  if (isFault(parsed)) throw new UsageError(`--topic: ${parsed.message}`);
  return topic;
}

function pushTypeOf(given: Given<SendOption>): string | null {
  const text = textOf(given, 'push-type');
  if (text === null) return null;
  const parsed = parsePushType(text);
  if (isFault(parsed)) throw new UsageError(`--push-type: ${parsed.message}`);
  return parsed.name;
}

function gatewayOf(given: Given<SendOption>): Gateway {
  const endpoint = textOf(given, 'endpoint');
  const environment = textOf(given, 'environment');
  if (endpoint !== null && environment !== null) {
    throw new UsageError('--endpoint and --environment exclude each other: both name the gateway');
  }
  if (endpoint !== null) return { kind: 'endpoint', endpoint: checkEndpoint('--endpoint', endpoint) };
  const parsed = parseEnvironment(environment ?? 'production');
  if (isFault(parsed)) throw new UsageError(`--environment: ${parsed.message}`);
  return { kind: 'apple', environment: parsed };
}

/** `option` says it: --endpoint, --channels-endpoint. */
export function checkEndpoint(option: string, text: string): string {
  if (/^http:/i.test(text)) {
    throw new UsageError(
      `${option} is plain http: device tokens and the credential would travel in the clear; https://HOST:PORT is right`,
    );
  }
  const parsed = parseEndpoint(text);
  if (isFault(parsed)) throw new UsageError(`${option}: ${parsed.message}`);
  return `https://${parsed.authority}`;
}

export function credentialOf(given: Given<SendOption>): CredentialFiles {
  const key = textOf(given, 'key');
  const cert = textOf(given, 'cert');
  const pfx = textOf(given, 'pfx');
  const named = [key !== null && '--key', cert !== null && '--cert', pfx !== null && '--pfx'].filter(
    (name) => name !== false,
  );
  if (named.length > 1) throw new UsageError(`${named.join(' and ')} exclude each other: one credential is right`);
  const passphrase = textOf(given, 'passphrase-file');
  if (key !== null) {
    refuse(given, ['cert-key', 'passphrase-file'], '--key');
    return {
      kind: 'token',
      key,
      keyId: required(given, 'key-id', '--key'),
      teamId: required(given, 'team-id', '--key'),
    };
  }
  refuse(given, ['key-id', 'team-id'], null);
  if (cert !== null) return { kind: 'certificate', cert, key: required(given, 'cert-key', '--cert'), passphrase };
  refuse(given, ['cert-key'], null);
  if (pfx !== null) return { kind: 'pfx', pfx, passphrase };
  throw new UsageError(
    'a credential is missing: --key FILE.p8 --key-id ID --team-id ID, or --cert FILE --cert-key FILE, or --pfx FILE',
  );
}

function required(given: Given<SendOption>, name: SendOption, beside: string): string {
  const text = textOf(given, name);
  if (text === null) throw new UsageError(`--${name} is missing beside ${beside}`);
  return text;
}

/** Options that say nothing without another one, or beside a contrary one. */
function refuse(given: Given<SendOption>, names: readonly SendOption[], beside: string | null): void {
  const needed: Partial<Record<SendOption, string>> = { 'key-id': '--key', 'team-id': '--key', 'cert-key': '--cert' };
  for (const name of names) {
    if (given[name] === undefined) continue;
    if (beside !== null) throw new UsageError(`--${name} does not go with ${beside}`);
    throw new UsageError(`--${name} needs ${needed[name]} beside it`);
  }
}

function receiptsOf(given: Given<SendOption>): ReceiptsTarget {
  const path = textOf(given, 'receipts');
  const isResumed = given.resume === true;
  if (isResumed && (path === null || path === '-')) {
    throw new UsageError('--resume needs --receipts FILE: it continues that file');
  }
  if (path === null) return { kind: 'none' };
  return path === '-' ? { kind: 'stdout' } : { kind: 'file', path, isResumed };
}

export function secondsOf(given: Given<SendOption>, name: SendOption): number | null {
  // A week: beyond that, and well below the longest timer of Node, a job has outlived its purpose.
  const seconds = numberOf(given, name, { least: 0.001, most: 604_800, isWhole: false });
  return seconds === null ? null : seconds * 1000;
}

function numberOf(
  given: Given<SendOption>,
  name: SendOption,
  range: { readonly least: number; readonly most: number; readonly isWhole: boolean },
): number | null {
  const text = textOf(given, name);
  if (text === null) return null;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value >= range.least && value <= range.most && (!range.isWhole || Number.isInteger(value))) return value;
  throw new UsageError(
    `--${name} ${quote(text)}; ${range.isWhole ? 'a whole number' : 'a number'} from ${range.least} to ${range.most} is right`,
  );
}

export function textOf(given: Given<SendOption>, name: SendOption): string | null {
  const value = given[name];
  if (value === undefined || value === true) return null;
  // A pasted key: it is in the history of the shell now, and shall not be in a log as well.
  if (value.includes('-----BEGIN') || value.includes('\n')) {
    throw new UsageError(`--${name} looks like a key itself; the path of a file is right`);
  }
  return value;
}

/** A path long enough to be found again; everything but visible ASCII escaped. */
function quotePath(path: string): string {
  return quote(path, 200);
}
