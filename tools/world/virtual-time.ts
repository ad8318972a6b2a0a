// The time of a world: it passes from one event to the next, as fast as the machine can. Between two events everything
// that is ready happens: promises, ticks, ends of turns, in the order in which Node runs them.
//
//   event ──► ticks and promises ──► (more events of this moment) ──► ends of the turn, one by one ──► the next event
//
// Cost: a turn of Node's event loop for an event, about a microsecond.
import type { Dice } from './dice.ts';

/** Whose event it is: what stands still when a process does. */
export type Zone = 'client' | 'gateway';

interface Event {
  at: number;
  readonly order: number;
  readonly zone: Zone;
  /** Somebody set it; else it is something on its way. */
  readonly isTimer: boolean;
  /** Null: cancelled. */
  fire: (() => void) | null;
}

export interface VirtualTimer {
  cancel(): void;
}

/** Whoever lets people wait. */
export interface Sleeper {
  sleep(delayMs: number, zone?: Zone): Promise<void>;
}

export interface Passing {
  /** Looked at between events; true ends it. */
  readonly isOver: () => boolean;
  /** … and so does the time when it comes first. */
  readonly limitMs: number;
  /** Events at most: a world that spins in one moment never reaches its limit. */
  readonly eventsMax: number;
}

/** `over`: it was; `limit`: time is up; `spinning`: too many events; `still`: nothing is left to happen. */
export type PassingEnd = 'over' | 'limit' | 'spinning' | 'still';

/** Timers fire up to so much late, as Node's do. */
const lateMostMs = 0.5;

export class VirtualTime implements Sleeper {
  /** Monotonic ms since the beginning. */
  now = 0;
  events = 0;
  readonly #dice: Dice;
  readonly #heap: Event[] = [];
  /** What is to run at the end of the turn; a loop of ends would starve time, so what they add waits for the next turn. */
  #ends: (() => void)[] = [];
  #endsNow: (() => void)[] = [];
  #order = 0;
  /** Events of the client wait until then. */
  #clientStallsUntil = 0;
  /** Told of each event, for the trace. */
  onEvent: ((now: number, zone: Zone) => void) | null = null;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Fires once, a little late. */
  after(delayMs: number, zone: Zone, fire: () => void): VirtualTimer {
    const at = this.now + Math.max(0, delayMs) + this.#dice.next() * lateMostMs;
    const event: Event = { at, order: ++this.#order, zone, isTimer: true, fire };
    this.#push(event);
    return {
      cancel() {
        event.fire = null;
      },
    };
  }

  /** What is on its way arrives then. */
  arriveAt(at: number, zone: Zone, fire: () => void): void {
    this.#push({ at: Math.max(at, this.now), order: ++this.#order, zone, isTimer: false, fire });
  }

  endOfTurn(fire: () => void): void {
    this.#ends.push(fire);
  }

  /** Of the world's own people: no timer of anybody's. */
  sleep(delayMs: number, zone: Zone = 'client'): Promise<void> {
    return new Promise((resolve) => this.arriveAt(this.now + delayMs, zone, resolve));
  }

  /** The client's process gets no processor for so long: its timers and its sockets' input come late, and together. */
  stallClient(forMs: number): void {
    this.#clientStallsUntil = Math.max(this.#clientStallsUntil, this.now + forMs);
  }

  /** Ends of a turn are still to come. */
  get isTurnOpen(): boolean {
    return this.#ends.length + this.#endsNow.length > 0;
  }

  /** Timers that would still fire. */
  timersOf(zone: Zone): number {
    return this.#heap.filter((event) => event.zone === zone && event.isTimer && event.fire !== null).length;
  }

  pass({ isOver, limitMs, eventsMax }: Passing): Promise<PassingEnd> {
    const eventsEnd = this.events + eventsMax;
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (isOver()) resolve('over');
          else if (this.events >= eventsEnd) resolve('spinning');
          else if (!this.#step(limitMs)) resolve(this.#heap.length === 0 ? 'still' : 'limit');
          else setImmediate(step);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      setImmediate(step);
    });
  }

  /** One callback; false when none is left within the limit. */
  #step(limitMs: number): boolean {
    const end = this.#endsNow.shift();
    if (end !== undefined) {
      end();
      return true;
    }
    const first = this.#first();
    const hasEnds = this.#ends.length > 0;
    // Input that is there at the same moment may come in the same turn, or in the next.
    if (hasEnds && (first === null || first.at > this.now || this.#dice.isTrue(0.5))) {
      this.#endsNow = this.#ends;
      this.#ends = [];
      return true;
    }
    if (first === null || first.at > limitMs) return false;
    this.#pop();
    if (first.zone === 'client' && this.now < this.#clientStallsUntil && first.at < this.#clientStallsUntil) {
      first.at = this.#clientStallsUntil;
      this.#push(first);
      return true;
    }
    this.now = Math.max(this.now, first.at);
    this.events++;
    this.onEvent?.(this.now, first.zone);
    first.fire?.();
    return true;
  }

  #first(): Event | null {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.fire !== null) return first;
      this.#pop();
    }
    return null;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
