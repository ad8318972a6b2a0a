// The optional request headers and duplicates (apns-protocol.md A.3).
import { pushTypes } from './push-types.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { Check } from './verdict.ts';

/** SNR: "32 lowercase hexadecimal digits, displayed in five groups separated by hyphens in the form 8-4-4-4-12". */
export const uuid: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Seconds since 1970; ten digits reach the year 2286. */
export const seconds: RegExp = /^\d{1,10}$/;

/** SNR: at most 64 bytes. */
const collapseIdBytesMax = 64;

const documentedFields: readonly string[] = [
  'authorization',
  'apns-topic',
  'apns-push-type',
  'apns-id',
  'apns-expiration',
  'apns-priority',
  'apns-collapse-id',
];

export function checkDuplicates(request: PushRequest): Check {
  const isRepeated = documentedFields.some((name) => request.fields.filter((field) => field.name === name).length > 1);
  return isRepeated ? { reason: 'DuplicateHeaders' } : null;
}

export function checkApnsId(request: PushRequest): Check {
  const apnsId = fieldValue(request, 'apns-id');
  return apnsId === null || uuid.test(apnsId) ? null : { reason: 'BadMessageId' };
}

export function checkExpiration(request: PushRequest): Check {
  const expiration = fieldValue(request, 'apns-expiration');
  return expiration === null || seconds.test(expiration) ? null : { reason: 'BadExpirationDate' };
}

export function checkPriority(request: PushRequest): Check {
  const priority = fieldValue(request, 'apns-priority');
  if (priority === null) return null;
  const allowed = pushTypes.get(fieldValue(request, 'apns-push-type') ?? '')?.priorities ?? ['10', '5', '1'];
  return allowed.includes(priority) ? null : { reason: 'BadPriority' };
}

export function checkCollapseId(request: PushRequest): Check {
  const collapseId = fieldValue(request, 'apns-collapse-id');
  // Field values arrive as latin1: one character is one octet.
  return collapseId === null || collapseId.length <= collapseIdBytesMax ? null : { reason: 'BadCollapseId' };
}

export function checkPushType(request: PushRequest): Check {
  const pushType = fieldValue(request, 'apns-push-type');
  return pushType === null || pushTypes.has(pushType) ? null : { reason: 'InvalidPushType' };
}
