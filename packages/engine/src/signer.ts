/**
 * Provider tokens from outside: a KMS or HSM that never gives its key away. The signer returns the whole token from one
 * shared source, so that every process of a key carries the same bytes (conduct `provider-token-steady`).
 */
import { conductLimits, ProviderToken } from '@carillon/apns';
import type { EpochMs } from '@carillon/apns';
import type { Clock } from '@carillon/pool';

/** What connections ask for their token; null: not there yet. */
export interface TokenSource {
  tokenAt(nowMs: EpochMs): ProviderToken | null;
  /** There is no token that could be used. Not given: there always is one. */
  readonly isEmpty?: boolean;
  /** … and one has been asked for. */
  readonly isAwaited?: boolean;
}

/**
 * Returns a JWT and when it was issued. Called about twice an hour, and again after a failure. `signal` aborts when the
 * answer has been waited for long enough; one that comes all the same is taken.
 */
export type TokenSigner = (signal: AbortSignal) => Promise<{ readonly token: string; readonly issuedAtMs: EpochMs }>;

export interface SignerOwner {
  /** A first or new token is there. */
  onToken(): void;
  /** The signer failed, or did not answer; it is asked again from `againAt` on, monotonic ms. */
  onFailure(message: string, againAt: number): void;
}

/** Asked for the next one when the present one is this old: between Apple's 20 and 60 minutes. */
const renewAfterMs = 30 * 60_000;
/**
 * A connection that begins with a token keeps it for 20 minutes, and it must not grow older than 55 meanwhile: beyond this
 * age a newer one is waited for, unless the signer fails to give one.
 */
const beginsUpToMs = conductLimits.providerTokenAgeMaxMs - conductLimits.providerTokenHoldMs;
/** After a failure, and while the signer's source still gives the old one. */
const askAgainMs = 10_000;
/** A KMS answers within a second; one that takes longer than this has a fault that somebody should hear of. */
const answerWithinMs = 10_000;

export class SignerTokens implements TokenSource {
  readonly #signer: TokenSigner;
  readonly #keyId: string;
  readonly #clock: Clock;
  readonly #owner: SignerOwner;
  #current: ProviderToken | null = null;
  /** Of the question that is open; null: none is. */
  #asked: AbortController | null = null;
  #askAt = -Infinity;
  /** The last question brought no newer token. */
  #isFailing = false;

  constructor(signer: TokenSigner, keyId: string, clock: Clock, owner: SignerOwner) {
    this.#signer = signer;
    this.#keyId = keyId;
    this.#clock = clock;
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#current === null;
  }

  get isAwaited(): boolean {
    return this.#current === null && this.#asked !== null;
  }

  tokenAt(nowMs: EpochMs): ProviderToken | null {
    const ageMs = this.#current === null ? Infinity : nowMs - this.#current.issuedAtMs;
    // No push goes out with a token that APNs is about to refuse (conduct `provider-token-steady`).
    if (ageMs > conductLimits.providerTokenAgeMaxMs) this.#current = null;
    if (ageMs >= renewAfterMs && this.#asked === null && this.#clock.now() >= this.#askAt) void this.#ask();
    // Asked by connections that begin, or whose token has had its time; the others keep what they have.
    return ageMs > beginsUpToMs && !this.#isFailing ? null : this.#current;
  }

  async #ask(): Promise<void> {
    const asked = new AbortController();
    this.#asked = asked;
    this.#askAt = this.#clock.now() + askAgainMs;
    const timer = this.#clock.setTimer(answerWithinMs, () => {
      const message = `it did not answer within ${answerWithinMs / 1000} s`;
      this.#failed(asked, message);
      asked.abort(new Error(message));
    });
    try {
      const { token, issuedAtMs } = await this.#signer(asked.signal);
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/u.test(token)) throw new Error('the signer returned something that is no JWT');
      this.#take(token, issuedAtMs);
    } catch (error) {
      this.#failed(asked, error instanceof Error ? error.message : String(error));
      return;
    } finally {
      timer.cancel();
      if (this.#asked === asked) this.#asked = null;
    }
    if (this.#current !== null) this.#owner.onToken();
  }

  #take(token: string, issuedAtMs: EpochMs): void {
    // The same again, from a source that others share: it has no newer one either.
    this.#isFailing = this.#current?.token === token;
    if (this.#isFailing) return;
    // A late answer must not bring back an older token.
    if (this.#current !== null && issuedAtMs < this.#current.issuedAtMs) return;
    this.#current = new ProviderToken(token, this.#keyId, issuedAtMs);
  }

  /** Told once a question: what was given up is no news when it fails. */
  #failed(asked: AbortController, message: string): void {
    if (this.#asked !== asked) return;
    this.#asked = null;
    this.#isFailing = true;
    this.#askAt = this.#clock.now() + askAgainMs;
    this.#owner.onFailure(message, this.#askAt);
  }
}
