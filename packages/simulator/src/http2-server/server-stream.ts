// One request stream on the server's side: what arrived, what is still to be sent, and both windows.
import type { HeaderField } from '@carillon/frames';

export class ServerStream {
  readonly id: number;
  method = '';
  path = '';
  /** Regular fields in wire order, names in lower case as HTTP/2 has them. */
  readonly fields: HeaderField[] = [];
  /** Octets of the body so far; the first ones are kept. */
  bodyBytes = 0;
  #body: Buffer = emptyBody;
  #bodyKept = 0;
  /** content-length as sent, or null. */
  declaredBytes: number | null = null;
  /** END_STREAM came: the request is complete. */
  isRequestEnded = false;
  /** END_STREAM or RST_STREAM went out. */
  isReplyEnded = false;
  /** Octets the peer lets us send (may be negative, RFC 9113 §6.9.2), and we let the peer send. */
  sendWindow: number;
  receiveWindow: number;
  /** Received since this stream's last WINDOW_UPDATE. */
  unannouncedBytes = 0;
  /** Reply octets that wait for window. */
  readonly pending: PendingData[] = [];

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Keeps at most `keptMax` octets: a body over every limit is counted, not stored. */
  addBody(bytes: Buffer, start: number, end: number, keptMax: number): void {
    this.bodyBytes += end - start;
    const length = Math.min(end - start, keptMax - this.#bodyKept);
    if (length <= 0) return;
    const needed = this.#bodyKept + length;
    if (needed > this.#body.length) {
      const grown = Buffer.allocUnsafe(Math.min(keptMax, Math.max(needed, 2 * this.#body.length)));
      this.#body.copy(grown, 0, 0, this.#bodyKept);
      this.#body = grown;
    }
    bytes.copy(this.#body, this.#bodyKept, start, start + length);
    this.#bodyKept = needed;
  }

  /** The whole body, or its beginning when it was larger than what is kept. */
  get body(): Buffer {
    return this.#body.subarray(0, this.#bodyKept);
  }
}

/** Octets, the largest DATA frame they may go in, and whether END_STREAM follows. */
export interface PendingData {
  bytes: Buffer;
  readonly frameBytesMax: number;
  readonly isEnd: boolean;
}

const emptyBody = Buffer.alloc(0);
