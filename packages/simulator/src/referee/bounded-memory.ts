// A map that keeps so many entries and forgets the oldest. A ring beside the map knows their order: taking the first key
// of a Map over and over costs more with each key deleted before it (measured: 150 µs a push at 10^6 pushes).

export class BoundedMemory<Value extends object> {
  readonly #entries = new Map<string, Value>();
  /** In the order of setting; a value that was replaced or deleted since is only skipped. */
  readonly #keys: string[] = [];
  readonly #values: Value[] = [];
  readonly #max: number;
  #next = 0;
  /** How many values went for want of room. */
  forgotten = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(key: string): Value | null {
    return this.#entries.get(key) ?? null;
  }

  set(key: string, value: Value): void {
    const slot = this.#next;
    if (slot < this.#keys.length && this.#entries.get(this.#keys[slot]) === this.#values[slot]) {
      this.#entries.delete(this.#keys[slot]);
      if (this.#keys[slot] !== key) this.forgotten += 1;
    }
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#next = (slot + 1) % this.#max;
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
