// The rules in order, and what a request gets for an answer. Shared by both stacks; knows neither frames nor sockets.
import type { SimulatorRandom } from '../seams.ts';
import { checkAuthentication, checkTopic, topicOf } from './authentication.ts';
import type { AuthenticationRules, ConnectionRecord } from './authentication.ts';
import type { ChannelStore } from './channel-store.ts';
import type { DeviceRate } from './device-rate.ts';
import { checkTokenState, checkTokenSyntax } from './device-token.ts';
import {
  checkApnsId,
  checkCollapseId,
  checkDuplicates,
  checkExpiration,
  checkPriority,
  checkPushType,
} from './headers.ts';
import { checkPayload } from './payload.ts';
import { statusByReason, statusOf } from './reasons.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { ScriptedToken, TokenStore } from './token-store.ts';
import type { Check, Refusal } from './verdict.ts';

/** One name a check, so that their order is data. */
export type CheckName =
  | 'method'
  | 'path'
  | 'authentication'
  | 'topic'
  | 'duplicates'
  | 'apns-id'
  | 'push-type'
  | 'expiration'
  | 'priority'
  | 'collapse-id'
  | 'device-token'
  | 'payload';

/** Apple documents no order. This one keeps the one known fact: the provider token is judged before the device token. */
export const defaultCheckOrder: readonly CheckName[] = [
  'method',
  'path',
  'authentication',
  'topic',
  'duplicates',
  'apns-id',
  'push-type',
  'expiration',
  'priority',
  'collapse-id',
  'device-token',
  'payload',
];

export interface GatewayRules extends AuthenticationRules {
  readonly tokens: TokenStore;
  readonly channels: ChannelStore;
  /** Bundle ids that broadcasts are enabled for; null: every one. */
  readonly broadcastBundleIds: readonly string[] | null;
  /** Where page and wire differ for broadcasts and channels: which of them is spoken. */
  readonly spellings: 'wire' | 'page';
  /** Of the ids that the gateway makes. */
  readonly random: SimulatorRandom;
  /** Null: a token may be pushed to as often as one likes. */
  readonly deviceRate: DeviceRate | null;
  readonly checkOrder: readonly CheckName[];
  /** Generated apns-ids were seen in upper case (observed, A.6). */
  readonly generatesUpperCaseIds: boolean;
  /** Answer with an apns-unique-id, as the development environment does. */
  readonly sendsUniqueId: boolean;
}

export interface PlannedReply {
  readonly kind: 'reply';
  readonly status: number;
  readonly reason: string | null;
  /** In `apns-id`, or in `apns-request-id` where the request is no push to a device. */
  readonly apnsId: string;
  readonly idName: 'apns-id' | 'apns-request-id';
  /** Of a channel just made. */
  readonly channelId: string | null;
  readonly uniqueId: string | null;
  readonly retryAfter: string | null;
  /** Empty: HEADERS alone. */
  readonly body: string;
  /** DATA frames of at most so many octets; 0: as large as they may be. */
  readonly splitBytes: number;
  /** The request proved its right to push: a token connection opens up to all its streams after it. */
  readonly isAuthenticated: boolean;
  readonly delayMs: number;
}

export type Answer =
  | PlannedReply
  | { readonly kind: 'silence'; readonly apnsId: string }
  | { readonly kind: 'reset'; readonly apnsId: string; readonly errorCode: number; readonly delayMs: number };

const pathPrefix = '/3/device/';

/** The token of the path, '' when there is none, null when it is another path altogether. */
export function tokenOf(path: string): string | null {
  if (path === '/3/device') return '';
  return path.startsWith(pathPrefix) ? path.slice(pathPrefix.length) : null;
}

export function judgeRequest(
  request: PushRequest,
  connection: ConnectionRecord,
  rules: GatewayRules,
  nowMs: number,
): Answer {
  const token = tokenOf(request.path);
  let scripted: ScriptedToken | null = null;
  let isAuthenticated = false;
  let refusal: Refusal | null = null;

  const checks: Readonly<Record<CheckName, () => Check>> = {
    method: () => (request.method === 'POST' ? null : { reason: 'MethodNotAllowed' }),
    path: () => (token === null ? { reason: 'BadPath' } : null),
    authentication: () => {
      const check = checkAuthentication(request, connection, rules, nowMs);
      isAuthenticated = check === null;
      return check;
    },
    topic: () => checkTopic(request, connection, rules),
    duplicates: () => checkDuplicates(request),
    'apns-id': () => checkApnsId(request),
    'push-type': () => checkPushType(request),
    expiration: () => checkExpiration(request),
    priority: () => checkPriority(request),
    'collapse-id': () => checkCollapseId(request),
    'device-token': () => {
      const syntax = checkTokenSyntax(token ?? '');
      if (syntax !== null) return syntax;
      if (rules.deviceRate?.admits(token ?? '', nowMs) === false) return { reason: 'TooManyRequests' };
      scripted = rules.tokens.take(token ?? '');
      return checkTokenState(scripted, topicOf(request, connection) ?? '', nowMs);
    },
    payload: () => checkPayload(request),
  };
  for (const name of rules.checkOrder) {
    refusal = checks[name]();
    if (refusal !== null) break;
  }

  const apnsId = idFor(request, 'apns-id', rules);
  const common = {
    apnsId,
    idName: 'apns-id',
    channelId: null,
    uniqueId: rules.sendsUniqueId ? rules.random.uuid() : null,
    isAuthenticated,
    delayMs: delayOf(scripted),
  } as const;
  if (refusal !== null) return { kind: 'reply', ...common, ...refusalReply(refusal) };
  return scriptedAnswer(scripted, common) ?? { kind: 'reply', ...common, ...acceptance };
}

const acceptance = { status: 200, reason: null, retryAfter: null, body: '', splitBytes: 0 } as const;

type ReplyContent = Pick<PlannedReply, 'status' | 'reason' | 'retryAfter' | 'body' | 'splitBytes'>;
type ReplyCommon = Omit<PlannedReply, 'kind' | keyof ReplyContent>;

function refusalReply(refusal: Refusal): ReplyContent {
  return {
    status: statusByReason[refusal.reason],
    reason: refusal.reason,
    retryAfter: refusal.retryAfter ?? null,
    body: errorBody(refusal.reason, refusal.timestampMs),
    splitBytes: 0,
  };
}

/** Null for states that are Apple's own: they were judged already. */
function scriptedAnswer(scripted: ScriptedToken | null, common: ReplyCommon): Answer | null {
  switch (scripted?.kind) {
    case 'silence':
      return { kind: 'silence', apnsId: common.apnsId };
    case 'reset':
      return { kind: 'reset', apnsId: common.apnsId, errorCode: scripted.errorCode, delayMs: common.delayMs };
    case 'reply':
      return {
        kind: 'reply',
        ...common,
        status: scripted.status,
        reason: scripted.reason ?? null,
        retryAfter: scripted.retryAfter ?? null,
        body: scripted.body ?? (scripted.reason === undefined ? '' : errorBody(scripted.reason, scripted.timestampMs)),
        splitBytes: scripted.splitBytes ?? 0,
      };
    default:
      return null;
  }
}

/** What an answer to a broadcast or a channel call says besides its ids. */
export interface PlainContent {
  readonly status: number;
  readonly body?: string;
  readonly channelId?: string;
}

export function plainAnswer(
  request: PushRequest,
  rules: GatewayRules,
  { status, body = '', channelId }: PlainContent,
  isAuthenticated: boolean,
): PlannedReply {
  return {
    kind: 'reply',
    status,
    reason: null,
    apnsId: idFor(request, 'apns-request-id', rules),
    idName: 'apns-request-id',
    channelId: channelId ?? fieldValue(request, 'apns-channel-id'),
    uniqueId: rules.sendsUniqueId ? rules.random.uuid() : null,
    retryAfter: null,
    body,
    splitBytes: 0,
    isAuthenticated,
    delayMs: 0,
  };
}

export function refusalAnswer(
  request: PushRequest,
  rules: GatewayRules,
  refusal: Refusal,
  isAuthenticated: boolean,
): PlannedReply {
  return { ...plainAnswer(request, rules, { status: 0 }, isAuthenticated), ...refusalReply(refusal), channelId: null };
}

/** BSET: broadcasts are a capability of an app. */
export function featureRefusal(bundleId: string, { broadcastBundleIds, spellings }: GatewayRules): Check {
  if (broadcastBundleIds === null || broadcastBundleIds.includes(bundleId)) return null;
  return { reason: spellings === 'wire' ? 'BroadcastFeatureNotEnabled' : 'FeatureNotEnabled' };
}

/** A reply that a fault script forces on a request, whatever the rules say. */
export function forcedReply(
  request: PushRequest,
  rules: GatewayRules,
  forced: { readonly status?: number; readonly reason?: string; readonly retryAfter?: string; readonly body?: string },
): PlannedReply {
  const idName = tokenOf(request.path) === null ? 'apns-request-id' : 'apns-id';
  return {
    kind: 'reply',
    apnsId: idFor(request, idName, rules),
    idName,
    channelId: null,
    uniqueId: null,
    status: forced.status ?? statusOf(forced.reason ?? ''),
    reason: forced.reason ?? null,
    retryAfter: forced.retryAfter ?? null,
    body: forced.body ?? (forced.reason === undefined ? '' : errorBody(forced.reason)),
    splitBytes: 0,
    isAuthenticated: false,
    delayMs: 0,
  };
}

function errorBody(reason: string, timestampMs?: number): string {
  return JSON.stringify(timestampMs === undefined ? { reason } : { reason, timestamp: timestampMs });
}

function idFor(request: PushRequest, name: PlannedReply['idName'], rules: GatewayRules): string {
  const given = fieldValue(request, name);
  if (given !== null) return given;
  return rules.generatesUpperCaseIds ? rules.random.uuid().toUpperCase() : rules.random.uuid();
}

function delayOf(scripted: ScriptedToken | null): number {
  return scripted?.delayMs ?? 0;
}
