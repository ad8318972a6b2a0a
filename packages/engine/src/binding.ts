/** What the engine knows of one connection: the provider token it carries, its header templates, and whether it is trusted. */
import { broadcastPlan, headerPlan, ProviderTokenHold, TopicBudget } from '@carillon/apns';
import type { ProviderToken } from '@carillon/apns';
import { HeaderTemplate } from '@carillon/pool';
import type { Clock, Connection } from '@carillon/pool';
import type { Head } from './head.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { ReasonCounts } from './reason-counts.ts';
import type { TokenSource } from './signer.ts';

/** Whether the provider token has to change is looked at this often; it changes every half hour. */
const lookEveryMs = 1000;

export class Binding {
  /** An answer came that proves the credential: set once. */
  isTrusted = false;
  /** From a push's bytes leaving us to its answer. */
  readonly latency: LatencyHistogram = new LatencyHistogram();
  /** Answers other than 200. */
  readonly reasons: ReasonCounts = new ReasonCounts();
  readonly #connection: Connection;
  readonly #authority: string;
  /** Null on a connection with a client certificate. */
  readonly #hold: ProviderTokenHold<ProviderToken | null> | null;
  readonly #topics = new TopicBudget();
  #token: ProviderToken | null = null;
  #lookAt = 0;
  /** By the head's index. All carry the same provider token. */
  #templates: (HeaderTemplate | undefined)[] = [];

  constructor(connection: Connection, authority: string, tokens: TokenSource | null) {
    this.#connection = connection;
    this.#authority = authority;
    this.#hold = tokens === null ? null : new ProviderTokenHold(tokens);
  }

  /** Null with a client certificate, and before the first `refresh`. */
  get providerToken(): ProviderToken | null {
    return this.#token;
  }

  /** Changes the provider token when it is due. Called before filling; `now` is monotonic. False: there is none yet. */
  refresh(now: number, clock: Clock): boolean {
    if (this.#hold === null || now < this.#lookAt) return true;
    const token = this.#hold.tokenAt(clock.epochMs(), now);
    if (token === null) return false;
    this.#lookAt = now + lookEveryMs;
    if (token !== this.#token) {
      this.#token = token;
      this.#templates = [];
    }
    return true;
  }

  /** Something went out with the token, at `now`, monotonic. */
  used(now: number): void {
    this.#hold?.used(now);
  }

  template(head: Head): HeaderTemplate {
    return this.#templates[head.index] ?? this.#make(head);
  }

  #make(head: Head): HeaderTemplate {
    const { topic, pushType, priority } = head;
    const common = { authority: this.#authority, providerToken: this.#token, pushType, priority };
    const plan = head.isBroadcast
      ? broadcastPlan({ ...common, bundleId: topic })
      : headerPlan({ ...common, topic, isTopicIndexed: this.#topics.admit(topic) });
    const template = new HeaderTemplate(this.#connection.encoder, plan);
    this.#templates[head.index] = template;
    return template;
  }
}
