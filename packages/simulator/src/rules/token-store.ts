// What the gateway knows about device tokens: scripted states, set before or while clients send.

export type TokenState =
  | {
      readonly kind: 'ok';
      /** Other topics are answered DeviceTokenNotForTopic. */ readonly topics?: readonly string[];
    }
  | { readonly kind: 'bad' }
  | { readonly kind: 'unregistered'; readonly timestampMs?: number }
  | { readonly kind: 'expired'; readonly timestampMs?: number }
  | { readonly kind: 'wrong-topic' }
  | { readonly kind: 'throttled'; readonly retryAfter?: string }
  /** Any status, with any reason (also none of Apple's) or any body. */
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly reason?: string;
      readonly timestampMs?: number;
      readonly retryAfter?: string;
      /** Instead of the JSON made of `reason` and `timestampMs`. */
      readonly body?: string;
      /** The body in DATA frames of so many octets. */
      readonly splitBytes?: number;
    }
  /** Taken, never answered. */
  | { readonly kind: 'silence' }
  /** RST_STREAM with this HTTP/2 error code instead of an answer; with REFUSED_STREAM (7) not processed. */
  | { readonly kind: 'reset'; readonly errorCode: number };

/** A state, how many requests see it (default: all), and how long the answer takes. */
export type ScriptedToken = TokenState & { readonly times?: number; readonly delayMs?: number };

const okState: ScriptedToken = { kind: 'ok' };
const badState: ScriptedToken = { kind: 'bad' };

export class TokenStore {
  readonly #unknown: ScriptedToken;
  readonly #states = new Map<string, { state: ScriptedToken; left: number }>();

  constructor(unknownTokens: 'ok' | 'bad' = 'ok') {
    this.#unknown = unknownTokens === 'ok' ? okState : badState;
  }

  set(token: string, state: ScriptedToken): void {
    this.#states.set(token.toLowerCase(), { state, left: state.times ?? Number.POSITIVE_INFINITY });
  }

  /** The state this request sees; one that has been seen `times` times is ok from then on. */
  take(token: string): ScriptedToken {
    const entry = this.#states.get(token.toLowerCase());
    if (entry === undefined) return this.#unknown;
    if (entry.left <= 0) return okState;
    entry.left -= 1;
    return entry.state;
  }
}
