// The socket side of a server connection: bytes in, gathered writes out, backpressure both ways, and the rough things a
// fault script asks of a transport (reset, half close, silence, one-byte segments). Knows nothing of HTTP/2.
import type { Duplex } from 'node:stream';

import type { SimulatorClock } from '../seams.ts';
import { SlabOutbox } from './slab-outbox.ts';
import type { SlabOutboxOptions } from './slab-outbox.ts';
import type { Wire } from './wire.ts';

/** What a carrier feeds. */
export interface CarrierEvents {
  onBytes(chunk: Buffer): void;
  /** The turn of the event loop ends: what is still held back should go into the outbox or out. */
  onFlush?(): void;
  /** Once, whatever ended it. */
  onClosed(message: string): void;
}

/** Why reading rests; it goes on when no reason is left. */
const RestReason = { output: 1, ledger: 2, fault: 4 } as const;

/** A peer that does not close after our end gets this long before its socket is destroyed. */
const lingerMs = 1_000;

export class SocketCarrier {
  readonly outbox: SlabOutbox;
  readonly #socket: Duplex;
  readonly #wire: Wire;
  readonly #clock: SimulatorClock;
  readonly #events: CarrierEvents;
  #restReasons = 0;
  #isFlushScheduled = false;
  #isSilent = false;
  #isEnding = false;
  #segmentBytes = 0;
  readonly #segments: Segment[] = [];
  #isSegmentOut = false;
  bytesReceived = 0;

  constructor(wire: Wire, clock: SimulatorClock, events: CarrierEvents, outbox: SlabOutboxOptions = {}) {
    const socket = wire.stream;
    this.#socket = socket;
    this.#wire = wire;
    this.#clock = clock;
    this.#events = events;
    this.outbox = new SlabOutbox((bytes, done) => this.write(bytes, done), outbox);
    socket.on('data', (chunk: Buffer) => {
      this.bytesReceived += chunk.length;
      events.onBytes(chunk);
      this.flushSoon();
    });
    let failure = 'closed by the peer';
    socket.on('drain', () => this.#unrest(RestReason.output));
    socket.on('error', (error: Error) => (failure = error.message));
    socket.on('end', () => this.end());
    socket.once('close', () => events.onClosed(failure));
  }

  /** Writes at the end of this turn of the event loop, so that the replies to several reads share one write. */
  flushSoon(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#clock.endOfTurn(() => {
      this.#isFlushScheduled = false;
      this.#events.onFlush?.();
      this.outbox.flush();
    });
  }

  /** `bytes` belong to the carrier until `done`. */
  write(bytes: Buffer, done: () => void): void {
    if (this.#isSilent || !this.#socket.writable) {
      done();
      return;
    }
    if (this.#segmentBytes > 0) {
      this.#segments.push({ bytes, done });
      this.#nextSegment();
      return;
    }
    if (!this.#socket.write(bytes, done)) this.#rest(RestReason.output);
  }

  get isRestingForOutput(): boolean {
    return (this.#restReasons & RestReason.output) !== 0;
  }

  onceDrained(then: () => void): void {
    this.#socket.once('drain', then);
  }

  get isWritable(): boolean {
    return this.#socket.writable && !this.#isEnding;
  }

  /** A ledger that does not keep up holds its clients back. */
  restForLedger(rests: boolean): void {
    if (rests) this.#rest(RestReason.ledger);
    else this.#unrest(RestReason.ledger);
  }

  stopReading(): void {
    this.#rest(RestReason.fault);
  }

  goOnReading(): void {
    this.#unrest(RestReason.fault);
  }

  /** From now on each write to TLS has at most `bytes` octets, and so has each TLS record. */
  segmentBy(bytes: number): void {
    this.outbox.flush();
    this.#segmentBytes = bytes;
  }

  /** Nothing goes out any more, reading goes on: what a half-dead peer looks like. */
  silence(): void {
    this.outbox.flush();
    this.#isSilent = true;
  }

  /** Finishes what is written, then closes both ways. */
  end(): void {
    if (this.#isEnding) return;
    this.outbox.flush();
    this.#isEnding = true;
    this.#unrest(RestReason.output | RestReason.fault | RestReason.ledger); // read and forget, so that the FIN is seen
    this.#socket.end();
    this.#clock.setTimer(lingerMs, () => this.#socket.destroy());
  }

  /** close_notify and FIN, but goes on reading. */
  endWriting(): void {
    this.outbox.flush();
    this.#socket.end();
  }

  /** A TCP FIN without TLS close_notify: a truncated TLS stream. */
  truncate(): void {
    this.outbox.flush();
    this.#wire.truncate();
  }

  /** TCP RST; what is in the outbox is lost. */
  reset(): void {
    this.#wire.reset();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #rest(reason: number): void {
    this.#restReasons |= reason;
    this.#socket.pause();
  }

  #unrest(reason: number): void {
    this.#restReasons &= ~reason;
    if (this.#restReasons === 0) this.#socket.resume();
  }

  #nextSegment(): void {
    const first = this.#segments[0];
    if (first === undefined || this.#isSegmentOut) return;
    const piece = first.bytes.subarray(0, this.#segmentBytes);
    this.#isSegmentOut = true;
    // One at a time: Node would gather what is written meanwhile into one record.
    this.#socket.write(piece, (error) => {
      this.#isSegmentOut = false;
      if (piece.length === first.bytes.length || error) {
        this.#segments.shift();
        first.done();
      } else {
        first.bytes = first.bytes.subarray(piece.length);
      }
      this.#nextSegment();
    });
  }
}

interface Segment {
  bytes: Buffer;
  readonly done: () => void;
}
