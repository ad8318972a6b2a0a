// One field as the decoder reports it: a single object, filled anew for every field, whose bytes are views into the
// block, a table or a scratch buffer. All of it is valid until the call returns.

export interface FieldSink {
  onField(field: DecodedField): void;
}

export interface DecodedField {
  /** 1 … 61: lowest static index with this name; 100 + k: `knownNames[k]`; 0: another name. */
  readonly nameId: number;
  /** 1 … 61 when the whole field is that static entry (8 is `:status: 200`), else 0. */
  readonly staticIndex: number;
  /** RFC 7541 §6.2.3: must stay a literal when passed on. */
  readonly isNeverIndexed: boolean;
  readonly nameBytes: Buffer;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** latin1. Allocates: for cold paths. */
  name(): string;
  /** latin1. Allocates: for cold paths. */
  value(): string;
}

const noBytes: Buffer = Buffer.alloc(0);

/** The decoder's own, writable face of it. */
export class FieldView implements DecodedField {
  nameId = 0;
  staticIndex = 0;
  isNeverIndexed = false;
  nameBytes: Buffer = noBytes;
  nameStart = 0;
  nameEnd = 0;
  valueBytes: Buffer = noBytes;
  valueStart = 0;
  valueEnd = 0;

  name(): string {
    return this.nameBytes.toString('latin1', this.nameStart, this.nameEnd);
  }

  value(): string {
    return this.valueBytes.toString('latin1', this.valueStart, this.valueEnd);
  }
}
