/** Pushes that wait for a time: a binary heap by `dueAt`. Bounded by the jobs admitted, since a push is in one place. */
import type { Push } from './push.ts';
import { PushState } from './push.ts';

export class DelayHeap {
  readonly #heap: Push[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Monotonic ms of the earliest; Infinity when none waits. */
  get nextAt(): number {
    return this.#heap[0]?.dueAt ?? Infinity;
  }

  add(push: Push, dueAt: number): void {
    push.state = PushState.delayed;
    push.dueAt = dueAt;
    const heap = this.#heap;
    let at = heap.push(push) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above.dueAt <= dueAt) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = push;
  }

  /** The earliest push if it is due, else null. */
  takeDue(now: number): Push | null {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.dueAt > now) return null;
    return this.#takeFirst();
  }

  /** The pushes that `isWanted` names, taken out. Looks at every push. */
  takeIf(isWanted: (push: Push) => boolean): readonly Push[] {
    const taken = this.#heap.filter(isWanted);
    if (taken.length === 0) return taken;
    const kept = this.#heap.filter((push) => !isWanted(push));
    this.#heap.length = 0;
    for (const push of kept) this.add(push, push.dueAt);
    return taken;
  }

  #takeFirst(): Push {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop() as Push;
    const { length } = heap;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && heap[child + 1].dueAt < heap[child].dueAt) child++;
      const below = heap[child];
      if (below.dueAt >= last.dueAt) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
