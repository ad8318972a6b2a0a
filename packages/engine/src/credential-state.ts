/**
 * Whether APNs takes a credential. One refusal may be the connection's fault (a connection that met an expired token
 * stays poisoned), so it costs the connection; the second in a row, on a new connection, parks the credential. A new
 * token connection carries one push until its first answer, so a wrong key costs two requests, not a million.
 *
 *   trusted ──refused──► doubted ──refused on another connection──► parked
 *      ▲                    │                                          │
 *      └────── accepted ────┴──────────── replaced, or held time over ─┘
 */
export type CredentialState =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'doubted'; readonly reason: string }
  /** `until`: monotonic ms; Infinity when only another credential helps. */
  | { readonly kind: 'parked'; readonly reason: string; readonly until: number };

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
    this.#state = { kind: 'doubted', reason: this.#state.reason };
    return false;
  }

  accepted(): void {
    if (this.#state.kind !== 'trusted') this.#state = trusted;
  }

  /** A connection was refused, once each. True when this parks the credential. */
  refused(reason: string): boolean {
    if (this.#state.kind === 'parked') return false;
    if (this.#state.kind === 'doubted') {
      this.#state = { kind: 'parked', reason, until: Infinity };
      return true;
    }
    this.#state = { kind: 'doubted', reason };
    return false;
  }

  /** APNs wants no new provider token for a while (TooManyProviderTokenUpdates). */
  hold(reason: string, until: number): void {
    this.#state = { kind: 'parked', reason, until };
  }
}
