import { describe, expect, it } from 'vitest';
import type { ChannelOperation } from './channel-request.ts';
import { judgeChannelReply } from './judge-channel.ts';

const nowMs = Date.UTC(2026, 10, 30);

/** A verdict in one line. */
function line(
  operation: ChannelOperation,
  status: number,
  reason: string | null,
  retryAfter: string | null = null,
): string {
  const verdict = judgeChannelReply(operation, { status, reason, timestampMs: null, retryAfter }, nowMs);
  switch (verdict.kind) {
    case 'done':
      return 'done';
    case 'absent':
      return `absent ${verdict.reason}`;
    case 'again':
      return verdict.isToken ? 'again with another token' : 'again';
    case 'refused':
      return `${verdict.refusal} ${verdict.processed}${verdict.waitMs === null ? '' : ` ${verdict.waitMs / 1000}s`}`;
  }
}

describe('judgeChannelReply', () => {
  it.each([
    ['create', 201, null, 'done'],
    ['read', 200, null, 'done'],
    ['list', 200, null, 'done'],
    ['delete', 204, null, 'done'],
    ['delete', 404, 'BadPath', 'absent BadPath'],
    ['delete', 400, 'ChannelNotRegistered', 'absent ChannelNotRegistered'],
    ['delete', 400, 'BadChannelId', 'not-found no'],
    ['read', 400, 'ChannelNotRegistered', 'not-found no'],
    ['read', 400, 'BadChannelId', 'not-found no'],
    ['read', 404, 'BadPath', 'not-found no'],
    ['list', 404, 'BadPath', 'request no'],
    ['create', 400, 'FeatureNotEnabled', 'not-enabled no'],
    ['create', 400, 'BroadcastFeatureNotEnabled', 'not-enabled no'],
    ['create', 400, 'CannotCreateChannelConfig', 'full no'],
    ['create', 400, 'MissingChannelQueueSize', 'request no'],
    ['create', 400, 'BadRequestParams', 'request no'],
    ['create', 400, 'TopicDisallowed', 'credential no'],
    ['create', 403, 'TopicMismatch', 'credential no'],
    ['create', 403, 'InvalidProviderToken', 'credential no'],
    ['create', 403, 'BadCertificateEnvironment', 'credential no'],
    ['create', 403, 'ExpiredProviderToken', 'again with another token'],
    ['create', 429, 'TooManyProviderTokenUpdates', 'credential no 1200s'],
    ['create', 429, 'TooManyRequests', 'throttled no 30s'],
    ['create', 500, 'InternalServerError', 'gateway unknown 900s'],
    ['create', 503, 'ServiceUnavailable', 'gateway no 900s'],
    ['create', 503, 'Service Unavailable', 'gateway no 900s'],
    ['create', 503, 'Shutdown', 'again'],
    ['create', 400, 'IdleTimeout', 'again'],
    ['create', 405, 'MethodNotAllowed', 'request no'],
    ['create', 418, null, 'request no'],
    ['create', 502, null, 'gateway unknown 900s'],
  ] as const)('of %s answered %i %s: %s', (operation, status, reason, expected) => {
    expect(line(operation, status, reason)).toBe(expected);
  });

  it('believes Retry-After', () => {
    expect(line('list', 503, 'ServiceUnavailable', '7')).toBe('gateway no 7s');
  });
});
