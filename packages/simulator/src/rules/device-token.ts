// The device token of a request: its syntax and its scripted state.
import type { ScriptedToken } from './token-store.ts';
import type { Check } from './verdict.ts';

/** 32 octets and up to 100, as hex; Apple promises no size (apns-protocol.md I). */
const tokenSyntax = /^(?:[0-9a-fA-F]{2}){32,100}$/;

export function checkTokenSyntax(token: string): Check {
  if (token === '') return { reason: 'MissingDeviceToken' };
  return tokenSyntax.test(token) ? null : { reason: 'BadDeviceToken' };
}

/** States that are Apple's own refusals. The others are scripted replies, which the caller writes as they are. */
export function checkTokenState(state: ScriptedToken, topic: string, nowMs: number): Check {
  switch (state.kind) {
    case 'ok':
      return state.topics === undefined || state.topics.includes(topic) ? null : { reason: 'DeviceTokenNotForTopic' };
    case 'bad':
      return { reason: 'BadDeviceToken' };
    case 'unregistered':
      return { reason: 'Unregistered', timestampMs: state.timestampMs ?? nowMs };
    case 'expired':
      return { reason: 'ExpiredToken', timestampMs: state.timestampMs ?? nowMs };
    case 'wrong-topic':
      return { reason: 'DeviceTokenNotForTopic' };
    case 'throttled':
      return { reason: 'TooManyRequests', ...(state.retryAfter === undefined ? {} : { retryAfter: state.retryAfter }) };
    default:
      return null;
  }
}
