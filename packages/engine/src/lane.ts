/**
 * A lane: where the pushes of one app wait for the wire, and the only place where they do. Three queues, one a priority,
 * each a chain of pushes. What comes back from the wire goes to the front, behind what came back before it: streams that
 * end together end in the order in which they were opened, and are sent again in that order.
 *
 *   first → came back → came back → … → came back → waits → … → last
 *                                       returned
 */
import type { Push } from './push.ts';
import { PushState } from './push.ts';
import { RateMeter } from './rate-meter.ts';
import type { RateCap } from './joint-rate.ts';

/** Where the pushes of an app wait, or those of one campaign of it. */
export interface Lanes {
  readonly lane: Lane;
  /** Those that travel on probation. */
  readonly probationLane: Lane;
}

const priorities = 3;

/** Of eight turns, so many belong to priorities 10, 5 and 1 while all three wait: urgent first, nobody starves. */
const turnsOf = [5, 2, 1] as const;

export class Lane {
  readonly name: string;
  /** Its share beside the other lanes of its pool. */
  readonly weight: number;
  /** Its own rate cap; null: none. */
  readonly rate: RateCap | null;
  isPaused = false;
  /** Pushes that left for the wire, resends included. */
  sent = 0;
  /** … and how many a second, lately. */
  readonly sending: RateMeter = new RateMeter();
  readonly #first: (Push | null)[] = [null, null, null];
  readonly #last: (Push | null)[] = [null, null, null];
  /** Of those at the front that came back, the last; null when none is there. */
  readonly #returned: (Push | null)[] = [null, null, null];
  readonly #credit: number[] = [...turnsOf];
  #depth = 0;

  constructor(name: string, weight: number, rate: RateCap | null) {
    this.name = name;
    this.weight = weight;
    this.rate = rate;
  }

  get depth(): number {
    return this.#depth;
  }

  /** Monotonic ms at which the push that waits longest was admitted; Infinity when none waits. */
  get oldestAt(): number {
    let oldest = Infinity;
    for (const push of this.#first) if (push !== null && push.admittedAt < oldest) oldest = push.admittedAt;
    return oldest;
  }

  add(push: Push): void {
    const queue = queueOf(push.head.priority);
    push.state = PushState.lane;
    push.next = null;
    const last = this.#last[queue];
    if (last === null) this.#first[queue] = push;
    else last.next = push;
    this.#last[queue] = push;
    this.#depth++;
  }

  /** A push that came back. */
  addBack(push: Push): void {
    const queue = queueOf(push.head.priority);
    push.state = PushState.lane;
    const before = this.#returned[queue];
    if (before === null) {
      push.next = this.#first[queue];
      this.#first[queue] = push;
    } else {
      push.next = before.next;
      before.next = push;
    }
    if (push.next === null) this.#last[queue] = push;
    this.#returned[queue] = push;
    this.#depth++;
  }

  /** The push whose turn it is, left where it is. */
  peek(): Push | null {
    if (this.#depth === 0) return null;
    return this.#first[this.#turn()];
  }

  /** Takes the push that `peek` showed. */
  take(): Push | null {
    if (this.#depth === 0) return null;
    const queue = this.#turn();
    const push = this.#first[queue] as Push;
    this.#first[queue] = push.next;
    if (push.next === null) this.#last[queue] = null;
    if (this.#returned[queue] === push) this.#returned[queue] = null;
    push.next = null;
    this.#depth--;
    this.#credit[queue]--;
    return push;
  }

  /** Takes out the pushes that `isWanted` names, wherever they stand. Looks at every push: not for every turn. */
  takeIf(isWanted: (push: Push) => boolean, onTaken: (push: Push) => void): void {
    for (let queue = 0; queue < priorities; queue++) {
      let kept: Push | null = null;
      for (let push = this.#first[queue]; push !== null;) {
        const { next } = push;
        if (!isWanted(push)) kept = push;
        else {
          if (kept === null) this.#first[queue] = next;
          else kept.next = next;
          if (next === null) this.#last[queue] = kept;
          if (this.#returned[queue] === push) this.#returned[queue] = kept;
          this.#depth--;
          push.next = null;
          onTaken(push);
        }
        push = next;
      }
    }
  }

  /** Takes every push out, for abandoning them. */
  *takeAll(): Generator<Push> {
    for (let push = this.take(); push !== null; push = this.take()) yield push;
  }

  #turn(): number {
    // One queue alone needs no credit: the common case is a loop that ends at once.
    let waiting = -1;
    for (let queue = 0; queue < priorities; queue++) {
      if (this.#first[queue] === null) continue;
      if (this.#credit[queue] > 0) return queue;
      if (waiting < 0) waiting = queue;
    }
    for (let queue = 0; queue < priorities; queue++) this.#credit[queue] = turnsOf[queue];
    return waiting;
  }
}

function queueOf(priority: number): number {
  return priority === 10 ? 0 : priority === 5 ? 1 : 2;
}
