// Where a server connection writes its frames: slabs that are handed to the socket whole and come back when the write is
// done. Buffer.allocUnsafe per flush is zero-filled on Node 24 and cost more than all framing together; slabs do not.

export interface SlabOutboxOptions {
  /** Default 64 KiB: four full TLS records. */
  readonly slabBytes?: number;
  /** Slabs kept for reuse; more may be out at once, they are dropped when they come back. Default 8. */
  readonly slabsKept?: number;
}

/** Takes bytes for the wire and calls `done` when it needs them no longer. */
export type SlabWriter = (bytes: Buffer, done: () => void) => void;

export class SlabOutbox {
  /** The slab being filled. `reserve` may swap it. */
  bytes: Buffer;
  length = 0;
  readonly #write: SlabWriter;
  readonly #slabBytes: number;
  readonly #slabsKept: number;
  readonly #free: Buffer[] = [];

  constructor(write: SlabWriter, options: SlabOutboxOptions = {}) {
    this.#write = write;
    this.#slabBytes = options.slabBytes ?? 65_536;
    this.#slabsKept = options.slabsKept ?? 8;
    this.bytes = Buffer.allocUnsafeSlow(this.#slabBytes);
  }

  /** Afterwards `bytes[length … length + bytes)` is writable. */
  reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    this.flush();
    if (bytes > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(bytes); // one-off: a fault script's giant frame
  }

  /** Copies ready-made bytes in, in pieces if need be. */
  append(source: Buffer): void {
    for (let start = 0; start < source.length;) {
      if (this.length === this.bytes.length) this.flush();
      const copied = source.copy(this.bytes, this.length, start);
      this.length += copied;
      start += copied;
    }
  }

  flush(): void {
    if (this.length === 0) return;
    const slab = this.bytes;
    const filled = slab.subarray(0, this.length);
    this.bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#slabBytes);
    this.length = 0;
    this.#write(filled, () => {
      if (slab.length === this.#slabBytes && this.#free.length < this.#slabsKept) this.#free.push(slab);
    });
  }
}
