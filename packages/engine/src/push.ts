/**
 * A push under way: a pooled record of one shape that says where its bytes are and where it stands. Pushes are known to
 * the wire by their `tag`, the index in the table, so that nothing is looked up by a key.
 */
import type { App } from './app.ts';
import type { Arena } from './arena.ts';
import type { Head } from './head.ts';
import type { Lanes } from './lane.ts';
import type { Outcome } from './outcome.ts';
import type { Source } from './source.ts';

/** Where a settled push goes: a promise, or the receipts of a call. */
export interface Sink {
  /** Its caller gave it up: a push that would wait, again or for the first time, is abandoned instead. */
  readonly isCancelled: boolean;
  /** The source that its pushes of `app` are counted to; without it the app itself. */
  sourceOf?(app: App): Source;
  /** Where its pushes wait; null: in the lanes of their app. */
  readonly lanes: Lanes | null;
  /** Exactly once a push. Its bytes may be read until this returns. `latencyMs` is null without an answer. */
  settled(push: Push, outcome: Outcome, latencyMs: number | null): void;
}

/** Invariant (design: 3): a push is in exactly one of these. */
export const PushState = { free: 0, lane: 1, delayed: 2, wire: 3 } as const;
export type PushStateCode = (typeof PushState)[keyof typeof PushState];

/** By which track it travels: clean, or on probation because its source is dirty or its own device token suspect. */
export const Standing = { clean: 0, dirty: 1, suspect: 2 } as const;
export type StandingCode = (typeof Standing)[keyof typeof Standing];

export class Push {
  readonly tag: number;
  state: PushStateCode = PushState.free;
  /** The next in its lane's queue. */
  next: Push | null = null;
  arena: Arena = null as unknown as Arena; // set by `take`; a free record is never read
  /** Where its record begins in the arena's index. */
  at = 0;
  head: Head = null as unknown as Head; // as above
  sink: Sink = null as unknown as Sink; // as above
  source: Source = null as unknown as Source; // as above
  /** As it was placed last; looked at again when its turn comes. */
  standing: StandingCode = Standing.clean;
  /** Monotonic ms. */
  admittedAt = 0;
  deadlineAt = 0;
  /** While delayed: when it goes back to its lane. */
  dueAt = 0;
  /** Attempts that may have reached APNs or were answered. */
  attempts = 0;
  /** Resends after proof that the attempt was not processed; free of charge, but counted. */
  resends = 0;
  /** Of the attempts, those answered with a fault of the connection or the credential. */
  unchargedReplies = 0;
  /** It has a place among those that wait because their device had a push lately. */
  isPaced = false;
  /** An earlier attempt ended without our knowing whether APNs took it. */
  isAmbiguous = false;
  /** What the last attempt ended with, for the receipt of an abandoned push. */
  last: string | null = null;
  /** The status it was answered with; null when it was not. */
  lastStatus: number | null = null;

  constructor(tag: number) {
    this.tag = tag;
  }
}

/** All pushes there are. Records are made on demand and used again; as many exist as were ever admitted at once. */
export class PushTable {
  readonly #pushes: Push[] = [];
  #free: Push | null = null;
  #taken = 0;

  get taken(): number {
    return this.#taken;
  }

  at(tag: number): Push {
    return this.#pushes[tag]; // tags come from `take` alone
  }

  take(
    arena: Arena,
    at: number,
    head: Head,
    sink: Sink,
    admittedAt: number,
    deadlineAt: number,
    source: Source = head.app.source,
  ): Push {
    let push = this.#free;
    if (push === null) {
      push = new Push(this.#pushes.length);
      this.#pushes.push(push);
    } else {
      this.#free = push.next;
      push.next = null;
    }
    push.arena = arena;
    push.at = at;
    push.head = head;
    push.sink = sink;
    push.source = source;
    push.standing = Standing.clean;
    push.admittedAt = admittedAt;
    push.deadlineAt = deadlineAt;
    push.dueAt = 0;
    push.attempts = 0;
    push.resends = 0;
    push.unchargedReplies = 0;
    push.isPaced = false;
    push.isAmbiguous = false;
    push.last = null;
    push.lastStatus = null;
    this.#taken++;
    return push;
  }

  release(push: Push): void {
    push.state = PushState.free;
    push.arena = null as unknown as Arena; // lets the arena be collected
    push.sink = null as unknown as Sink;
    push.source = null as unknown as Source;
    push.next = this.#free;
    this.#free = push;
    this.#taken--;
  }

  /** Every push that is not free, for shutting down. */
  *inUse(): Generator<Push> {
    for (const push of this.#pushes) if (push.state !== PushState.free) yield push;
  }
}
