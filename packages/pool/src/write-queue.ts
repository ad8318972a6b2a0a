/**
 * Writes that the socket has not called back for, oldest first, in a ring that grows to the most there ever were at
 * once. Nothing is allocated for a write.
 */

/** A piece of memory that frames are gathered in. */
export interface Slab {
  readonly bytes: Buffer;
  /** Writes out of it that the socket has not called back for. */
  outstanding: number;
}

export class WriteQueue {
  #slabs: (Slab | null)[] = Array.from({ length: 64 }, () => null);
  #sizes = new Float64Array(64);
  #head = 0;
  length = 0;

  push(slab: Slab, bytes: number): void {
    if (this.length === this.#slabs.length) this.#grow();
    const at = (this.#head + this.length) % this.#slabs.length;
    this.#slabs[at] = slab;
    this.#sizes[at] = bytes;
    this.length++;
  }

  /** Bytes of the oldest write. */
  get oldestBytes(): number {
    return this.#sizes[this.#head];
  }

  /** Removes the oldest write and returns its slab; null when there is none. */
  take(): Slab | null {
    if (this.length === 0) return null;
    const slab = this.#slabs[this.#head];
    this.#slabs[this.#head] = null;
    this.#head = (this.#head + 1) % this.#slabs.length;
    this.length--;
    return slab;
  }

  #grow(): void {
    const { length } = this;
    const slabs = Array.from({ length: length * 2 }, (_, at) =>
      at < length ? this.#slabs[(this.#head + at) % length] : null,
    );
    const sizes = new Float64Array(length * 2);
    for (let at = 0; at < length; at++) sizes[at] = this.#sizes[(this.#head + at) % length];
    this.#slabs = slabs;
    this.#sizes = sizes;
    this.#head = 0;
  }
}
