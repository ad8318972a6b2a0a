// Provider tokens (JWT, ES256): is the text one, who signed it, and is it of this hour (apns-protocol.md C.1, C.2)?
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A key that Apple's developer portal would list. */
export interface ProviderKey {
  readonly keyId: string;
  readonly teamId: string;
  /** SPKI PEM, EC P-256. */
  readonly publicKeyPem: string;
  /** Default: both, like keys made before 2025. */
  readonly environment?: 'production' | 'sandbox';
  /** Only for these topics (a topic-specific key); default: all of the team's. */
  readonly topics?: readonly string[];
  /** The one key that may share connections with a topic-specific key. */
  readonly relatedKeyId?: string;
}

/** A token whose form and signature are right; its age is another question at each request. */
export interface VerifiedToken {
  readonly key: ProviderKey;
  readonly issuedAtMs: number;
}

/** Tokens verified so far: a signature costs 100 µs, and clients send the same one for half an hour. */
const verifiedMax = 1_000;

export class ProviderTokenVerifier {
  readonly #keys = new Map<string, { key: ProviderKey; publicKey: KeyObject }>();
  readonly #acceptsDer: boolean;
  /** Null: known to be invalid. */
  readonly #verified = new Map<string, VerifiedToken | null>();
  /** The token of the last request, which is most often that of the next: comparing it is cheaper than looking it up. */
  #last = '';
  #lastVerified: VerifiedToken | null = null;

  /** `acceptsDer`: Apple's own shell example signs in DER, and the real gateway seems to take it (C.1). */
  constructor(keys: readonly ProviderKey[], acceptsDer: boolean) {
    this.#acceptsDer = acceptsDer;
    for (const key of keys) this.addKey(key);
  }

  addKey(key: ProviderKey): void {
    this.#keys.set(key.keyId, { key, publicKey: createPublicKey(key.publicKeyPem) });
    this.#forgetVerified();
  }

  /** The real thing does this to close its own stolen keys: the next token of this key is invalid. */
  revokeKey(keyId: string): void {
    this.#keys.delete(keyId);
    this.#forgetVerified();
  }

  verify(token: string): VerifiedToken | null {
    if (token !== this.#last) {
      this.#lastVerified = this.#lookUp(token);
      this.#last = token;
    }
    return this.#lastVerified;
  }

  #lookUp(token: string): VerifiedToken | null {
    const known = this.#verified.get(token);
    if (known !== undefined) return known;
    const verified = this.#verify(token);
    if (this.#verified.size >= verifiedMax) this.#verified.clear();
    this.#verified.set(token, verified);
    return verified;
  }

  #forgetVerified(): void {
    this.#verified.clear();
    this.#last = '';
    this.#lastVerified = null;
  }

  #verify(token: string): VerifiedToken | null {
    const parts = token.split('.');
    if (parts.length !== 3) return null;
    const [header, claims, signature] = parts;
    const { alg, kid } = parseSegment(header);
    const { iss, iat } = parseSegment(claims);
    // Strict on purpose: Apple's documented sample has iat as a string of milliseconds, which is no JWT date.
    if (alg !== 'ES256' || typeof kid !== 'string' || typeof iss !== 'string' || !Number.isInteger(iat)) return null;
    const entry = this.#keys.get(kid);
    if (entry === undefined || entry.key.teamId !== iss) return null;
    const signed = Buffer.from(`${header}.${claims}`, 'latin1');
    return this.#isSignature(signed, entry.publicKey, Buffer.from(signature, 'base64url'))
      ? { key: entry.key, issuedAtMs: (iat as number) * 1_000 } // Number.isInteger above
      : null;
  }

  #isSignature(signed: Buffer, key: KeyObject, signature: Buffer): boolean {
    // RFC 7518 §3.4: R and S of 32 octets each.
    if (signature.length === 64) return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
    return this.#acceptsDer && verify('sha256', signed, { key, dsaEncoding: 'der' }, signature);
  }
}

/** An empty object for whatever is not base64url of a JSON object. */
function parseSegment(segment: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // not JSON: not a token
  }
}
