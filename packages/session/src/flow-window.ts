// The two flow-control windows of the whole connection (RFC 9113 §5.2, §6.9). Those of streams are in the table.
import { windowMax } from '@carillon/frames';

/** RFC 9113 §6.9.2: both windows of a connection start here, and SETTINGS do not move them. */
export const initialWindowBytes = 65_535;

/** What we may still send. Bodies are reserved whole before their HEADERS go: no stream waits half-sent for this window. */
export class SendWindow {
  #bytes = initialWindowBytes;

  get bytes(): number {
    return this.#bytes;
  }

  /** Invariant: never below zero, for callers ask `bytes` first. */
  reserve(size: number): void {
    if (size > this.#bytes) throw new RangeError(`bug: ${size} octets reserved of a window of ${this.#bytes}`);
    this.#bytes -= size;
  }

  /** What was reserved and will never be sent. */
  giveBack(size: number): void {
    this.#bytes += size;
  }

  /** False on overflow: FLOW_CONTROL_ERROR (RFC 9113 §6.9.1). */
  grow(increment: number): boolean {
    this.#bytes += increment;
    return this.#bytes <= windowMax;
  }
}

/** What the peer may still send us. */
export class ReceiveWindow {
  readonly #size: number;
  #left = initialWindowBytes;

  constructor(size: number) {
    this.#size = size;
  }

  /** False when the peer sent more than it may: FLOW_CONTROL_ERROR. */
  take(size: number): boolean {
    this.#left -= size;
    return this.#left >= 0;
  }

  /** The increment to announce now, 0 while more than half is left. */
  takeTopUp(): number {
    const used = this.#size - this.#left;
    if (used * 2 < this.#size) return 0;
    this.#left = this.#size;
    return used;
  }

  /** The increment that raises the window to its full size at the start, 0 when there is none. */
  takeRaise(): number {
    const increment = this.#size - this.#left;
    this.#left = this.#size;
    return increment;
  }
}
