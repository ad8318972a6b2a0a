// `provider-token-steady` and `one-team`: which provider tokens a source shows, and which a connection.
import type { RefereeLimits } from './rules.ts';
import { readClaims } from './token-claims.ts';
import type { TokenClaims } from './token-claims.ts';

/** Tokens remembered a key, and keys a source. */
const tokensKept = 8;
const keysKept = 1_000;
/** Keys remembered a connection: one is right. */
const connectionKeysKept = 8;

interface SeenToken {
  readonly text: string;
  readonly issuedAtMs: number;
  readonly firstSeenMs: number;
}

/** Of one source. */
export class SourceTokens {
  readonly #limits: RefereeLimits;
  readonly #byKey = new Map<string, SeenToken[]>();

  constructor(limits: RefereeLimits) {
    this.#limits = limits;
  }

  /** A connection shows a token for the first time. What is wrong with it beside the source's others; null: nothing. */
  seen(text: string, claims: TokenClaims, now: number): string | null {
    const key = keyName(claims);
    const tokens = this.#byKey.get(key) ?? [];
    if (tokens.some((token) => token.text === text)) return null;
    const fault = this.#faultOf(claims, tokens, now);
    tokens.push({ text, issuedAtMs: claims.issuedAtMs, firstSeenMs: now });
    if (tokens.length > tokensKept) tokens.shift();
    if (!this.#byKey.has(key) && this.#byKey.size >= keysKept) return fault;
    this.#byKey.set(key, tokens);
    return fault;
  }

  #faultOf(claims: TokenClaims, others: readonly SeenToken[], now: number): string | null {
    const { tokenChangeMinMs, tokensMax } = this.#limits;
    const near = others.find(({ issuedAtMs }) => Math.abs(issuedAtMs - claims.issuedAtMs) < tokenChangeMinMs);
    if (near !== undefined) {
      const apartMs = Math.abs(near.issuedAtMs - claims.issuedAtMs);
      return `two tokens of key ${claims.keyId} were made ${apartMs} ms apart: workers that each make their own?`;
    }
    const recent = others.filter(({ firstSeenMs }) => now - firstSeenMs < tokenChangeMinMs).length + 1;
    return recent > tokensMax ? `${recent} tokens of key ${claims.keyId} within ${tokenChangeMinMs} ms` : null;
  }
}

export interface TokenFaults {
  readonly team: string | null;
  readonly token: string | null;
}

const noFaults: TokenFaults = { team: null, token: null };

/** Of one connection. */
export class ConnectionTokens {
  readonly #limits: RefereeLimits;
  readonly #source: SourceTokens;
  /** Of the last request: nearly every request carries it again. */
  #last: string | null = null;
  #firstKeyId: string | null = null;
  readonly #byKey = new Map<string, { text: string; sinceMs: number }>();

  constructor(limits: RefereeLimits, source: SourceTokens) {
    this.#limits = limits;
    this.#source = source;
  }

  /** Null: no request has shown a provider token. */
  get firstKeyId(): string | null {
    return this.#firstKeyId;
  }

  /** A request carries this authorization. */
  carried(authorization: string, now: number): TokenFaults {
    if (authorization === this.#last) return noFaults;
    this.#last = authorization;
    const claims = readClaims(authorization);
    if (claims === null) return noFaults; // the gateway refuses it; frames-clean says what it looks like
    this.#firstKeyId ??= claims.keyId;
    const key = keyName(claims);
    const current = this.#byKey.get(key);
    if (current?.text === authorization) return noFaults;
    const isAnotherKey = current === undefined && this.#byKey.size >= this.#limits.credentialsMax;
    if (current !== undefined || this.#byKey.size < connectionKeysKept) {
      this.#byKey.set(key, { text: authorization, sinceMs: now });
    }
    const sinceMs = current?.sinceMs ?? null;
    return {
      team: isAnotherKey ? `key ${claims.keyId} of team ${claims.teamId} on the connection of another key` : null,
      token: this.#tokenFault(authorization, claims, sinceMs, now),
    };
  }

  #tokenFault(text: string, claims: TokenClaims, sinceMs: number | null, now: number): string | null {
    const { tokenChangeMinMs, tokenSlackMs, tokenAgeMaxMs, tokenAheadMaxMs } = this.#limits;
    const ofSource = this.#source.seen(text, claims, now);
    const ageMs = now - claims.issuedAtMs;
    if (ageMs > tokenAgeMaxMs + tokenSlackMs) return `a token of key ${claims.keyId} that is ${ageMs} ms old`;
    if (-ageMs > tokenAheadMaxMs) return `a token of key ${claims.keyId} from ${-ageMs} ms in the future`;
    if (sinceMs !== null && now - sinceMs < tokenChangeMinMs - tokenSlackMs) {
      return `the token of key ${claims.keyId} changed after ${now - sinceMs} ms`;
    }
    return ofSource;
  }
}

function keyName({ teamId, keyId }: TokenClaims): string {
  return `${teamId} ${keyId}`;
}
