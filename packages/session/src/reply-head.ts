// Reads one field block of a reply, field by field: what a response must have and may not have (RFC 9113 §8.2, §8.3),
// and the few fields that are kept.
import { HpackDecoder, HpackEncoder, fieldsBytesMax } from '@carillon/frames';
import type { DecodedField, FieldSink, HeaderField } from '@carillon/frames';
import { isFieldName, isFieldValue, parseDigits, parseStatus } from './field-validation.ts';
import type { ReplyRecord } from './reply.ts';

/** RFC 9113 §8.2.2. `te` is legal with one value, and in requests only. */
const connectionNames = ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te'];

/** What a field name means here; 0 and up: position among the kept fields. */
const Meaning = { plain: -1, status: -2, contentLength: -3, forbidden: -4 } as const;

/** Static index of the first and the last `:status` (RFC 7541 Appendix A), and what they say. */
const staticStatusFirst = 8;
const staticStatuses = [200, 204, 206, 304, 400, 404, 500];

/** Static indexes 1 … 7: pseudo-fields of requests. */
const requestPseudoLast = 7;

const colon = 0x3a;

export class ReplyHead implements FieldSink {
  /** For the decoder, whose ids of names this class understands. */
  readonly knownNames: readonly string[];
  /** By nameId of the decoder. */
  readonly #meanings: Int8Array;
  #record: ReplyRecord;
  #block: Buffer = Buffer.alloc(0);
  #isTrailers = false;
  #hasRegular = false;
  #status = 0;
  #contentLength = -1;
  #fault: string | null = null;

  constructor(keptNames: readonly string[], record: ReplyRecord) {
    this.#record = record;
    this.knownNames = [...keptNames, ...connectionNames.filter((name) => !keptNames.includes(name))];
    // 0 is "another name", 1 … 61 are static, 100 + k is knownNames[k].
    this.#meanings = new Int8Array(100 + this.knownNames.length).fill(Meaning.plain);
    const nameIds = nameIdsOf([...this.knownNames, 'content-length', ':status'], this.knownNames);
    const mean = (name: string, meaning: number): void => {
      const nameId = nameIds.get(name);
      if (nameId === undefined) throw new Error(`bug: the decoder does not know ${name}`);
      this.#meanings[nameId] = meaning;
    };
    for (const name of connectionNames) mean(name, Meaning.forbidden);
    for (const [field, name] of keptNames.entries()) mean(name, field);
    mean('content-length', Meaning.contentLength);
    mean(':status', Meaning.status);
  }

  /** 0 when there is none. */
  get status(): number {
    return this.#status;
  }

  /** -1 when there is none. */
  get contentLength(): number {
    return this.#contentLength;
  }

  /** Why the block is malformed, or null. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Before each block. A response head is written into the record; trailers are checked only. */
  begin(block: Buffer, isTrailers: boolean): void {
    this.#block = block;
    this.#isTrailers = isTrailers;
    this.#hasRegular = false;
    this.#status = 0;
    this.#contentLength = -1;
    this.#fault = null;
    this.#record.clear();
  }

  /** After the last field: a head without `:status` is malformed (RFC 9113 §8.3.2). */
  end(): void {
    if (this.#fault === null && this.#status === 0 && !this.#isTrailers) this.#fault = 'the response has no :status';
    this.#record.status = this.#status;
  }

  onField(field: DecodedField): void {
    if (this.#fault !== null) return;
    const nameId = field.nameId;
    const meaning = this.#meanings[nameId];
    if (meaning === Meaning.status) return this.#onStatus(field);
    if (nameId === 0) {
      if (field.nameEnd > field.nameStart && field.nameBytes[field.nameStart] === colon) {
        return this.#fail('a pseudo-field that is not :status');
      }
      if (!isFieldName(field.nameBytes, field.nameStart, field.nameEnd))
        return this.#fail('a field name with bad characters');
    } else if (nameId <= requestPseudoLast) {
      return this.#fail('a pseudo-field of requests');
    }
    this.#hasRegular = true;
    if (!isFieldValue(field.valueBytes, field.valueStart, field.valueEnd))
      return this.#fail('a field value with bad characters');
    if (meaning === Meaning.plain) return;
    if (meaning === Meaning.forbidden) return this.#fail('a field that belongs to HTTP/1.1 connections');
    if (this.#isTrailers) return;
    if (meaning === Meaning.contentLength) return this.#onContentLength(field);
    this.#record.setHeader(
      meaning,
      field.valueBytes,
      field.valueStart,
      field.valueEnd,
      field.valueBytes === this.#block,
    );
  }

  #onStatus(field: DecodedField): void {
    if (this.#isTrailers) return this.#fail('a pseudo-field among trailers');
    if (this.#hasRegular) return this.#fail(':status after a regular field');
    if (this.#status !== 0) return this.#fail(':status twice');
    this.#status =
      field.staticIndex === 0
        ? parseStatus(field.valueBytes, field.valueStart, field.valueEnd)
        : staticStatuses[field.staticIndex - staticStatusFirst];
    if (this.#status === 0) this.#fail(':status is not a number from 100 to 999');
  }

  #onContentLength(field: DecodedField): void {
    const length = parseDigits(field.valueBytes, field.valueStart, field.valueEnd);
    if (length < 0) return this.#fail('content-length is not a number');
    if (this.#contentLength >= 0 && this.#contentLength !== length)
      return this.#fail('content-length twice, and different');
    this.#contentLength = length;
  }

  #fail(fault: string): void {
    this.#fault = fault;
  }
}

/** Which ids the decoder gives to names: asked of one, so that there is one opinion, and of one only, for it costs 10 µs. */
function nameIdsOf(names: readonly string[], knownNames: readonly string[]): Map<string, number> {
  const fields = names.map((name): HeaderField => ({ name, value: '', indexing: 'without' }));
  const block = Buffer.alloc(fieldsBytesMax(fields));
  const end = new HpackEncoder().encode(fields, block, 0);
  const nameIds = new Map<string, number>();
  new HpackDecoder({ knownNames }).decode(block, 0, end, {
    onField: (field) => {
      if (field.nameId !== 0) nameIds.set(field.name(), field.nameId);
    },
  });
  return nameIds;
}
