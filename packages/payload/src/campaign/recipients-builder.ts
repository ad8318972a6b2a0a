// Builds the batches of one campaign: recipients come in as lines or as JavaScript values, records go to the arena,
// refused recipients beside it. A device token that was there before is refused by the line at which it was.
//
// Bounds: whoever feeds the builder says how many recipients a batch may take, and takes the batch. The device tokens
// it remembers are bounded by their set.

import { isUtf8 } from 'node:buffer';
import { ApnsIdGenerator, isFault, parseDeviceToken } from '@carillon/apns';
import { isLineSpace } from '../byte-classes.ts';
import { isJobId } from '../job-checks.ts';
import type { PreparedBatch, Rejection } from '../prepared-batch.ts';
import { excerpt, jobFault, type JobFault, rejectionOf } from '../rejection.ts';
import { JsonScan } from '../scan-json.ts';
import type { CompiledNotification } from './compile-notification.ts';
import { notARecipient, RecipientScratch, unknownRecipientField, writeRecipient } from './recipient-object.ts';
import { type DuplicateFault, RecipientWriter, textOf, tokensFull } from './recipient-writer.ts';
import { RecipientKey, RecipientSpans, scanRecipient } from './scan-recipient.ts';
import type { TokenSet } from './token-set.ts';

const lineFeed = 0x0a;
const openBracket = 0x5b;

export interface RecipientsBuilderOptions {
  /** The device tokens that the campaign remembers; null: it remembers none, and sends twice to one that is there twice. */
  readonly tokens: TokenSet | null;
  /** Lines that an earlier run settled: they are remembered, and not sent. */
  readonly isSettled?: ((line: number) => boolean) | null;
  /** Where generated apns-ids come from. Default: random ones. */
  readonly apnsIds?: ApnsIdGenerator;
}

export class RecipientsBuilder {
  readonly #compiled: CompiledNotification;
  readonly #isSettled: ((line: number) => boolean) | null;
  readonly #writer: RecipientWriter;
  readonly #spans: RecipientSpans;
  readonly #scan: JsonScan = new JsonScan();
  readonly #scratch: RecipientScratch = new RecipientScratch();
  #rejections: Rejection[] = [];
  #lines = 0;
  #skipped = 0;
  #isStopped = false;
  // The chunk in hand.
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #line = 1;
  #isSureUtf8 = true;
  /** Octets of arena an octet of lines, as the last chunk had it. */
  #growth = 2;

  constructor(compiled: CompiledNotification, options: RecipientsBuilderOptions) {
    const { tokens, isSettled = null, apnsIds = new ApnsIdGenerator() } = options;
    this.#compiled = compiled;
    this.#isSettled = isSettled;
    this.#writer = new RecipientWriter(compiled, apnsIds, tokens);
    this.#spans = new RecipientSpans(compiled.payload.variables);
  }

  /** Records so far. */
  get count(): number {
    return this.#writer.count;
  }

  /** Recipients in the batch so far, those refused included. */
  get recipients(): number {
    return this.#writer.count + this.#rejections.length;
  }

  /** Octets of the arena in use. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Recipients that an earlier run settled, over all batches. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Number of the line that comes next. */
  get line(): number {
    return this.#line;
  }

  /**
   * The set of tokens is full, and the next recipient is not in it: whether it was there before is not known. It was not
   * taken, and nothing after it will be.
   */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Whole lines; the last one may lack its line feed. `addLines` takes them; until it has taken all, the chunk has to stay
   * as it is.
   */
  begin(chunk: Buffer, firstLine: number): void {
    this.#line = firstLine;
    this.#at = 0;
    this.#chunk = chunk;
    if (chunk.length > 0 && chunk[chunk.length - 1] !== lineFeed) {
      // The scan wants a line feed after the last line, and the chunk has no octet for it.
      this.#chunk = Buffer.allocUnsafe(chunk.length + 1);
      chunk.copy(this.#chunk);
      this.#chunk[chunk.length] = lineFeed;
    }
    // At memory speed for all lines at once, and line by line only where that fails.
    this.#isSureUtf8 = isUtf8(this.#chunk);
    // A byte order mark: Windows tools begin files with it.
    if (firstLine === 1 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) this.#at = 3;
  }

  /** Takes lines of the chunk until `recipientsMax` more are in the batch. False: the chunk has more of them. */
  addLines(recipientsMax: number): boolean {
    const { length } = this.#chunk;
    const [linesFrom, bytesFrom] = [this.#at, this.#writer.bytes];
    this.#writer.expect((length - this.#at) * this.#growth, recipientsMax);
    const until = this.recipients + recipientsMax;
    while (this.#at < length && this.recipients < until && !this.#isStopped) this.#addLine();
    if (this.#at - linesFrom > 4096) this.#growth = (1.1 * (this.#writer.bytes - bytesFrom)) / (this.#at - linesFrom);
    return this.#at >= length || this.#isStopped;
  }

  /** One recipient as a JavaScript value: a device token, or an object. Never throws. */
  addRecipient(recipient: unknown): void {
    const line = this.#line;
    const fault =
      writeRecipient(recipient, this.#spans, this.#scratch) ??
      this.#writer.append(this.#scratch.bytes, this.#spans, line, this.#scratch.length, this.#isSettledAt(line));
    if (fault === tokensFull) {
      this.#isStopped = true;
      return;
    }
    this.#line++;
    this.#lines++;
    if (this.#isSettledAt(line)) this.#skipped++;
    else if (fault !== null) this.#refuse(fault, line, this.#scratch.bytes);
  }

  /** The batch so far; the builder begins a new one. */
  take(): PreparedBatch {
    const batch = { ...this.#writer.take(), lines: this.#lines, rejections: this.#rejections };
    this.#rejections = [];
    this.#lines = 0;
    return batch;
  }

  #addLine(): void {
    const bytes = this.#chunk;
    const start = this.#at;
    let at = start;
    while (isLineSpace[bytes[at]] === 1) at++;
    if (bytes[at] === lineFeed) {
      this.#at = at + 1;
      this.#line++;
      this.#lines++;
      return;
    }
    const line = this.#line;
    const isSettled = this.#isSettledAt(line);
    const scanned = scanRecipient(this.#scan, this.#spans, bytes, at);
    // A fault never lies beyond the line feed: nothing in a scan continues past it.
    const end = scanned >= 0 ? scanned : bytes.indexOf(lineFeed, this.#scan.faultAt);
    let fault: JobFault | null;
    if (!this.#isSureUtf8 && !isUtf8(bytes.subarray(start, end))) fault = badUtf8;
    else if (bytes[at] === openBracket) fault = notARecipient;
    else if (scanned < 0) fault = scanFault(this.#scan, this.#spans, bytes, start);
    else fault = this.#writer.append(bytes, this.#spans, line, end - start, isSettled);
    if (fault === tokensFull) {
      this.#isStopped = true;
      return;
    }
    this.#at = end + 1;
    this.#line++;
    this.#lines++;
    if (isSettled) this.#skipped++;
    else if (fault !== null && scanned >= 0) this.#refuse(fault, line, bytes);
    else if (fault !== null) this.#refuseUnread(fault, line, bytes, start, end);
  }

  #isSettledAt(line: number): boolean {
    return this.#isSettled !== null && this.#isSettled(line);
  }

  /** Of a recipient whose parts lie where the spans say. */
  #refuse(fault: JobFault | DuplicateFault, line: number, bytes: Buffer): void {
    const read = (key: number): string => (this.#spans.has(key) ? textOf(bytes, this.#spans, key) : '');
    const id = read(RecipientKey.id);
    const token = parseDeviceToken(read(RecipientKey.token));
    this.#rejections.push({
      line,
      ...fault,
      id: isJobId(id) ? id : null,
      app: this.#compiled.head.app,
      token: isFault(token) ? null : token,
    });
  }

  #refuseUnread(fault: JobFault, line: number, bytes: Buffer, start: number, end: number): void {
    this.#rejections.push({ ...rejectionOf(fault, line, bytes, start, end), app: this.#compiled.head.app });
  }
}

const badUtf8: JobFault = jobFault(
  'local.bad-utf8',
  null,
  'the text is not valid UTF-8; write it as UTF-8 without Latin-1 bytes',
);

/** Lines that begin so are JSON, right or wrong; all others are a device token, right or wrong. */
function scanFault(scan: JsonScan, spans: RecipientSpans, bytes: Buffer, start: number): JobFault {
  const code = scan.code ?? 'local.not-json';
  const place = `byte ${scan.faultAt - start + 1} of the line: ${excerpt(bytes, scan.faultAt)}`;
  if (code === 'local.unknown-field') return unknownRecipientField(scan.problem);
  // What is not JSON has no fields, as far as anybody knows.
  const field = code === 'local.not-json' ? null : spans.faultField;
  return jobFault(code, field, `${field ?? 'not a recipient'}: ${scan.problem} (${place})`);
}
