// 429 TooManyRequests: too many requests to one device token within a while (apns-protocol.md F; no threshold is published).

export interface DeviceRateOptions {
  /** Requests to one token in a window that are served. About 400 rapid ones tripped it in 2020 (HENNGE/aapns#23). */
  readonly requestsMax: number;
  readonly windowMs: number;
}

/** Tokens counted in one window; beyond it the count begins anew. */
const tokensMax = 1_000_000;

export class DeviceRate {
  readonly #options: DeviceRateOptions;
  readonly #requests = new Map<string, number>();
  #windowEndsMs = 0;

  constructor(options: DeviceRateOptions) {
    this.#options = options;
  }

  /** Counts a request. False: it is one too many. */
  admits(token: string, nowMs: number): boolean {
    if (nowMs >= this.#windowEndsMs || this.#requests.size >= tokensMax) {
      this.#requests.clear();
      this.#windowEndsMs = nowMs + this.#options.windowMs;
    }
    const key = token.toLowerCase();
    const count = (this.#requests.get(key) ?? 0) + 1;
    this.#requests.set(key, count);
    return count <= this.#options.requestsMax;
  }
}
