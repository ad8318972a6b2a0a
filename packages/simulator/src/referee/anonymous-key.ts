// A name for pushes without an apns-id, so that one that comes again can be told: its path and its body.
import { createHash } from 'node:crypto';

import type { PushRequest } from '../rules/request.ts';

export function anonymousKey(request: PushRequest, body: Buffer): string {
  return createHash('sha256').update(request.path, 'latin1').update('\n').update(body).digest('base64url');
}
