// What a provider token says of itself: key, team and time. Whether it is genuine is the gateway's question, not the
// referee's.

export interface TokenClaims {
  readonly keyId: string;
  readonly teamId: string;
  readonly issuedAtMs: number;
}

/** Null: it is no JWT with these claims. */
export function readClaims(authorization: string): TokenClaims | null {
  const parts = authorization.replace(/^bearer +/i, '').split('.');
  if (parts.length !== 3) return null;
  const header = readSegment(parts[0]);
  const claims = readSegment(parts[1]);
  const { kid } = header;
  const { iss, iat } = claims;
  if (typeof kid !== 'string' || typeof iss !== 'string' || typeof iat !== 'number') return null;
  return { keyId: kid.slice(0, 32), teamId: iss.slice(0, 32), issuedAtMs: iat * 1_000 };
}

function readSegment(segment: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // not JSON: it claims nothing
  }
}
