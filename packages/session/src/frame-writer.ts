// The frames a client writes beside its requests: preface, SETTINGS, acknowledgements, PING, RST_STREAM, GOAWAY,
// WINDOW_UPDATE. Each is a few octets in the outbox.
import {
  clientPreface,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
} from '@carillon/frames';
import type { Outbox } from './outbox.ts';

/** PING is the longest of the acknowledgements and resets: 9 + 8 octets. */
const smallFrameBytes = 17;

export class FrameWriter {
  readonly #outbox: Outbox;
  /** Acknowledgements in the outbox, and where the last of them ends. */
  #acks = 0;
  #ackEnd = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /**
   * Acknowledgements that wait for somebody to take the outbox. An outbox that is shorter than it was at the last one
   * was taken in between. The caller closes the session when they are too many (CVE-2019-9512, -9515).
   */
  get acksWaiting(): number {
    return this.#outbox.length < this.#ackEnd ? 0 : this.#acks;
  }

  opening(settings: readonly (readonly [id: number, value: number])[], windowIncrement: number): void {
    const outbox = this.#outbox;
    outbox.reserve(clientPreface.length + smallFrameBytes * 2 + settings.length * 6);
    outbox.length += clientPreface.copy(outbox.bytes, outbox.length);
    outbox.length = encodeSettings(outbox.bytes, outbox.length, settings);
    if (windowIncrement > 0) outbox.length = encodeWindowUpdate(outbox.bytes, outbox.length, 0, windowIncrement);
  }

  settingsAck(): void {
    this.#countAck();
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodeSettingsAck(this.#outbox.bytes, this.#outbox.length);
    this.#ackEnd = this.#outbox.length;
  }

  ping(payload: Buffer): void {
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodePing(this.#outbox.bytes, this.#outbox.length, false, payload, 0);
  }

  pingAck(payload: Buffer, payloadStart: number): void {
    this.#countAck();
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodePing(this.#outbox.bytes, this.#outbox.length, true, payload, payloadStart);
    this.#ackEnd = this.#outbox.length;
  }

  rstStream(streamId: number, errorCode: number): void {
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodeRstStream(this.#outbox.bytes, this.#outbox.length, streamId, errorCode);
  }

  /** RFC 9113 §6.8: the last stream of the peer's that we processed is 0, for it may open none. */
  goAway(errorCode: number): void {
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodeGoAway(this.#outbox.bytes, this.#outbox.length, 0, errorCode);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#outbox.reserve(smallFrameBytes);
    this.#outbox.length = encodeWindowUpdate(this.#outbox.bytes, this.#outbox.length, streamId, increment);
  }

  #countAck(): void {
    this.#acks = this.acksWaiting + 1;
  }
}
