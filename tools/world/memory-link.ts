// A TCP connection without a network: two streams, and between them octets that take their time, come in pieces of any
// size, fill a buffer, and stop at any octet.
//
//   write ──► room? ──► segments under way ──► arrived, unread ──► read        octets from `write` to `read` ≤ bufferBytes
//               └─ no: the write is done later
import { Duplex } from 'node:stream';
import type { Dice } from './dice.ts';
import type { VirtualTime, Zone } from './virtual-time.ts';

/** How a link behaves that nothing happens to. */
export interface LinkWays {
  readonly latencyMs: number;
  /** More, evenly spread; octets never overtake. */
  readonly jitterMs: number;
  /** Pieces: as they were written, cut once anywhere, or in pieces of at most `pieceBytes`. */
  readonly segments: 'whole' | 'cut' | 'pieces';
  readonly pieceBytes: number;
  /** Of each direction: what is on its way or unread, as with the kernels' buffers. */
  readonly bufferBytes: number;
}

/** `reset`: both ends hear RST. `end`: both hear FIN. `vanish`: octets vanish both ways. `half`: only those of this way. */
export type CutKind = 'reset' | 'end' | 'vanish' | 'half';

export interface Cut {
  readonly way: 'to-gateway' | 'to-client';
  /** The first octet that does not arrive. */
  readonly atByte: number;
  readonly kind: CutKind;
}

/** What passes, for traces and for hashing. */
export interface LinkObserver {
  onBytes(way: Cut['way'], bytes: Buffer): void;
  onEnd(what: string): void;
}

export interface LinkParts {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly ways: LinkWays;
  /** Of one way, now. */
  readonly latencyMs: () => number;
  readonly cuts: readonly Cut[];
  readonly observer: LinkObserver;
}

export class MemoryLink {
  readonly client: LinkEnd;
  readonly gateway: LinkEnd;
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly ways: LinkWays;
  readonly latencyMs: () => number;
  readonly observer: LinkObserver;
  readonly #cuts: readonly Cut[];

  constructor({ time, dice, ways, latencyMs, cuts, observer }: LinkParts) {
    this.time = time;
    this.dice = dice;
    this.ways = ways;
    this.latencyMs = latencyMs;
    this.observer = observer;
    this.#cuts = cuts;
    this.client = new LinkEnd(this, 'client');
    this.gateway = new LinkEnd(this, 'gateway');
    this.client.join(this.gateway, this.#cutOf('to-gateway'));
    this.gateway.join(this.client, this.#cutOf('to-client'));
  }

  /** From now on as if the cut of this kind had been reached. */
  break(kind: Exclude<CutKind, 'half'>): void {
    this.observer.onEnd(kind);
    for (const end of [this.client, this.gateway]) end.break(kind);
  }

  breakOneWay(way: Cut['way']): void {
    this.observer.onEnd(`half, ${way}`);
    (way === 'to-gateway' ? this.client : this.gateway).break('vanish');
  }

  #cutOf(way: Cut['way']): Cut | null {
    return this.#cuts.find((cut) => cut.way === way) ?? null;
  }
}

interface Segment {
  readonly bytes: Buffer;
}

/** One end, and the direction that leads away from it. */
export class LinkEnd extends Duplex {
  readonly zone: Zone;
  readonly #link: MemoryLink;
  #other: LinkEnd | null = null;
  #cut: Cut | null = null;
  /** What this end sent: octets in all, and those that the other end has not read. */
  #sent = 0;
  #unread = 0;
  #arrivesAt = 0;
  #vanishes = false;
  /** A write that waits for room. */
  #waiting: { bytes: Buffer; readonly done: () => void } | null = null;
  /** What arrived here and was not read yet; null at its end: FIN. */
  readonly #arrived: (Segment | null)[] = [];
  #wantsMore = false;
  #isGone = false;

  constructor(link: MemoryLink, zone: Zone) {
    super({ allowHalfOpen: true, readableHighWaterMark: 16_384, writableHighWaterMark: 16_384 });
    this.#link = link;
    this.zone = zone;
  }

  join(other: LinkEnd, cut: Cut | null): void {
    this.#other = other;
    this.#cut = cut;
  }

  /** What a connection reset by this end does: its own stream is gone, and the other end hears of it. */
  resetByMe(): void {
    this.#tellReset();
    this.destroy();
  }

  break(kind: Exclude<CutKind, 'half'>): void {
    if (kind === 'reset') this.#hearSoon(() => this.#reset());
    else if (kind === 'end') this.#hearSoon(() => this.#take(null));
    this.#vanishes = true;
    this.#letWritesPass();
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#feed();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // The writer may reuse its memory when the write is done.
    this.#waiting = { bytes: Buffer.from(chunk), done };
    this.#send();
  }

  override _final(done: () => void): void {
    this.#transmit(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isGone) {
      this.#isGone = true;
      // As TCP does it: whoever goes with octets unread resets; else the other end hears of the end.
      if (error !== null || this.#arrived.length > 0) this.#tellReset();
      else if (!this.writableFinished) this.#transmit(null);
      this.#arrived.length = 0;
    }
    done(error);
  }

  #send(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const { bufferBytes } = this.#link.ways;
    const room = bufferBytes - this.#unread;
    const now = waiting.bytes.subarray(0, Math.max(0, room));
    if (now.length > 0) this.#transmit(now);
    if (now.length === waiting.bytes.length) {
      this.#waiting = null;
      waiting.done();
    } else waiting.bytes = waiting.bytes.subarray(now.length);
  }

  /** Null: FIN. */
  #transmit(bytes: Buffer | null): void {
    const other = this.#other;
    if (other === null) return;
    if (bytes === null) {
      if (!this.#vanishes) this.#arrive(() => other.#take(null));
      return;
    }
    this.#unread += bytes.length;
    let rest = bytes;
    const cut = this.#cut;
    if (cut !== null && this.#sent + bytes.length >= cut.atByte && !this.#vanishes) {
      rest = bytes.subarray(0, cut.atByte - this.#sent);
      this.#pieces(rest);
      this.#arrive(() => this.#cutOff(cut));
      this.#sent += bytes.length;
      this.#vanishes = true;
      return;
    }
    this.#sent += bytes.length;
    if (!this.#vanishes) this.#pieces(rest);
  }

  #pieces(bytes: Buffer): void {
    const other = this.#other;
    if (other === null || bytes.length === 0) return;
    const { dice, ways } = this.#link;
    for (let start = 0; start < bytes.length;) {
      const left = bytes.length - start;
      let length = left;
      if (ways.segments === 'pieces') length = Math.min(left, dice.whole(1, ways.pieceBytes));
      else if (ways.segments === 'cut' && start === 0 && left > 1) length = dice.whole(1, left);
      const segment = { bytes: bytes.subarray(start, start + length) };
      this.#arrive(() => other.#take(segment));
      start += length;
    }
  }

  #arrive(fire: () => void): void {
    const { time, dice, ways, latencyMs } = this.#link;
    const at = time.now + latencyMs() + dice.next() * ways.jitterMs;
    this.#arrivesAt = Math.max(this.#arrivesAt, at);
    const zone = this.#other?.zone ?? this.zone;
    time.arriveAt(this.#arrivesAt, zone, fire);
  }

  /** Something that this end hears without the other's doing. */
  #hearSoon(fire: () => void): void {
    const { time, latencyMs } = this.#link;
    time.after(latencyMs(), this.zone, fire);
  }

  #cutOff({ kind, way }: Cut): void {
    if (kind === 'half') this.#link.observer.onEnd(`half, ${way}`);
    else this.#link.break(kind);
  }

  #take(segment: Segment | null): void {
    if (this.#isGone) {
      // Nobody is there any more: RST is the answer to whatever comes.
      if (segment !== null) this.#tellReset();
      return;
    }
    this.#arrived.push(segment);
    this.#feed();
  }

  #feed(): void {
    while (this.#wantsMore && this.#arrived.length > 0) {
      const segment = this.#arrived.shift() ?? null;
      if (segment === null) {
        this.#wantsMore = false;
        if (!this.readableEnded && !this.destroyed) this.push(null);
        return;
      }
      const { bytes } = segment;
      this.#link.observer.onBytes(this.zone === 'client' ? 'to-client' : 'to-gateway', bytes);
      if (this.#other !== null) this.#other.#wasRead(bytes.length);
      this.#wantsMore = this.push(bytes);
    }
  }

  #wasRead(bytes: number): void {
    this.#unread -= bytes;
    // As TCP does it: a window that opens by single octets is not told (RFC 9293 §3.8.6.2.2).
    const { bufferBytes } = this.#link.ways;
    if (this.#unread <= bufferBytes / 2) this.#send();
  }

  /** What is written to a dead link is swallowed by the kernel until its buffer is full. */
  #letWritesPass(): void {
    this.#send();
  }

  #tellReset(): void {
    const other = this.#other;
    if (other === null || this.#vanishes) return;
    this.#arrive(() => other.#reset());
  }

  #reset(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#arrived.length = 0;
    this.#link.observer.onEnd(`the ${this.zone} hears a reset`);
    const error: NodeJS.ErrnoException = new Error('read ECONNRESET');
    error.code = 'ECONNRESET';
    this.destroy(error);
  }
}
