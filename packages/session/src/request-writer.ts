// Writes requests: HEADERS and the whole body in one go, straight into the outbox. Only when the stream's window is
// smaller than the body does the rest wait here, as a copy.
//
// A push of 282 octets with a warm template: 2 frame headers, 2 copies of values, 1 of the body; no allocation.
import { FrameFlag, FrameType, encodeData, encodeFrameHeader, frameHeaderBytes } from '@carillon/frames';
import type { HeaderTemplate } from '@carillon/frames';
import type { SessionCounters } from './counters.ts';
import { SendWindow } from './flow-window.ts';
import type { Outbox } from './outbox.ts';
import type { PeerSettings } from './peer-settings.ts';
import type { StreamTable } from './stream-table.ts';

/**
 * Room for the values of a template's slots. A device token has up to 200 octets, apns-id 36, an expiration 10, a
 * collapse id 64. Longer values fit as long as the outbox happens to have room, else the write is refused as a bug.
 */
const slotBytesMax = 1_024;

/** The end of a body that waits for room in its stream's window. */
interface HeldBody {
  readonly bytes: Buffer;
  sent: number;
}

export class RequestWriter {
  /** The connection's window. Bodies are taken out of it whole when their stream opens. */
  readonly window: SendWindow = new SendWindow();
  readonly #outbox: Outbox;
  readonly #table: StreamTable;
  readonly #peer: PeerSettings;
  readonly #counters: SessionCounters;
  /** By stream id, oldest first. At most `streamsMax` bodies, each already paid for in the connection's window. */
  readonly #held = new Map<number, HeldBody>();

  constructor(outbox: Outbox, table: StreamTable, peer: PeerSettings, counters: SessionCounters) {
    this.#outbox = outbox;
    this.#table = table;
    this.#peer = peer;
    this.#counters = counters;
  }

  /** Invariant: the stream was just opened, and the connection's window has room for the whole body. */
  write(
    row: number,
    template: HeaderTemplate,
    bytes: Buffer,
    spans: Int32Array,
    spansAt: number,
    bodyStart: number,
    bodyEnd: number,
  ): void {
    const outbox = this.#outbox;
    const bodyBytes = bodyEnd - bodyStart;
    const id = this.#table.idAt(row);
    outbox.reserve(template.blockBytesMax + slotBytesMax + bodyBytes + frameHeaderBytes * 2);
    const target = outbox.bytes;
    const headersAt = outbox.length;
    const blockAt = headersAt + frameHeaderBytes;
    const blockEnd = template.write(target, blockAt, bytes, spans, spansAt);
    const flags = bodyBytes === 0 ? FrameFlag.endHeaders | FrameFlag.endStream : FrameFlag.endHeaders;
    if (blockEnd - blockAt > this.#peer.frameBytesMax) {
      this.#writeLongBlock(id, target, headersAt, blockEnd, flags);
    } else {
      encodeFrameHeader(target, headersAt, blockEnd - blockAt, FrameType.headers, flags, id);
      outbox.length = blockEnd;
    }
    if (bodyBytes === 0) return;

    this.window.reserve(bodyBytes);
    if (
      bodyBytes <= this.#peer.initialWindowBytes &&
      bodyBytes <= this.#peer.frameBytesMax &&
      outbox.bytes.length - outbox.length >= bodyBytes + frameHeaderBytes
    ) {
      this.#table.windowDeltas[row] = -bodyBytes;
      outbox.length = encodeData(outbox.bytes, outbox.length, id, bytes, bodyStart, bodyEnd, true);
      return;
    }
    const sent = this.#writeWithinWindow(row, bytes, bodyStart, bodyEnd);
    if (sent < bodyBytes) {
      this.#counters.bodiesHeld += 1;
      this.#held.set(id, { bytes: Buffer.from(bytes.subarray(bodyStart + sent, bodyEnd)), sent: 0 });
    }
  }

  /** The stream's window grew, or all of them did: sends what fits now. */
  sendHeld(id: number): void {
    const body = this.#held.get(id);
    if (body === undefined) return;
    body.sent += this.#writeWithinWindow(this.#table.rowOf(id), body.bytes, body.sent, body.bytes.length);
    if (body.sent === body.bytes.length) this.#held.delete(id);
  }

  sendAllHeld(): void {
    for (const id of this.#held.keys()) this.sendHeld(id);
  }

  /** The stream ended. True when a part of its body was never sent; that part goes back to the connection's window. */
  drop(id: number): boolean {
    if (this.#held.size === 0) return false;
    const body = this.#held.get(id);
    if (body === undefined) return false;
    this.window.giveBack(body.bytes.length - body.sent);
    this.#held.delete(id);
    return true;
  }

  /** DATA frames as far as the stream's window and the peer's frame size allow; returns how much went. */
  #writeWithinWindow(row: number, bytes: Buffer, start: number, end: number): number {
    const outbox = this.#outbox;
    const id = this.#table.idAt(row);
    // RFC 9113 §6.9.2: a SETTINGS change may have driven the window below zero; then nothing goes.
    const windowBytes = this.#peer.initialWindowBytes + this.#table.windowDeltas[row];
    const last = start + Math.min(end - start, windowBytes);
    let at = start;
    while (at < last) {
      const next = Math.min(last, at + this.#peer.frameBytesMax);
      outbox.reserve(frameHeaderBytes + next - at);
      outbox.length = encodeData(outbox.bytes, outbox.length, id, bytes, at, next, next === end);
      at = next;
    }
    this.#table.windowDeltas[row] -= at - start;
    return at - start;
  }

  /** A field block longer than the peer's frames: HEADERS, then CONTINUATION (RFC 9113 §6.10). Never happens with APNs. */
  #writeLongBlock(id: number, target: Buffer, headersAt: number, blockEnd: number, flags: number): void {
    const outbox = this.#outbox;
    const block = Buffer.from(target.subarray(headersAt + frameHeaderBytes, blockEnd));
    const frameBytesMax = this.#peer.frameBytesMax;
    for (let at = 0; at < block.length; at += frameBytesMax) {
      const next = Math.min(block.length, at + frameBytesMax);
      const isLast = next === block.length;
      const type = at === 0 ? FrameType.headers : FrameType.continuation;
      const ownFlags = (at === 0 ? flags & FrameFlag.endStream : 0) | (isLast ? FrameFlag.endHeaders : 0);
      outbox.reserve(frameHeaderBytes + next - at);
      const bytesAt = encodeFrameHeader(outbox.bytes, outbox.length, next - at, type, ownFlags, id);
      outbox.length = bytesAt + block.copy(outbox.bytes, bytesAt, at, next);
    }
  }
}
