// Builds one batch: jobs come in as lines or as JavaScript objects, records go to the arena, refused jobs beside it.
//
// Cost of a line that is accepted: its scan, one copy of the parts that are sent, 36 bytes of apns-id, 16 numbers. No
// allocation but the batch's own buffers. Figures are in the README.
//
// Bounds: the arena holds the bytes of the jobs plus at most 46 a job (apns-id, expiration); whoever feeds the builder
// decides how many jobs that are, and takes the batch.

import { isUtf8 } from 'node:buffer';
import { ApnsIdGenerator } from '@carillon/apns';
import { isLineSpace } from './byte-classes.ts';
import { Field, fieldCount } from './job-fields.ts';
import { type JobObject, readObject } from './job-object.ts';
import { lineBytesMaxDefault } from './line-limit.ts';
import { PlainPayload, plainFieldsBytesMax, writePlainFields } from './plain-job.ts';
import type { PreparedBatch, Rejection } from './prepared-batch.ts';
import { RecordWriter } from './record-writer.ts';
import {
  identityOf,
  jobFault,
  type JobFault,
  lineTooLong,
  payloadTextFault,
  rejectionOf,
  scanFault,
} from './rejection.ts';
import { JobSpans, scanJob } from './scan-job.ts';
import { JsonScan, scanPayloadText } from './scan-json.ts';
import { unescape } from './unescape.ts';

const lineFeed = 0x0a;
const openBrace = 0x7b;
const payloadBit = 1 << Field.payload;

export interface BatchBuilderOptions {
  /** Where generated apns-ids come from. Default: random ones. */
  readonly apnsIds?: ApnsIdGenerator;
}

export class BatchBuilder {
  readonly #writer: RecordWriter;
  readonly #scan: JsonScan = new JsonScan();
  readonly #job: JobSpans = new JobSpans();
  readonly #plainPayload: PlainPayload = new PlainPayload();
  #rejections: Rejection[] = [];
  #lines = 0;
  // Scratch space for one job, for bytes that cannot stay where they came; each as large as the largest job so far.
  #fieldBytes: Buffer = Buffer.alloc(0);
  #payloadBytes: Buffer = Buffer.alloc(0);

  constructor(options: BatchBuilderOptions = {}) {
    this.#writer = new RecordWriter(options.apnsIds ?? new ApnsIdGenerator());
  }

  /** Of jobs that name none, from now on; null: what the payload says. */
  set defaultPushType(name: string | null) {
    this.#writer.defaultPushType = name;
  }

  /** Records so far. */
  get count(): number {
    return this.#writer.count;
  }

  /** Bytes of the arena in use. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Whole lines; the last one may lack its line feed. Empty lines are counted and otherwise ignored. */
  addLines(chunk: Buffer, firstLine: number, lineBytesMax: number = lineBytesMaxDefault): void {
    this.#writer.expect(chunk.length);
    const whole = chunk.lastIndexOf(lineFeed) + 1;
    const nextLine = this.#addWholeLines(chunk, whole, firstLine, lineBytesMax);
    if (whole === chunk.length) return;
    // The scan wants a line feed after the last line, and the chunk has no byte for it.
    const last = Buffer.allocUnsafe(chunk.length - whole + 1);
    chunk.copy(last, 0, whole);
    last[last.length - 1] = lineFeed;
    this.#addWholeLines(last, last.length, nextLine, lineBytesMax);
  }

  /** One job as a JavaScript object; `line` is the caller's number for it. False: it was refused. Never throws. */
  addObject(object: JobObject, line: number): boolean {
    this.#lines++;
    if (this.#addPlainObject(object, line)) return true;
    const read = readObject(object);
    if (read.kind === 'fault') {
      this.#rejections.push({ line, ...identityOf(read.fields, read.fault), ...read.fault });
      return false;
    }
    const fault = this.#appendObject(read.fieldText, read.payload, line);
    if (fault === null) return true;
    this.#rejections.push({ line, ...identityOf(read.fields, fault), ...fault });
    return false;
  }

  /** The refusals so far, for a caller that answers each at once; the batch will not hold them any more. */
  takeRejections(): readonly Rejection[] {
    const rejections = this.#rejections;
    this.#rejections = [];
    return rejections;
  }

  /** The batch so far; the builder begins a new one. */
  take(): PreparedBatch {
    const batch = { ...this.#writer.take(), lines: this.#lines, rejections: this.#rejections };
    this.#rejections = [];
    this.#lines = 0;
    return batch;
  }

  /** Returns the number of the line after the last. */
  #addWholeLines(bytes: Buffer, end: number, firstLine: number, lineBytesMax: number): number {
    // Checked at memory speed for all lines at once, and line by line only where that fails. What decodes to U+FFFD
    // (JSON.parse would take it) is refused: the device would show it.
    const isAllUtf8 = isUtf8(end === bytes.length ? bytes : bytes.subarray(0, end));
    let line = firstLine;
    // A byte order mark: Windows tools begin files with it. Anywhere else it is not JSON.
    const hasMark = firstLine === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    for (let at = hasMark ? 3 : 0; at < end; line++) at = this.#addLine(bytes, at, line, lineBytesMax, isAllUtf8);
    this.#lines += line - firstLine;
    return line;
  }

  /** Returns the position of the next line. */
  #addLine(bytes: Buffer, start: number, line: number, lineBytesMax: number, isSureUtf8: boolean): number {
    let at = start;
    while (isLineSpace[bytes[at]] === 1) at++;
    if (bytes[at] === lineFeed) return at + 1;
    const scanned = scanJob(this.#scan, this.#job, bytes, at);
    // A fault never lies beyond the line feed: nothing in a scan continues past it.
    const end = scanned >= 0 ? scanned : bytes.indexOf(lineFeed, this.#scan.faultAt);
    if (end - start > lineBytesMax) {
      this.#rejections.push(lineTooLong(line, lineBytesMax));
      return end + 1;
    }
    let fault: JobFault | null;
    if (!isSureUtf8 && !isUtf8(bytes.subarray(start, end))) fault = badUtf8;
    else if (scanned < 0) fault = scanFault(this.#scan, this.#job, bytes, start);
    else fault = this.#appendLine(bytes, start, end, line);
    if (fault !== null) this.#rejections.push(rejectionOf(fault, line, bytes, start, end));
    return end + 1;
  }

  #appendLine(bytes: Buffer, start: number, end: number, line: number): JobFault | null {
    const job = this.#job;
    let payload = bytes;
    if ((job.strings & payloadBit) !== 0) {
      const textStart = job.starts[Field.payload];
      payload = this.#payloadRoom(job.ends[Field.payload] - textStart + 1);
      const length = unescape(bytes, textStart, job.ends[Field.payload], payload, 0);
      const fault = this.#scanPayload(payload, length);
      if (fault !== null) return fault;
    }
    const fields = (job.escaped & ~payloadBit) === 0 ? bytes : this.#unescapeFields(bytes, start, end);
    return this.#writer.append(fields, job, payload, this.#scan, line, end - start);
  }

  /** True when the job is in the arena. False says nothing yet: the long way decides. */
  #addPlainObject(object: JobObject, line: number): boolean {
    if (typeof object !== 'object' || object === null) return false;
    let text: string | null;
    const fields = this.#fieldRoom(plainFieldsBytesMax);
    try {
      const { payload } = object;
      if (typeof payload !== 'object' || payload === null || payload instanceof Uint8Array) return false;
      if (!writePlainFields(object, this.#job, fields)) return false;
      text = this.#plainPayload.write(payload);
    } catch {
      // Code of the caller's ran, and threw: the long way says so in the rejection.
      return false;
    }
    if (text === null) return false;
    const job = this.#job;
    const length = this.#writePayload(text);
    job.seen |= payloadBit;
    job.starts[Field.payload] = 0;
    job.ends[Field.payload] = length;
    return this.#writer.append(fields, job, this.#payloadBytes, this.#plainPayload, line, length) === null;
  }

  #appendObject(fieldText: string, payload: string | Uint8Array | null, line: number): JobFault | null {
    // Three bytes a UTF-16 unit at most (RFC 3629).
    const source = this.#fieldRoom(3 * fieldText.length + 1);
    const end = source.write(fieldText, 0, 'utf8');
    source[end] = lineFeed;
    if (scanJob(this.#scan, this.#job, source, 0) < 0) return scanFault(this.#scan, this.#job, source, 0);
    let payloadLength = 0;
    if (payload !== null) {
      payloadLength = this.#writePayload(payload);
      const fault = this.#scanPayload(this.#payloadBytes, payloadLength);
      if (fault !== null) return fault;
      this.#job.seen |= payloadBit;
    }
    const fields = this.#job.escaped === 0 ? source : this.#unescapeFields(source, 0, end);
    return this.#writer.append(fields, this.#job, this.#payloadBytes, this.#scan, line, end + payloadLength);
  }

  #writePayload(payload: string | Uint8Array): number {
    if (typeof payload === 'string') return this.#payloadRoom(3 * payload.length + 1).write(payload, 0, 'utf8');
    this.#payloadRoom(payload.length + 1).set(payload);
    return payload.length;
  }

  /** Scans what lies in the payload's scratch space, and makes it the job's payload. */
  #scanPayload(bytes: Buffer, length: number): JobFault | null {
    const job = this.#job;
    bytes[length] = 0x00; // the end that the scan of a text relies on
    let at = 0;
    while (bytes[at] <= 0x20 && at < length) at++;
    const isScanned = scanPayloadText(this.#scan, bytes, 0, length) >= 0;
    if (!isUtf8(bytes.subarray(0, length))) return { ...badUtf8, field: 'payload' };
    if (!isScanned) return payloadTextFault(this.#scan, bytes, length);
    if (bytes[at] !== openBrace) {
      return jobFault(
        'local.payload-not-an-object',
        'payload',
        'the payload is JSON but no object; {"aps":{…}} is one',
      );
    }
    job.starts[Field.payload] = 0;
    job.ends[Field.payload] = length;
    return null;
  }

  /** A copy of the line with the values of escaped fields behind it; the job's spans then point into the copy. */
  #unescapeFields(bytes: Buffer, start: number, end: number): Buffer {
    const job = this.#job;
    const length = end - start;
    const copy = Buffer.allocUnsafe(2 * length);
    bytes.copy(copy, 0, start, end);
    let at = length;
    for (let field = 0; field < fieldCount; field++) {
      const bit = 1 << field;
      if ((job.seen & bit) === 0 || bit === payloadBit) continue;
      if ((job.escaped & bit) === 0) {
        job.starts[field] -= start;
        job.ends[field] -= start;
      } else {
        const from = job.starts[field];
        job.starts[field] = at;
        at = unescape(bytes, from, job.ends[field], copy, at);
        job.ends[field] = at;
      }
    }
    return copy;
  }

  #fieldRoom(bytes: number): Buffer {
    if (this.#fieldBytes.length < bytes) this.#fieldBytes = Buffer.allocUnsafeSlow(Math.max(1024, bytes));
    return this.#fieldBytes;
  }

  #payloadRoom(bytes: number): Buffer {
    if (this.#payloadBytes.length < bytes) this.#payloadBytes = Buffer.allocUnsafeSlow(Math.max(8192, bytes));
    return this.#payloadBytes;
  }
}

const badUtf8: JobFault = jobFault(
  'local.bad-utf8',
  null,
  'the text is not valid UTF-8; write it as UTF-8 without Latin-1 bytes',
);
