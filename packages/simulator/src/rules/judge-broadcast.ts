// A broadcast: POST /4/broadcasts/apps/<bundle id>, on the port of the pushes (apns-protocol.md D.3, D.4). The order of checks is
// that of APNSwift's test server, behind method and authentication, which come first as they do for pushes.
import { checkAuthentication, checkBundleId } from './authentication.ts';
import type { ConnectionRecord } from './authentication.ts';
import { checkBroadcastDuplicates, checkChannelSyntax, checkRequestId, isLiveActivity } from './broadcast-headers.ts';
import { seconds } from './headers.ts';
import { featureRefusal, plainAnswer, refusalAnswer } from './judge-request.ts';
import type { GatewayRules, PlannedReply } from './judge-request.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { Check, Refusal } from './verdict.ts';

/** BSND. */
const payloadBytesMax = 5_120;

const broadcastPath = /^\/4\/broadcasts\/apps\/([^/]*)$/;

/** The app of the path; null: it is another path. */
export function broadcastAppOf(path: string): string | null {
  return broadcastPath.exec(path)?.[1] ?? null;
}

export function judgeBroadcast(
  request: PushRequest,
  bundleId: string,
  connection: ConnectionRecord,
  rules: GatewayRules,
  nowMs: number,
): PlannedReply {
  // Profile "fast" asks nothing of a request.
  if (rules.checkOrder.length === 0) return plainAnswer(request, rules, { status: 200 }, false);
  let isAuthenticated = false;
  const checks: readonly (() => Check)[] = [
    () => (request.method === 'POST' ? null : { reason: 'MethodNotAllowed' }),
    () => {
      const check = checkAuthentication(request, connection, rules, nowMs);
      isAuthenticated = check === null;
      return check;
    },
    () => checkBundleId(bundleId, connection, rules),
    () => featureRefusal(bundleId, rules),
    () => checkBroadcastDuplicates(request),
    () => checkRequestId(request),
    () => checkChannelSyntax(request),
    () => checkPushType(request),
    () => checkExpiration(request),
    () => checkPriority(request),
    () => checkChannel(request, bundleId, rules),
    () => checkBody(request),
  ];
  let refusal: Refusal | null = null;
  for (const check of checks) {
    refusal = check();
    if (refusal !== null) break;
  }
  return refusal === null
    ? plainAnswer(request, rules, { status: 200 }, isAuthenticated)
    : refusalAnswer(request, rules, refusal, isAuthenticated);
}

function checkPushType(request: PushRequest): Check {
  const pushType = fieldValue(request, 'apns-push-type');
  if (pushType === null || pushType === '') return { reason: 'MissingPushType' };
  return isLiveActivity(pushType) ? null : { reason: 'InvalidPushType' };
}

/** kontour: required. */
function checkExpiration(request: PushRequest): Check {
  return seconds.test(fieldValue(request, 'apns-expiration') ?? '') ? null : { reason: 'BadExpirationDate' };
}

/** BSND: required, and one of the three. */
function checkPriority(request: PushRequest): Check {
  return ['10', '5', '1'].includes(fieldValue(request, 'apns-priority') ?? '') ? null : { reason: 'BadPriority' };
}

function checkChannel(request: PushRequest, bundleId: string, { channels }: GatewayRules): Check {
  const channel = channels.find(bundleId, fieldValue(request, 'apns-channel-id') ?? '');
  if (channel === 'deleted') return { reason: 'ChannelNotRegistered' };
  if (channel === 'unknown') return { reason: 'BadChannelId' };
  // CHM: a channel that stores nothing takes 0 only.
  const isStored = Number(fieldValue(request, 'apns-expiration')) !== 0;
  return isStored && channel.storagePolicy === 0 ? { reason: 'BadExpirationDate' } : null;
}

function checkBody({ bodyBytes }: PushRequest): Check {
  if (bodyBytes === 0) return { reason: 'PayloadEmpty' };
  return bodyBytes <= payloadBytesMax ? null : { reason: 'PayloadTooLarge' };
}
