// The list of cases: how often each rule was broken, when first and last, and the first few examples in words.
import type { TimelineSampler } from '../timeline/sampler.ts';
import type { RuleId } from './rules.ts';

export interface Example {
  /** ISO time of the gateway's clock. */
  readonly at: string;
  /** Ordinal of the connection; null: it concerns a source. */
  readonly connection: number | null;
  readonly stream: number | null;
  readonly text: string;
}

/** Where something happened. */
export interface Place {
  readonly connection: number | null;
  readonly stream: number | null;
}

export class Docket {
  readonly #records = new Map<RuleId, Cases>();
  readonly #examplesMax: number;
  readonly #sampler: TimelineSampler;

  constructor(examplesMax: number, sampler: TimelineSampler) {
    this.#sampler = sampler;
    this.#examplesMax = examplesMax;
  }

  /** `text` is asked for only while examples are kept: a client may break a rule a million times. */
  convict(rule: RuleId, now: number, place: Place, text: () => string): void {
    const cases = this.casesOf(rule);
    cases.violations += 1;
    cases.firstAt ??= now;
    cases.lastAt = now;
    this.#sampler.violated(rule, place.connection, now);
    if (cases.examples.length < this.#examplesMax) cases.examples.push({ at: isoTime(now), ...place, text: text() });
  }

  /** Worth a look, no violation. */
  note(rule: RuleId, now: number, place: Place, text: () => string): void {
    const cases = this.casesOf(rule);
    cases.notices += 1;
    if (cases.noticed.length < this.#examplesMax) cases.noticed.push({ at: isoTime(now), ...place, text: text() });
  }

  casesOf(rule: RuleId): Cases {
    const known = this.#records.get(rule);
    if (known !== undefined) return known;
    const fresh = new Cases();
    this.#records.set(rule, fresh);
    return fresh;
  }
}

export class Cases {
  violations = 0;
  notices = 0;
  /** Epoch ms. */
  firstAt: number | null = null;
  lastAt: number | null = null;
  readonly examples: Example[] = [];
  readonly noticed: Example[] = [];
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
