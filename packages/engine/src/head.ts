/**
 * Heads: what the header fields of pushes have in common. A head is an app, a topic, a push type, a priority, and whether
 * it goes to a channel; it gets a dense index, by which each connection finds its header template in an array.
 */
import type { Priority, PushType, Topic } from '@carillon/apns';
import type { App } from './app.ts';
import type { Breaker } from './breaker.ts';

export class Head {
  readonly index: number;
  readonly app: App;
  /** Of a broadcast: the bundle id of its path. */
  readonly topic: Topic;
  readonly pushType: PushType;
  readonly priority: Priority;
  /** To a channel: nothing that is known of devices applies. */
  readonly isBroadcast: boolean;
  /** Names what is known of device tokens for this environment and topic. No device has the scope of a broadcast. */
  readonly scope: string;
  /** Made when APNs first says that the credential may not use the topic; null until then. */
  breaker: Breaker | null = null;

  constructor(
    index: number,
    app: App,
    topic: Topic,
    pushType: PushType,
    priority: Priority,
    isBroadcast: boolean = false,
  ) {
    this.index = index;
    this.app = app;
    this.topic = topic;
    this.pushType = pushType;
    this.priority = priority;
    this.isBroadcast = isBroadcast;
    this.scope = isBroadcast ? `${app.authority} channels of ${topic}` : scopeOf(app, topic);
  }
}

/** Under which a gateway's words about device tokens are known: they hold for it and this topic, nowhere else. */
export function scopeOf(app: App, topic: Topic): string {
  return `${app.authority} ${topic}`;
}

/** All heads. Owner: the pipeline. Full: the pushes that need another one are refused. */
export class HeadTable {
  readonly #heads = new Map<string, Head>();
  readonly #headsMax: number;

  constructor(headsMax: number) {
    this.#headsMax = headsMax;
  }

  get size(): number {
    return this.#heads.size;
  }

  /** Under which scopes device tokens of an app are known. */
  scopesOf(app: string): ReadonlySet<string> {
    const scopes = new Set<string>();
    for (const head of this.#heads.values()) if (head.app.name === app) scopes.add(head.scope);
    return scopes;
  }

  /** Another credential: what APNs thought of the last one and its topics no longer counts. */
  closeBreakersOf(app: string): void {
    for (const head of this.#heads.values()) if (head.app.name === app) head.breaker = null;
  }

  /** The head of these five, made when new; null when the table is full. Called once a batch and head, not per push. */
  intern(app: App, topic: Topic, pushType: PushType, priority: Priority, isBroadcast: boolean = false): Head | null {
    const key = `${app.name}\n${topic}\n${pushType.name}\n${priority}\n${isBroadcast}`;
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    if (this.#heads.size >= this.#headsMax) return null;
    const head = new Head(this.#heads.size, app, topic, pushType, priority, isBroadcast);
    this.#heads.set(key, head);
    return head;
  }
}
