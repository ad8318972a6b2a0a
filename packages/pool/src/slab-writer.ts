/**
 * Where a session writes: slabs of memory that go to the socket many frames at a time and come back when the socket is
 * done with them. Nothing is allocated per flush but the view that the socket gets (`Buffer.allocUnsafe` of that size is
 * zero-filled on Node 24 and cost more than everything else together, docs/BENCHMARKS.md).
 *
 *   slab   | on the wire … | written, not flushed | free …            |
 *          0           flushedTo               length           slabBytes
 *
 * Invariant: bytes in [0, flushedTo) are not touched until the socket's callback says that it is done with them.
 */
import type { Outbox } from '@carillon/session';
import type { Duplex } from 'node:stream';
import { WriteQueue } from './write-queue.ts';
import type { Slab } from './write-queue.ts';

/** 128 KiB: eight full TLS records; between 64 and 256 KiB the figures are alike (docs/BENCHMARKS.md, wire). */
const slabBytes = 128 * 1024;

export class SlabWriter implements Outbox {
  bytes: Buffer;
  length = 0;
  readonly #socket: Duplex;
  readonly #highWaterBytes: number;
  readonly #onRoom: () => void;
  #slab: Slab;
  #flushedTo = 0;
  /** At most as many as the high-water mark fills, and one. */
  readonly #free: Slab[] = [];
  readonly #freeMax: number;
  /** Flushed and not yet called back: the socket calls back in order. */
  readonly #pending = new WriteQueue();
  #bytesOnSocket = 0;
  #wasFull = false;
  #isClosed = false;
  /** Bytes handed to the socket so far, the writes it took, and how many of the bytes it is done with. */
  bytesWritten = 0;
  writes = 0;
  bytesTaken = 0;

  /** `onRoom` is called when the socket has taken enough again after `isFull` was seen to be true. */
  constructor(socket: Duplex, highWaterBytes: number, onRoom: () => void) {
    this.#socket = socket;
    this.#highWaterBytes = highWaterBytes;
    this.#freeMax = Math.ceil(highWaterBytes / slabBytes) + 1;
    this.#onRoom = onRoom;
    this.#slab = newSlab(slabBytes);
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
      this.#keep(this.#slab);
    }
    this.#slab = bytes > slabBytes ? newSlab(bytes) : (this.#free.pop() ?? newSlab(slabBytes));
    this.bytes = this.#slab.bytes;
    this.#rewind();
  }

  /** Hands what was written to the socket. Cheap when there is nothing. */
  flush(): void {
    const from = this.#flushedTo;
    const bytes = this.length - from;
    if (bytes === 0) return;
    if (this.#isClosed) {
      this.length = from;
      return;
    }
    this.#flushedTo = this.length;
    this.#slab.outstanding++;
    this.#bytesOnSocket += bytes;
    this.#pending.push(this.#slab, bytes);
    this.bytesWritten += bytes;
    this.writes++;
    this.#socket.write(this.bytes.subarray(from, this.length), this.#onWritten);
  }

  /** The socket is gone, or about to be: what is written from now on goes nowhere. */
  close(): void {
    this.#isClosed = true;
  }

  readonly #onWritten = (error?: Error | null): void => {
    // The connection hears of it by 'close'. After a failure callbacks come in any order: no slab is used again.
    if (error !== undefined && error !== null) this.#isClosed = true;
    if (this.#isClosed) return;
    const bytes = this.#pending.oldestBytes;
    const slab = this.#pending.take();
    if (slab === null) return;
    this.#bytesOnSocket -= bytes;
    this.bytesTaken += bytes;
    slab.outstanding--;
    if (slab.outstanding === 0) {
      if (slab !== this.#slab) this.#keep(slab);
      else if (this.length === this.#flushedTo) this.#rewind();
    }
    // Half: resuming at the mark itself would turn every write into a wake-up.
    if (this.#wasFull && this.#bytesOnSocket <= this.#highWaterBytes / 2) {
      this.#wasFull = false;
      this.#onRoom();
    }
  };

  #keep(slab: Slab): void {
    if (slab.bytes.length === slabBytes && this.#free.length < this.#freeMax) this.#free.push(slab);
  }

  #rewind(): void {
    this.length = 0;
    this.#flushedTo = 0;
  }
}

function newSlab(bytes: number): Slab {
  return { bytes: Buffer.allocUnsafeSlow(bytes), outstanding: 0 };
}
