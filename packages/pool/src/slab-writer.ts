/**
 * Where a session writes: slabs of memory that go to the socket many frames at a time and come back when the socket is
 * done with them. Nothing is allocated per flush (`Buffer.allocUnsafe` of that size is zero-filled on Node 24 and cost
 * more than everything else together, docs/BENCHMARKS.md).
 *
 *   slab   | on the wire … | written, not flushed | free …            |
 *          0           flushedTo               length           slabBytes
 *
 * Invariant: bytes in [0, flushedTo) are not touched until the socket's callback says that it is done with them.
 */
import type { Outbox } from '@carillon/session';
import type { Duplex } from 'node:stream';

/** 128 KiB: eight full TLS records; between 64 and 256 KiB the figures are alike (docs/BENCHMARKS.md, wire). */
const slabBytes = 128 * 1024;

interface Slab {
  readonly bytes: Buffer;
  /** Writes that the socket has not called back for. */
  outstanding: number;
}

export class SlabWriter implements Outbox {
  bytes: Buffer;
  length = 0;
  readonly #socket: Duplex;
  readonly #highWaterBytes: number;
  readonly #onRoom: () => void;
  #slab: Slab;
  #flushedTo = 0;
  readonly #free: Slab[] = [];
  /** Flushed and not yet called back, oldest first: the socket calls back in order. */
  readonly #pendingSlabs: Slab[] = [];
  readonly #pendingBytes: number[] = [];
  #bytesOnSocket = 0;
  #wasFull = false;
  #isClosed = false;
  /** Bytes handed to the socket so far, and the writes it took. */
  bytesWritten = 0;
  writes = 0;

  /** `onRoom` is called when the socket has taken enough again after `isFull` was seen to be true. */
  constructor(socket: Duplex, highWaterBytes: number, onRoom: () => void) {
    this.#socket = socket;
    this.#highWaterBytes = highWaterBytes;
    this.#onRoom = onRoom;
    this.#slab = { bytes: Buffer.allocUnsafeSlow(slabBytes), outstanding: 0 };
    this.bytes = this.#slab.bytes;
  }

  /** True while the socket holds more than it should: open no stream now. Control frames may still be written. */
  get isFull(): boolean {
    const full = this.#bytesOnSocket + (this.length - this.#flushedTo) >= this.#highWaterBytes;
    if (full) this.#wasFull = true;
    return full;
  }

  /** Bytes that the socket holds and those not flushed yet. */
  get bytesHeld(): number {
    return this.#bytesOnSocket + (this.length - this.#flushedTo);
  }

  reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    this.flush();
    if (this.#slab.outstanding === 0) {
      this.#rewind();
      if (bytes <= this.bytes.length) return;
    }
    this.#slab = bytes > slabBytes ? { bytes: Buffer.allocUnsafeSlow(bytes), outstanding: 0 } : this.#takeSlab();
    this.bytes = this.#slab.bytes;
    this.#rewind();
  }

  /** Hands what was written to the socket. Cheap when there is nothing. */
  flush(): void {
    const from = this.#flushedTo;
    const bytes = this.length - from;
    if (bytes === 0 || this.#isClosed) return;
    this.#flushedTo = this.length;
    this.#slab.outstanding++;
    this.#bytesOnSocket += bytes;
    this.#pendingSlabs.push(this.#slab);
    this.#pendingBytes.push(bytes);
    this.bytesWritten += bytes;
    this.writes++;
    this.#socket.write(this.bytes.subarray(from, this.length), this.#onWritten);
  }

  /** The socket is gone: what is written from now on goes nowhere. */
  close(): void {
    this.#isClosed = true;
  }

  readonly #onWritten = (): void => {
    const slab = this.#pendingSlabs.shift();
    const bytes = this.#pendingBytes.shift();
    if (slab === undefined || bytes === undefined) return;
    this.#bytesOnSocket -= bytes;
    slab.outstanding--;
    if (slab.outstanding === 0) {
      if (slab !== this.#slab) {
        if (slab.bytes.length === slabBytes) this.#free.push(slab);
      } else if (this.length === this.#flushedTo) this.#rewind();
    }
    // Half: resuming at the mark itself would turn every write into a wake-up.
    if (this.#wasFull && this.#bytesOnSocket <= this.#highWaterBytes / 2) {
      this.#wasFull = false;
      this.#onRoom();
    }
  };

  #takeSlab(): Slab {
    return this.#free.pop() ?? { bytes: Buffer.allocUnsafeSlow(slabBytes), outstanding: 0 };
  }

  #rewind(): void {
    this.length = 0;
    this.#flushedTo = 0;
  }
}
