// Provider tokens (JWT, ES256) that are the same bytes on every connection, thread, process and host of a key, without
// coordination: `iat` steps by half an hour, and the signature is deterministic. Apple answers
// TooManyProviderTokenUpdates to senders whose workers each make their own.
//
//   now ──2 min back──▶ floor to 30 min = iat        age when handed out: 2 to 32 min

import { conductLimits } from './conduct.ts';
import { fault, isFault, type ApnsFault, type ApnsFaultCode } from './fault.ts';
import { quote } from './quote.ts';
import { Redacted } from './redacted.ts';
import { parseSigningKey, type SigningKey } from './signing-key.ts';
import { secondMs, type EpochMs, type Ms } from './time.ts';

const { providerTokenQuantumMs, providerTokenLagMs, providerTokenHoldMs, providerTokenAgeMaxMs } = conductLimits;

/** A JWT. Printing it shows its key id and its time only. */
export class ProviderToken extends Redacted {
  readonly #token: string;
  readonly keyId: string;
  readonly issuedAtMs: EpochMs;

  constructor(token: string, keyId: string, issuedAtMs: EpochMs) {
    super();
    this.#token = token;
    this.keyId = keyId;
    this.issuedAtMs = issuedAtMs;
  }

  /** The secret itself: for the authorization header and nothing else. */
  get token(): string {
    return this.#token;
  }

  protected override describe(): string {
    return `[ProviderToken of key ${this.keyId}, issued ${new Date(this.issuedAtMs).toISOString()}]`;
  }
}

export interface ProviderTokenSourceOptions {
  /** The content of the .p8 file. */
  readonly key: string | Uint8Array;
  readonly keyId: string;
  readonly teamId: string;
}

/** A source, or what is wrong with the first of key id, team id and key that is wrong. */
export function openProviderTokenSource(options: ProviderTokenSourceOptions): ProviderTokenSource | ApnsFault {
  const wrongId =
    checkTenCharacters('local.bad-key-id', 'keyId', options.keyId) ??
    checkTenCharacters('local.bad-team-id', 'teamId', options.teamId);
  if (wrongId !== null) return wrongId;
  const key = parseSigningKey(options.key);
  return isFault(key) ? key : new ProviderTokenSource(key, options.keyId, options.teamId);
}

const tenCharacters = /^[A-Z0-9]{10}$/;

function checkTenCharacters(code: ApnsFaultCode, field: string, text: string): ApnsFault | null {
  if (tenCharacters.test(text)) return null;
  const where = field === 'keyId' ? 'under Keys' : 'under Membership';
  return fault(
    code,
    field,
    `${field} ${quote(text, 12)} is not right: it has 10 characters of A-Z and 0-9, as Apple's developer account shows it ${where}`,
  );
}

/** One a key. Signs once a quantum; a call in between is a comparison. */
export class ProviderTokenSource {
  readonly #key: SigningKey;
  readonly #header: string;
  readonly keyId: string;
  readonly teamId: string;
  /** Names the key in reports; tells nothing about it. */
  readonly fingerprint: string;
  #latest: ProviderToken | null = null;

  constructor(key: SigningKey, keyId: string, teamId: string) {
    this.#key = key;
    this.keyId = keyId;
    this.teamId = teamId;
    this.fingerprint = key.fingerprint;
    this.#header = base64url(`{"alg":"ES256","kid":"${keyId}"}`);
  }

  /** The token of this moment by the wall clock. */
  tokenAt(nowMs: EpochMs): ProviderToken {
    const issuedAtMs = issuedAtOf(nowMs);
    if (this.#latest === null || this.#latest.issuedAtMs !== issuedAtMs) {
      this.#latest = new ProviderToken(this.#make(issuedAtMs), this.keyId, issuedAtMs);
    }
    return this.#latest;
  }

  #make(issuedAtMs: EpochMs): string {
    // Apple: iat is a JSON number of seconds.
    const claims = base64url(`{"iss":"${this.teamId}","iat":${issuedAtMs / secondMs}}`);
    const signed = `${this.#header}.${claims}`;
    return `${signed}.${Buffer.from(this.#key.sign(Buffer.from(signed, 'latin1'))).toString('base64url')}`;
  }
}

/** The `iat` of a token handed out now. */
export function issuedAtOf(nowMs: EpochMs): EpochMs {
  return Math.floor((nowMs - providerTokenLagMs) / providerTokenQuantumMs) * providerTokenQuantumMs;
}

/** When `tokenAt` begins to answer with another token. */
export function nextTokenAt(nowMs: EpochMs): EpochMs {
  return issuedAtOf(nowMs) + providerTokenQuantumMs + providerTokenLagMs;
}

/**
 * The token of one connection: kept for 20 minutes from its first use whatever the source says, and never past 55
 * minutes of age. With the quantum above the two never meet: a token is replaced at the age of 52 minutes at most.
 * Time that passes is told by a clock that does not step, `now` in monotonic ms; age by the wall clock.
 */
export class ProviderTokenHold<Token extends ProviderToken | null = ProviderToken> {
  readonly #source: { tokenAt(nowMs: EpochMs): Token };
  #held: Token | null = null;
  /** Monotonic ms; NaN while nothing was sent with it. */
  #firstUsedAt = NaN;

  /** A source whose tokens come from outside may have none yet: null. */
  constructor(source: { tokenAt(nowMs: EpochMs): Token }) {
    this.#source = source;
  }

  tokenAt(nowMs: EpochMs, now: Ms): Token {
    const held = this.#held;
    const isFresh = held !== null && nowMs - held.issuedAtMs <= providerTokenAgeMaxMs;
    // Not settled while it is unused: then nobody minds that it changes.
    if (isFresh && now - this.#firstUsedAt < providerTokenHoldMs) return held;
    const current = this.#source.tokenAt(nowMs);
    // Without a new one the old one serves on, until APNs would refuse it.
    if (current === null) return isFresh ? held : current;
    // A clock set back would bring an older token: keep the one we have while it is fresh.
    if (isFresh && current.issuedAtMs <= held.issuedAtMs) return held;
    this.#held = current;
    this.#firstUsedAt = NaN;
    return current;
  }

  /** Something goes out with the token that `tokenAt` gave last. */
  used(now: Ms): void {
    if (Number.isNaN(this.#firstUsedAt)) this.#firstUsedAt = now;
  }
}

function base64url(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64url');
}
