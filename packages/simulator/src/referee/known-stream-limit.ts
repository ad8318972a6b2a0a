// The limit on streams as the client knows it: what it has acknowledged, or what it must have received already.
import type { RefereeLimits } from './rules.ts';

export class KnownStreamLimit {
  /** Null: no SETTINGS of ours were acknowledged. */
  #acknowledged: number | null = null;
  /** One entry a SETTINGS frame under way; null where it says nothing of streams. */
  readonly #underWay: (number | null)[] = [];
  readonly #limits: RefereeLimits;

  constructor(limits: RefereeLimits) {
    this.#limits = limits;
  }

  sent(streamsMax: number | null): void {
    this.#underWay.push(streamsMax);
  }

  acknowledged(): void {
    const streamsMax = this.#underWay.shift() ?? null;
    // RFC 9113 §6.5.2: SETTINGS that say nothing of it, first of all, set no limit.
    this.#acknowledged = streamsMax ?? this.#acknowledged ?? Number.POSITIVE_INFINITY;
  }

  /** A higher limit may be used from its arrival on, which comes before its acknowledgement; a lower one binds then. */
  current(hasCertificate: boolean): number {
    if (this.#acknowledged === null) {
      return hasCertificate ? this.#limits.assumedStreamsMax : this.#limits.unprovenStreamsMax;
    }
    let most = this.#acknowledged;
    for (const streamsMax of this.#underWay) if (streamsMax !== null && streamsMax > most) most = streamsMax;
    return most;
  }
}
