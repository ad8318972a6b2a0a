// New provider tokens of a key counted over all connections of an address. Apple documents the 20 minutes for a connection;
// reports of several workers that each made their own token speak for this (apns-protocol.md C.2), so it is a switch.

/** TOK: not more than one new token in 20 minutes. */
const tokenChangeMinMs = 1_200_000;
/** Tokens known a key: an hour has three. Keys and addresses together: a simulator is no directory. */
const tokensKept = 8;
const entriesMax = 10_000;

interface KnownTokens {
  readonly texts: string[];
  newestAtMs: number;
}

export class SourceTokens {
  readonly #known = new Map<string, KnownTokens>();

  /** False: this address had a new token of this key less than 20 minutes ago. */
  admits(source: string, keyId: string, token: string, nowMs: number): boolean {
    const entry = `${source} ${keyId}`;
    const known = this.#known.get(entry);
    if (known === undefined) {
      if (this.#known.size >= entriesMax) this.#known.clear();
      this.#known.set(entry, { texts: [token], newestAtMs: nowMs });
      return true;
    }
    if (known.texts.includes(token)) return true;
    if (nowMs - known.newestAtMs < tokenChangeMinMs) return false;
    known.texts.push(token);
    if (known.texts.length > tokensKept) known.texts.shift();
    known.newestAtMs = nowMs;
    return true;
  }
}
