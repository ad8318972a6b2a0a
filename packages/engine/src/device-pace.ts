/**
 * A rate for each device token (conduct `device-not-flooded`): pushes to one device leave `perSecond` apart, and those
 * that come too soon get a place behind one another, so that each is held about once and none by mistake. Owner: the
 * pipeline, which makes one only when a rate is asked for. Bounded: full, the device that sent or waited longest ago is
 * forgotten, and may get its next push early. Time is an argument.
 *
 *   now ── passes, up to a tenth of a second early ──► freeAt ── one interval a push that waits ──► endAt
 */
import type { Push } from './push.ts';

interface Pace {
  /** Monotonic ms at which the next push may leave. */
  freeAt: number;
  /** Behind the last that waits: where the next one that comes too soon is put. */
  endAt: number;
  waiting: number;
}

/** As with the other rates a tenth of a second's worth may leave at once: held pushes are looked at so often. */
const toleranceMs = 100;

export class DevicePace {
  readonly #intervalMs: number;
  readonly #devicesMax: number;
  /** By scope and token; a Map keeps the order of insertion, so the first is the one touched longest ago. */
  readonly #paces = new Map<string, Pace>();

  constructor(perSecond: number, devicesMax: number) {
    this.#intervalMs = 1000 / perSecond;
    this.#devicesMax = devicesMax;
  }

  get size(): number {
    return this.#paces.size;
  }

  /** The turn of `push` has come: until when it has to be held, monotonic ms; not above `now`: it may go. */
  heldUntil(push: Push, now: number): number {
    const key = keyOf(push);
    const pace = this.#paces.get(key);
    const hasPlace = push.isPaced;
    if (pace === undefined) {
      push.isPaced = false;
      return 0;
    }
    this.#leave(push, pace);
    // Without a place it does not overtake those that have one.
    const turnAt = hasPlace ? pace.freeAt : this.#endOf(pace);
    if (turnAt <= now + toleranceMs) return 0;
    const until = this.#endOf(pace);
    // One that will be given up takes no place: it would push back those that come after it.
    if (until >= push.deadlineAt) return until;
    pace.endAt = until + this.#intervalMs;
    pace.waiting++;
    push.isPaced = true;
    this.#touch(key, pace);
    return until;
  }

  /** `push` has left for the wire. */
  sent(push: Push, now: number): void {
    const key = keyOf(push);
    const pace = this.#paces.get(key);
    if (pace === undefined) {
      this.#forget(now);
      const freeAt = now + this.#intervalMs;
      this.#paces.set(key, { freeAt, endAt: freeAt, waiting: 0 });
      return;
    }
    pace.freeAt = Math.max(now, pace.freeAt) + this.#intervalMs;
    this.#touch(key, pace);
  }

  /** What was sent was surely not processed: the device has not heard of it. */
  unsent(push: Push): void {
    const pace = this.#paces.get(keyOf(push));
    if (pace !== undefined) pace.freeAt -= this.#intervalMs;
  }

  /** `push` is given up while it has a place. */
  left(push: Push): void {
    const pace = this.#paces.get(keyOf(push));
    if (pace !== undefined) this.#leave(push, pace);
  }

  #leave(push: Push, pace: Pace): void {
    if (!push.isPaced) return;
    push.isPaced = false;
    if (pace.waiting > 0) pace.waiting--;
  }

  /** The places of those that were given up are free again when nobody waits any more. */
  #endOf({ freeAt, endAt, waiting }: Pace): number {
    return waiting === 0 ? freeAt : Math.max(freeAt, endAt);
  }

  #touch(key: string, pace: Pace): void {
    this.#paces.delete(key);
    this.#paces.set(key, pace);
  }

  /** Room for one more: devices that may get a push anyway go first. */
  #forget(now: number): void {
    for (const [key, pace] of this.#paces) {
      const isIdle = pace.freeAt <= now && pace.waiting === 0;
      if (!isIdle && this.#paces.size < this.#devicesMax) return;
      this.#paces.delete(key);
    }
  }
}

function keyOf({ head, arena, at }: Push): string {
  return `${head.scope} ${arena.token(at)}`;
}
