// The payload's size (apns-protocol.md A.5). What the real gateway does with bad JSON is not documented: nothing here.
import { pushTypes, untypedPush } from './push-types.ts';
import { fieldValue } from './request.ts';
import type { PushRequest } from './request.ts';
import type { Check } from './verdict.ts';

export function checkPayload(request: PushRequest): Check {
  if (request.bodyBytes === 0) return { reason: 'PayloadEmpty' };
  const rule = pushTypes.get(fieldValue(request, 'apns-push-type') ?? '') ?? untypedPush;
  return request.bodyBytes <= rule.payloadBytesMax ? null : { reason: 'PayloadTooLarge' };
}
