/**
 * Provider tokens from outside: a KMS or HSM that never gives its key away. The signer returns the whole token from one
 * shared source, so that every process of a key carries the same bytes (conduct `provider-token-steady`).
 */
import { ProviderToken } from '@carillon/apns';
import type { EpochMs } from '@carillon/apns';
import type { Clock } from '@carillon/pool';

/** What connections ask for their token; null: not there yet. */
export interface TokenSource {
  tokenAt(nowMs: EpochMs): ProviderToken | null;
}

/** Returns a JWT and when it was issued. Called about twice an hour, and again after a failure. */
export type TokenSigner = () => Promise<{ readonly token: string; readonly issuedAtMs: EpochMs }>;

/** Asked for the next one when the present one is this old: between Apple's 20 and 60 minutes. */
const renewAfterMs = 30 * 60_000;
/** After a failure, and while the signer's source still gives the old one. */
const askAgainMs = 10_000;

export class SignerTokens implements TokenSource {
  readonly #signer: TokenSigner;
  readonly #keyId: string;
  readonly #clock: Clock;
  readonly #onToken: () => void;
  readonly #onFailure: (message: string) => void;
  #current: ProviderToken | null = null;
  #isAsking = false;
  #askAt = -Infinity;

  /** `onToken`: a first or new token is there. `onFailure`: the signer failed; it is asked again in 10 s. */
  constructor(
    signer: TokenSigner,
    keyId: string,
    clock: Clock,
    onToken: () => void,
    onFailure: (message: string) => void,
  ) {
    this.#signer = signer;
    this.#keyId = keyId;
    this.#clock = clock;
    this.#onToken = onToken;
    this.#onFailure = onFailure;
  }

  tokenAt(nowMs: EpochMs): ProviderToken | null {
    const isOld = this.#current === null || nowMs - this.#current.issuedAtMs >= renewAfterMs;
    if (isOld && !this.#isAsking && this.#clock.now() >= this.#askAt) void this.#ask();
    return this.#current;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#askAt = this.#clock.now() + askAgainMs;
    try {
      const { token, issuedAtMs } = await this.#signer();
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/u.test(token)) throw new Error('the signer returned something that is no JWT');
      if (this.#current?.token !== token) this.#current = new ProviderToken(token, this.#keyId, issuedAtMs);
    } catch (error) {
      this.#onFailure(error instanceof Error ? error.message : String(error));
      this.#clock.setTimer(askAgainMs, this.#onToken);
    } finally {
      this.#isAsking = false;
    }
    if (this.#current !== null) this.#onToken();
  }
}
