// The answer to one request, as views. One record serves every reply whose HEADERS end the stream; a reply with a body
// takes a record of its own from the store until its last DATA.

export interface Reply {
  readonly status: number;
  readonly streamId: number;
  /** From `open` to the chunk that ended the reply. */
  readonly latencyMs: number;
  /** Lower-case name, one of `replyHeaders`; null when the reply has no such field. */
  header(name: string): string | null;
  /** The first octets of the body are body[0 … bodyLength). Never decompressed. */
  readonly body: Buffer;
  readonly bodyLength: number;
  /** More was announced or came than is here. */
  readonly isBodyTruncated: boolean;
  bodyText(): string;
}

/** A longer value is none of the fields that are kept by default (apns-id has 36), and would cost memory. */
const valueBytesMax = 256;
const noBytes = Buffer.alloc(0);
/** The default of `bodyBytesMax`: no error body of Apple's comes near. */
const recordKeptBytesMax = 4_096;

/** What Node's Buffer has and its types leave out: `toString('latin1')` without its 40 ns of looking up the encoding. */
type SliceableBuffer = Buffer & { latin1Slice(start: number, end: number): string };

export class ReplyRecord implements Reply {
  status = 0;
  streamId = 0;
  latencyMs = 0;
  isBodyTruncated = false;
  body: Buffer = noBytes;
  bodyLength = 0;
  readonly #names: readonly string[];
  /** Bit k: field k is present. Its value is sources[k], starts[k] … ends[k]. */
  #present = 0;
  readonly #sources: Buffer[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #store: Buffer = noBytes;
  #stored = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#sources = names.map(() => noBytes);
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
  }

  header(name: string): string | null {
    const field = this.#names.indexOf(name);
    if (field < 0 || (this.#present & (1 << field)) === 0) return null;
    return (this.#sources[field] as SliceableBuffer).latin1Slice(this.#starts[field], this.#ends[field]);
  }

  bodyText(): string {
    return this.body.toString('utf8', 0, this.bodyLength);
  }

  clear(): void {
    this.status = 0;
    this.bodyLength = 0;
    this.isBodyTruncated = false;
    this.#stored = 0;
    this.#present = 0;
  }

  /** A repeated field keeps its first value. `isStable`: the bytes stay as they are until the reply was delivered. */
  setHeader(field: number, bytes: Buffer, start: number, end: number, isStable: boolean): void {
    if ((this.#present & (1 << field)) !== 0 || end - start > valueBytesMax) return;
    this.#present |= 1 << field;
    if (isStable) {
      this.#sources[field] = bytes;
      this.#starts[field] = start;
      this.#ends[field] = end;
    } else {
      this.#keep(field, bytes, start, end);
    }
  }

  /** Takes over status and fields of a record whose views are about to end. */
  copyHead(from: ReplyRecord): void {
    this.clear();
    this.status = from.status;
    this.#present = from.#present;
    for (let field = 0; field < this.#names.length; field += 1) {
      if ((from.#present & (1 << field)) === 0) continue;
      this.#keep(field, from.#sources[field], from.#starts[field], from.#ends[field]);
    }
  }

  appendBody(bytes: Buffer, start: number, end: number, bodyBytesMax: number): void {
    const length = Math.min(end - start, bodyBytesMax - this.bodyLength);
    if (length < end - start) this.isBodyTruncated = true;
    if (length <= 0) return;
    const needed = this.bodyLength + length;
    if (needed > this.body.length) {
      // 256 octets hold any error body of Apple's; the buffer stays with the record when it is reused.
      const grown = Buffer.allocUnsafeSlow(Math.min(bodyBytesMax, Math.max(256, needed, this.body.length * 2)));
      this.body.copy(grown, 0, 0, this.bodyLength);
      this.body = grown;
    }
    bytes.copy(this.body, this.bodyLength, start, start + length);
    this.bodyLength = needed;
  }

  #keep(field: number, bytes: Buffer, start: number, end: number): void {
    if (this.#store === noBytes) this.#store = Buffer.allocUnsafeSlow(this.#names.length * valueBytesMax);
    bytes.copy(this.#store, this.#stored, start, end);
    this.#sources[field] = this.#store;
    this.#starts[field] = this.#stored;
    this.#stored += end - start;
    this.#ends[field] = this.#stored;
  }
}

/** Records for replies with bodies. At most one a stream is out; those that come back are reused. */
export class ReplyStore {
  readonly #names: readonly string[];
  readonly #free: ReplyRecord[] = [];
  #out = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get out(): number {
    return this.#out;
  }

  take(): ReplyRecord {
    this.#out += 1;
    return this.#free.pop() ?? new ReplyRecord(this.#names);
  }

  giveBack(record: ReplyRecord): void {
    this.#out -= 1;
    // 64 of at most 8 KiB each stay: error replies come in bursts, but rarely more at a time. The body of a long list
    // (`bodyBytesMax` above the default) goes with its record.
    if (this.#free.length < 64 && record.body.length <= recordKeptBytesMax) this.#free.push(record);
  }
}
