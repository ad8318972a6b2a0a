/**
 * Whether APNs takes a credential. One refusal may be the connection's fault (a connection that met an expired token
 * stays poisoned), so it costs the connection; the second in a row, on a connection that was opened since, parks the
 * credential. A new token connection carries one push until its first answer, so a wrong key costs a few requests, not
 * a million.
 *
 *   trusted ──refused──► doubted ──refused on a newer connection──► parked
 *      ▲                    │                                          │
 *      └────── accepted ────┴──────────── replaced, or held time over ─┘
 */
export type CredentialState =
  | { readonly kind: 'trusted' }
  /** `since`: monotonic ms. */
  | { readonly kind: 'doubted'; readonly reason: string; readonly since: number }
  /** `until`: monotonic ms; Infinity when only another credential helps. */
  | { readonly kind: 'parked'; readonly reason: string; readonly until: number };

/**
 * A token that a fresh connection too finds expired is young by our clock: the clock is wrong (design: conduct
 * `provider-token-steady`).
 */
const expired = 'ExpiredProviderToken';
export const clockSkew = 'clock-skew';

const trusted: CredentialState = { kind: 'trusted' };

export class CredentialWatch {
  #state: CredentialState = trusted;

  get state(): CredentialState {
    return this.#state;
  }

  /** Why it is not trusted; empty when it is. */
  get reason(): string {
    return this.#state.kind === 'trusted' ? '' : this.#state.reason;
  }

  isParked(now: number): boolean {
    if (this.#state.kind !== 'parked') return false;
    if (now < this.#state.until) return true;
    this.#state = { kind: 'doubted', reason: this.#state.reason, since: now };
    return false;
  }

  accepted(): void {
    if (this.#state.kind !== 'trusted') this.#state = trusted;
  }

  /** A connection that was opened at `openedAt` was refused, once each. True when this parks the credential. */
  refused(reason: string, openedAt: number, now: number): boolean {
    const state = this.#state;
    if (state.kind === 'parked') return false;
    if (state.kind === 'trusted') {
      this.#state = { kind: 'doubted', reason, since: now };
      return false;
    }
    // It was there when the first was refused, and carries the same token: nothing new.
    if (openedAt <= state.since) return false;
    this.#state = { kind: 'parked', reason: reason === expired ? clockSkew : reason, until: Infinity };
    return true;
  }

  /** APNs wants no new provider token for a while (TooManyProviderTokenUpdates). True when this parks the credential. */
  hold(reason: string, until: number): boolean {
    const state = this.#state;
    if (state.kind === 'parked') {
      if (until > state.until) this.#state = { kind: 'parked', reason, until };
      return false;
    }
    this.#state = { kind: 'parked', reason, until };
    return true;
  }
}
