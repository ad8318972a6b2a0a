// Channel management (apns-protocol.md D.2, D.4): create, read, list and delete, on a port of its own as Apple has it.
import { checkAuthentication, checkBundleId } from './authentication.ts';
import type { ConnectionRecord } from './authentication.ts';
import { checkBroadcastDuplicates, checkChannelSyntax, checkRequestId, isLiveActivity } from './broadcast-headers.ts';
import { featureRefusal, plainAnswer, refusalAnswer } from './judge-request.ts';
import type { GatewayRules, PlannedReply, PlainContent } from './judge-request.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { Check, Refusal } from './verdict.ts';

const channelsPath = /^\/1\/apps\/([^/]*)\/(channels|all-channels)$/;

/** Documented attributes of `create`. */
const attributes: ReadonlySet<string> = new Set(['message-storage-policy', 'push-type']);

export function judgeChannelCall(
  request: PushRequest,
  body: Buffer,
  connection: ConnectionRecord,
  rules: GatewayRules,
  nowMs: number,
): PlannedReply {
  const [, bundleId, collection] = channelsPath.exec(request.path) ?? [null, '', ''];
  if (collection === '') return refusalAnswer(request, rules, { reason: 'BadPath' }, false);
  const operation = operationOf(request.method, collection);
  if (operation === null) return refusalAnswer(request, rules, { reason: 'MethodNotAllowed' }, false);
  let isAuthenticated = false;
  const checks: readonly (() => Check)[] = [
    () => {
      const check = checkAuthentication(request, connection, rules, nowMs);
      isAuthenticated = check === null;
      return check;
    },
    () => checkBundleId(bundleId, connection, rules),
    () => featureRefusal(bundleId, rules),
    () => checkBroadcastDuplicates(request),
    () => checkRequestId(request),
    () => (operation === 'read' || operation === 'delete' ? checkChannelSyntax(request) : null),
  ];
  // Profile "fast" asks nothing of a request; the channels themselves are kept all the same.
  for (const check of rules.checkOrder.length === 0 ? [] : checks) {
    const refusal = check();
    if (refusal !== null) return refusalAnswer(request, rules, refusal, isAuthenticated);
  }
  const done = perform(operation, request, body, bundleId, rules);
  return 'reason' in done
    ? refusalAnswer(request, rules, done, isAuthenticated)
    : plainAnswer(request, rules, done, isAuthenticated);
}

type Operation = 'create' | 'read' | 'delete' | 'list';

function operationOf(method: string, collection: string): Operation | null {
  if (collection === 'all-channels') return method === 'GET' ? 'list' : null;
  switch (method) {
    case 'POST':
      return 'create';
    case 'GET':
      return 'read';
    case 'DELETE':
      return 'delete';
    default:
      return null;
  }
}

function perform(
  operation: Operation,
  request: PushRequest,
  body: Buffer,
  bundleId: string,
  rules: GatewayRules,
): PlainContent | Refusal {
  const { channels } = rules;
  const id = fieldValue(request, 'apns-channel-id') ?? '';
  switch (operation) {
    case 'create':
      return create(body, bundleId, rules);
    case 'read': {
      const channel = channels.find(bundleId, id);
      if (channel === 'deleted') return { reason: 'ChannelNotRegistered' };
      if (channel === 'unknown') return { reason: 'BadChannelId' };
      const described = { 'message-storage-policy': channel.storagePolicy, 'push-type': 'LiveActivity' };
      return { status: 200, body: JSON.stringify(described) };
    }
    case 'list':
      return { status: 200, body: JSON.stringify({ channels: channels.list(bundleId) }) };
    case 'delete':
      // kontour: a channel that is not there (any more) is a bad path.
      return channels.delete(bundleId, id) ? { status: 204 } : { reason: 'BadPath' };
  }
}

function create(body: Buffer, bundleId: string, { channels, spellings }: GatewayRules): PlainContent | Refusal {
  if (body.length === 0) return { reason: 'PayloadEmpty' };
  const asked = parseObject(body);
  if (asked === null) return { reason: 'BadRequestPayload' };
  if (Object.keys(asked).some((name) => !attributes.has(name))) return { reason: 'BadRequestParams' };
  const policy = asked['message-storage-policy'];
  // The page names no reason for it; hapns has seen this one.
  if (policy !== 0 && policy !== 1) {
    return { reason: spellings === 'wire' ? 'MissingChannelQueueSize' : 'BadRequestParams' };
  }
  const pushType = asked['push-type'];
  if (pushType === undefined) return { reason: 'MissingPushType' };
  if (typeof pushType !== 'string' || !isLiveActivity(pushType)) return { reason: 'InvalidPushType' };
  const channel = channels.create(bundleId, policy);
  return channel === null ? { reason: 'CannotCreateChannelConfig' } : { status: 201, channelId: channel.id };
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null; // not JSON: that is the answer
  }
}
