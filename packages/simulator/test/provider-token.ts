// Provider tokens as a client makes them, right or wrong as a test wants.
import { sign } from 'node:crypto';

import type { SimulatorIdentity } from '../src/index.ts';

export interface TokenParts {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly keyPem?: string;
  readonly encoding?: 'ieee-p1363' | 'der';
}

export function providerToken(identity: SimulatorIdentity, parts: TokenParts = {}): string {
  const header = parts.header ?? { alg: 'ES256', kid: identity.keyId };
  const claims = parts.claims ?? { iss: identity.teamId, iat: Math.floor(Date.now() / 1_000) };
  const signed = `${segment(header)}.${segment(claims)}`;
  const key = { key: parts.keyPem ?? identity.keyPem, dsaEncoding: parts.encoding ?? 'ieee-p1363' };
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
