/**
 * Heads: what the header fields of pushes have in common. A head is an app, a topic, a push type and a priority; it gets
 * a dense index in its outlet, by which each connection finds its header template in an array.
 */
import type { Priority, PushType, Topic } from '@carillon/apns';
import type { App } from './app.ts';

export interface Head {
  readonly index: number;
  readonly app: App;
  readonly topic: Topic;
  readonly pushType: PushType;
  readonly priority: Priority;
}

/** The heads of one outlet. Owner: the outlet. Full: the pushes that need another one are rejected. */
export class HeadTable {
  readonly #heads = new Map<string, Head>();
  readonly #headsMax: number;

  constructor(headsMax: number) {
    this.#headsMax = headsMax;
  }

  get size(): number {
    return this.#heads.size;
  }

  /** The head of these four, made when new; null when the table is full. Called once a batch and head, not per push. */
  intern(app: App, topic: Topic, pushType: PushType, priority: Priority): Head | null {
    const key = `${app.name}\n${topic}\n${pushType.name}\n${priority}`;
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    if (this.#heads.size >= this.#headsMax) return null;
    const head: Head = { index: this.#heads.size, app, topic, pushType, priority };
    this.#heads.set(key, head);
    return head;
  }
}
