// The referee: watches what clients do to the gateway and judges it by the rules of conduct (rules.ts). A pure state
// machine: observations and `now` go in, a report comes out. It convicts on proof only: for what a client could not have
// known yet nobody is blamed (proof-of-receipt.ts). Bounded: a number a token with something to remember, a record a
// push of late, and nothing else that grows with the number of pushes.
import { DeviceFacts } from './device-facts.ts';
import { DialWatch } from './dial-watch.ts';
import { Docket, isoTime } from './docket.ts';
import { EventOrder } from './proof-of-receipt.ts';
import { PushHistory } from './push-history.ts';
import type { RefereeReport, RuleReport } from './report.ts';
import { TimelineSampler } from '../timeline/sampler.ts';
import { RetryWatch } from './retry-watch.ts';
import { refereeLimits, refereeRules } from './rules.ts';
import type { RefereeLimits } from './rules.ts';
import { SourceTokens } from './token-watch.ts';
import { WatchedConnection } from './watched-connection.ts';
import type { Court, Source } from './watched-connection.ts';

export interface RefereeOptions {
  /** Other numbers than `refereeLimits` has, for tests that cannot wait a quarter of an hour. */
  readonly limits?: Partial<RefereeLimits>;
  /** Examples kept a rule. Default 5. */
  readonly examplesMax?: number;
  /** Device tokens with a 410, 429 or refusal that are remembered, about 300 octets each. Default 200,000. */
  readonly tokensMax?: number;
  /** Pushes of late that are remembered, about 300 octets each. Default 65,536. */
  readonly pushesMax?: number;
}

/** Addresses told apart; more share one record. */
const sourcesMax = 1_000;

export class Referee {
  readonly #court: Court;
  readonly #sources = new Map<string, Source>();
  readonly #startedAt: number;

  constructor(options: RefereeOptions, now: number) {
    this.#startedAt = now;
    const sampler = new TimelineSampler();
    this.#court = {
      limits: { ...refereeLimits, ...options.limits },
      docket: new Docket(options.examplesMax ?? 5, sampler),
      sampler,
      order: new EventOrder(),
      devices: new DeviceFacts(options.tokensMax ?? 200_000),
      pushes: new PushHistory(options.pushesMax ?? 65_536),
      connections: new Map(),
      seen: { connections: 0, requests: 0, replies: 0, goAways: 0, marksSent: 0, marksAnswered: 0, marksLost: 0 },
      factKnownAt: 0,
    };
  }

  /** TCP is there. `source`: its address. */
  connectionOpened(ordinal: number, source: string, now: number): WatchedConnection {
    const connection = new WatchedConnection(ordinal, this.#court, this.#sourceOf(source), now);
    this.#court.connections.set(ordinal, connection);
    this.#court.seen.connections += 1;
    return connection;
  }

  /** One that is open. */
  connection(ordinal: number): WatchedConnection | null {
    return this.#court.connections.get(ordinal) ?? null;
  }

  /** The device registered again, or its scripted state changed: what was said of it before no longer holds. */
  registered(token: string): void {
    this.#court.devices.forget(token);
  }

  /** A fault of the script was played: for the timeline. */
  faultFired(id: string, now: number): void {
    this.#court.sampler.faultFired(id, now);
  }

  report(now: number): RefereeReport {
    const { seen, limits, devices, pushes } = this.#court;
    const rules = refereeRules.map((rule): RuleReport => {
      const cases = this.#court.docket.casesOf(rule.id);
      return {
        id: rule.id,
        measures: rule.measures,
        source: rule.source,
        limits: rule.limits.map(({ name, unit }) => ({ name, value: limits[name], unit })),
        violations: cases.violations,
        notices: cases.notices,
        firstAt: cases.firstAt === null ? null : isoTime(cases.firstAt),
        lastAt: cases.lastAt === null ? null : isoTime(cases.lastAt),
        examples: [...cases.examples],
        noticed: [...cases.noticed],
      };
    });
    const violations = rules.reduce((sum, rule) => sum + rule.violations, 0);
    return {
      verdict: violations === 0 ? 'clean' : 'convicted',
      startedAt: isoTime(this.#startedAt),
      reportedAt: isoTime(now),
      violations,
      observed: { ...seen, sources: this.#sources.size },
      forgotten: { tokens: devices.forgotten, pushes: pushes.forgotten },
      rules,
      timeline: this.#court.sampler.timeline(),
    };
  }

  #sourceOf(address: string): Source {
    const name = this.#sources.size >= sourcesMax && !this.#sources.has(address) ? 'others' : address;
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const { limits } = this.#court;
    const source = { dials: new DialWatch(limits), tokens: new SourceTokens(limits), retries: new RetryWatch(limits) };
    this.#sources.set(name, source);
    return source;
  }
}
