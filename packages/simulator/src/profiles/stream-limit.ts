// How many streams a connection may have, as its replies go by: one until the first authenticated reply on token
// connections, and (switchable) one after a rejection until the next acceptance (apns-protocol.md E.2).
import type { Http2Options } from '../simulator-options.ts';

export class StreamLimit {
  /** What was announced last. */
  streamsMax: number;
  readonly #open: number;
  readonly #dropsAfterRejection: boolean;
  #isAuthenticated: boolean;

  constructor(options: Http2Options, hasCertificate: boolean) {
    this.#open = options.streamsMax ?? 1_000;
    this.#dropsAfterRejection = options.dropsStreamsAfterRejection ?? false;
    const before = options.streamsBeforeAuthentication ?? 1;
    this.#isAuthenticated = hasCertificate || before === this.#open;
    this.streamsMax = this.#isAuthenticated ? this.#open : before;
  }

  /** The new limit to announce; null: it stays. */
  afterReply(status: number, isAuthenticated: boolean): number | null {
    this.#isAuthenticated ||= isAuthenticated;
    if (!this.#isAuthenticated) return null;
    const isRejection = status >= 400 && status < 500 && status !== 410; // HNR: 410 is no error
    let next = this.streamsMax;
    if (this.#dropsAfterRejection && isRejection) next = 1;
    else if (status === 200 || !this.#dropsAfterRejection) next = this.#open;
    if (next === this.streamsMax) return null;
    this.streamsMax = next;
    return next;
  }
}
