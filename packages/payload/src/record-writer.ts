// From the places of a job's fields to one record: checks every value, and copies into the arena what is sent. Values
// already in the form that is sent are checked where they lie; all others become a string and go through the parse
// functions of `apns`, which also word what is wrong.

import {
  type ApnsIdGenerator,
  apnsIdBytes,
  checkPriority,
  checkTopicSuffix,
  collapseIdBytesMax,
  deviceTokenDigitsMax,
  deviceTokenDigitsMin,
  expirationSecondsMax,
  isFault,
  parseApnsId,
  parseCollapseId,
  parseDeviceToken,
  parseExpiration,
  parseInstant,
  parsePriority,
  parseTopic,
  payloadBytesMax,
  type Priority,
  type PushType,
  pushTypes,
  quote,
} from '@carillon/apns';
import {
  broadcastType,
  checkBroadcast,
  checkBroadcastHead,
  writeChannel,
  writeDefaultExpiration,
} from './broadcast-record.ts';
import { equalAt, isLowerHex, isVisible } from './byte-classes.ts';
import { type HeadSpans, HeadTable } from './head-table.ts';
import { ApsFact, visibleBits } from './checks/aps-facts.ts';
import type { Warning } from './checks/complaint.ts';
import { lookAgain, needsLook } from './checks/second-look.ts';
import { shortenText } from './checks/shorten.ts';
import { WarningTable } from './checks/warning-table.ts';
import { appBytesMax, isAppNameAt, isJobIdAt, jobIdBytesMax } from './job-checks.ts';
import { Field } from './job-fields.ts';
import { type PreparedBatch, RecordFlag, recordStride, warningSetShift } from './prepared-batch.ts';
import { fieldFault, jobFault, type JobFault } from './rejection.ts';
import type { JobSpans } from './scan-job.ts';
import type { PayloadNotes } from './scan-json.ts';

/** Digits of expirationSecondsMax. */
const expirationDigitsMax = 10;
/** What a record takes at most besides its payload. */
const recordBytesMax = deviceTokenDigitsMax + apnsIdBytes + expirationDigitsMax + collapseIdBytesMax + jobIdBytesMax;

/** Fields that most jobs do not have, and whose only job is to be looked at. */
const rareFields = bits(Field.channel, Field.sendAt, Field.onAmbiguous);

const alertType = Object.keys(pushTypes).indexOf('alert');
const backgroundType = Object.keys(pushTypes).indexOf('background');
const report = Buffer.from('report');
const resend = Buffer.from('resend');

export class RecordWriter {
  readonly #apnsIds: ApnsIdGenerator;
  readonly #heads: HeadTable = new HeadTable();
  readonly #warnings: WarningTable = new WarningTable();
  #truncated = 0;
  #arena: Buffer = Buffer.alloc(0);
  #length = 0;
  // Grow with the largest batch; a batch takes copies of the size it needs.
  #index: Int32Array = new Int32Array(256 * recordStride);
  #deadlines: Float64Array = new Float64Array(256);
  #count = 0;
  /** Of jobs that name none; null: what the payload says. */
  #defaultPushType: Buffer | null = null;
  // The deadline read last: jobs of one input tend to have the same.
  #deadlineText: Buffer = Buffer.from('1970-01-01T00:00:00Z');
  #deadlineMs = 0;
  // One object for all look-ups of heads.
  readonly #spans: HeadSpans = {
    bytes: this.#arena,
    appStart: -1,
    appEnd: -1,
    topicStart: -1,
    topicEnd: -1,
    type: 0,
    priority: 10,
    isBroadcast: false,
  };

  constructor(apnsIds: ApnsIdGenerator) {
    this.#apnsIds = apnsIds;
  }

  set defaultPushType(name: string | null) {
    this.#defaultPushType = name === null ? null : Buffer.from(name);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#length;
  }

  /** Makes room for jobs of about so many bytes, so that the arena need not grow on the way. */
  expect(jobBytes: number): void {
    if (this.#count === 0) this.#grow(jobBytes + (jobBytes >> 2) + recordBytesMax);
  }

  /**
   * Null when the record is in the arena; otherwise nothing has changed. The spans of the payload and the notes on it are
   * positions in `payload`, all others in `bytes`.
   */
  append(
    bytes: Buffer,
    job: JobSpans,
    payload: Buffer,
    notes: PayloadNotes,
    line: number,
    lineBytes: number,
  ): JobFault | null {
    let flags = 0;
    if ((job.seen & rareFields) !== 0) {
      const rare = readRareFields(bytes, job);
      if (typeof rare !== 'number') return rare;
      flags = rare;
    }
    const isBroadcast = job.has(Field.channel);
    if (!isBroadcast && !job.has(Field.token)) {
      return jobFault(
        'local.missing-token',
        'token',
        'the job has no token and no channel; a device token in hex, or a channel, says where it goes',
      );
    }
    if (!job.has(Field.payload)) {
      return jobFault('local.missing-payload', 'payload', 'the job has no payload; {"aps":{"alert":"Hi"}} is one');
    }
    const head = this.#readHead(bytes, job, notes.facts);
    if (typeof head !== 'number') return head;
    let bodyStart = job.starts[Field.payload];
    let bodyBytes = job.ends[Field.payload] - bodyStart;
    const { type, priority } = this.#spans;
    const pushType = this.#heads.pushType(type);
    if (bodyBytes > payloadBytesMax(pushType, isBroadcast)) {
      const shortened = shorten(bytes, job, payload, notes, pushType);
      if ('code' in shortened) return shortened;
      payload = shortened;
      bodyStart = 0;
      bodyBytes = shortened.length;
      flags |= RecordFlag.truncated;
    }
    let warnings: readonly Warning[] | null = null;
    if (needsLook(type, notes.facts, priority, job.has(Field.expiration))) {
      const delivery = { priority, hasExpiration: job.has(Field.expiration), isBroadcast };
      const seen = lookAgain(payload, bodyStart, bodyStart + bodyBytes, pushType, delivery);
      if ('code' in seen) return seen;
      warnings = seen;
    }
    if (this.#arena.length - this.#length < bodyBytes + recordBytesMax) this.#grow(bodyBytes + recordBytesMax);

    const arena = this.#arena;
    const tokenStart = this.#length;
    const tokenEnd = isBroadcast
      ? writeChannel(bytes, job, arena, tokenStart)
      : writeToken(bytes, job, arena, tokenStart);
    if (typeof tokenEnd !== 'number') return tokenEnd;

    let apnsIdEnd: number | JobFault;
    if (job.has(Field.apnsId)) {
      apnsIdEnd = writeApnsId(bytes, job, arena, tokenEnd);
      if (typeof apnsIdEnd !== 'number') return apnsIdEnd;
      flags |= RecordFlag.apnsIdGiven;
    } else {
      apnsIdEnd = this.#apnsIds.write(arena, tokenEnd);
    }

    let idStart = tokenEnd;
    let idEnd: number | JobFault = apnsIdEnd;
    if (job.has(Field.id)) {
      idStart = apnsIdEnd;
      idEnd = writeJobId(bytes, job, arena, apnsIdEnd);
      if (typeof idEnd !== 'number') return idEnd;
      flags |= RecordFlag.idGiven;
    }

    const expirationStart = idEnd;
    let expirationEnd: number | JobFault = expirationStart;
    if (job.has(Field.expiration)) {
      expirationEnd = writeExpiration(bytes, job, arena, expirationStart);
      if (typeof expirationEnd !== 'number') return expirationEnd;
    } else if (isBroadcast) {
      expirationEnd = writeDefaultExpiration(arena, expirationStart);
    }

    let collapseIdEnd: number | JobFault = expirationEnd;
    if (job.has(Field.collapseId)) {
      collapseIdEnd = writeCollapseId(bytes, job, arena, expirationEnd);
      if (typeof collapseIdEnd !== 'number') return collapseIdEnd;
    }

    let deadline = NaN;
    if (job.has(Field.deadline)) {
      const parsed = this.#readDeadline(bytes, job);
      if (typeof parsed !== 'number') return parsed;
      deadline = parsed;
    }

    payload.copy(arena, collapseIdEnd, bodyStart, bodyStart + bodyBytes);
    const bodyEnd = collapseIdEnd + bodyBytes;

    const count = this.#count;
    if (count === this.#deadlines.length) this.#growIndex();
    const index = this.#index;
    const at = count * recordStride;
    index[at] = tokenStart;
    index[at + 1] = tokenEnd;
    index[at + 2] = tokenEnd;
    index[at + 3] = apnsIdEnd;
    index[at + 4] = expirationEnd === expirationStart ? -1 : expirationStart;
    index[at + 5] = expirationEnd === expirationStart ? -1 : expirationEnd;
    index[at + 6] = collapseIdEnd === expirationEnd ? -1 : expirationEnd;
    index[at + 7] = collapseIdEnd === expirationEnd ? -1 : collapseIdEnd;
    index[at + 8] = collapseIdEnd;
    index[at + 9] = bodyEnd;
    index[at + 10] = idStart;
    index[at + 11] = idEnd;
    index[at + 12] = line;
    index[at + 13] = head < 0 ? this.#heads.add(this.#spans) : head;
    index[at + 14] = warnings === null ? flags : flags | (this.#warnings.add(warnings) << warningSetShift);
    index[at + 15] = lineBytes;
    this.#deadlines[count] = deadline;
    this.#count = count + 1;
    this.#length = bodyEnd;
    if ((flags & RecordFlag.truncated) !== 0) this.#truncated++;
    return null;
  }

  /** The records so far; the writer begins anew with an arena of its own. */
  take(): Omit<PreparedBatch, 'lines' | 'rejections'> {
    const count = this.#count;
    const taken = {
      bytes: this.#arena.subarray(0, this.#length),
      index: this.#index.slice(0, count * recordStride),
      deadlines: this.#deadlines.slice(0, count),
      count,
      heads: this.#heads.take(),
      warnings: this.#warnings.take(),
      truncated: this.#truncated,
    };
    this.#truncated = 0;
    this.#arena = Buffer.alloc(0);
    this.#length = 0;
    this.#count = 0;
    return taken;
  }

  /** Finds the head's number; -1: not in the batch yet, checked now and added with the record. */
  #readHead(bytes: Buffer, job: JobSpans, facts: number): number | JobFault {
    const spans = this.#spans;
    spans.bytes = bytes;
    spans.isBroadcast = job.has(Field.channel);
    const hasApp = job.has(Field.app);
    spans.appStart = hasApp ? job.starts[Field.app] : -1;
    spans.appEnd = hasApp ? job.ends[Field.app] : -1;
    const hasTopic = job.has(Field.topic);
    spans.topicStart = hasTopic ? job.starts[Field.topic] : -1;
    spans.topicEnd = hasTopic ? job.ends[Field.topic] : -1;
    if (job.has(Field.pushType)) {
      const type = this.#heads.typeOf(bytes, job.starts[Field.pushType], job.ends[Field.pushType]);
      if (typeof type !== 'number') return fieldFault(type);
      spans.type = type;
    } else if (spans.isBroadcast) {
      spans.type = broadcastType;
    } else if (this.#defaultPushType !== null) {
      const type = this.#heads.typeOf(this.#defaultPushType, 0, this.#defaultPushType.length);
      if (typeof type !== 'number') return fieldFault(type);
      spans.type = type;
    } else {
      spans.type = (facts & (ApsFact.wakes | visibleBits)) === ApsFact.wakes ? backgroundType : alertType;
    }
    const pushType = this.#heads.pushType(spans.type);
    spans.priority = pushType.defaultPriority;
    if (job.has(Field.priority)) {
      const priority = readPriority(bytes, job.starts[Field.priority], job.ends[Field.priority]);
      if (typeof priority !== 'number') return priority;
      spans.priority = priority;
    }
    const head = this.#heads.find(spans);
    if (head >= 0) return head;
    const broadcastFault = spans.isBroadcast ? checkBroadcastHead(spans, this.#heads) : null;
    return broadcastFault ?? checkHead(spans, pushType) ?? -1;
  }

  #readDeadline(bytes: Buffer, job: JobSpans): number | JobFault {
    if (equalAt(bytes, job.starts[Field.deadline], job.ends[Field.deadline], this.#deadlineText))
      return this.#deadlineMs;
    const text = textOf(bytes, job, Field.deadline);
    const atMs = parseInstant(text);
    if (atMs === null) {
      return jobFault(
        'local.bad-deadline',
        'deadline',
        `deadline ${quote(text)} is not a time; an ISO time with its offset is right, such as 2026-11-23T12:00:00Z`,
      );
    }
    this.#deadlineText = Buffer.from(text);
    this.#deadlineMs = atMs;
    return atMs;
  }

  #grow(bytesWanted: number): void {
    const wanted = this.#length + bytesWanted;
    if (wanted <= this.#arena.length) return;
    // Twice the size, but not for the first: that one is the caller's expectation.
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#length));
    this.#arena.copy(larger, 0, 0, this.#length);
    this.#arena = larger;
  }

  #growIndex(): void {
    const index = new Int32Array(2 * this.#index.length);
    index.set(this.#index);
    this.#index = index;
    const deadlines = new Float64Array(2 * this.#deadlines.length);
    deadlines.set(this.#deadlines);
    this.#deadlines = deadlines;
  }
}

function bits(...fields: readonly number[]): number {
  return fields.reduce((sum, field) => sum | (1 << field), 0);
}

function textOf(bytes: Buffer, job: JobSpans, field: number): string {
  return bytes.toString('utf8', job.starts[field], job.ends[field]);
}

/** Bits of RecordFlag, or why the job cannot be sent. */
function readRareFields(bytes: Buffer, job: JobSpans): number | JobFault {
  if (job.has(Field.channel)) {
    const fault = checkBroadcast(job);
    if (fault !== null) return fault;
  }
  if (job.has(Field.sendAt)) {
    return jobFault(
      'local.send-at-not-supported',
      'sendAt',
      'sendAt: only the daemon (carillon serve) keeps jobs for later; leave it out to send at once',
    );
  }
  if (!job.has(Field.onAmbiguous)) return 0;
  const start = job.starts[Field.onAmbiguous];
  const end = job.ends[Field.onAmbiguous];
  if (equalAt(bytes, start, end, report)) return RecordFlag.reportAmbiguous;
  if (equalAt(bytes, start, end, resend)) return RecordFlag.resendAmbiguous;
  const shown = quote(textOf(bytes, job, Field.onAmbiguous));
  return jobFault(
    'local.bad-on-ambiguous',
    'onAmbiguous',
    `onAmbiguous ${shown} is not known; resend or report is right`,
  );
}

function readPriority(bytes: Buffer, start: number, end: number): Priority | JobFault {
  if (end - start === 2 && bytes[start] === 0x31 && bytes[start + 1] === 0x30) return 10;
  if (end - start === 1 && bytes[start] === 0x35) return 5;
  const priority = parsePriority(Number(bytes.toString('latin1', start, end)));
  return isFault(priority) ? fieldFault(priority) : priority;
}

/** Null when app, topic and priority are right. Asked once for a head, not once a record. */
function checkHead(spans: HeadSpans, pushType: PushType): JobFault | null {
  const { bytes, appStart, appEnd, topicStart, topicEnd } = spans;
  if (appStart >= 0 && !isAppNameAt(bytes, appStart, appEnd)) {
    const shown = quote(bytes.toString('utf8', appStart, appEnd));
    return jobFault(
      'local.bad-app',
      'app',
      `app ${shown} is no app's name: 1 to ${appBytesMax} bytes, no control characters`,
    );
  }
  if (topicStart >= 0) {
    const topic = parseTopic(bytes.toString('utf8', topicStart, topicEnd));
    if (isFault(topic)) return fieldFault(topic);
    // The bundle id of a broadcast has no suffix: checkBroadcastHead.
    const fault = spans.isBroadcast ? null : checkTopicSuffix(pushType, topic);
    if (fault !== null) return fieldFault(fault);
  }
  const fault = checkPriority(pushType, spans.priority);
  return fault === null ? null : fieldFault(fault);
}

/** The payload made as short as its push type wants it, where the job asks for that and there is a text to shorten. */
function shorten(
  bytes: Buffer,
  job: JobSpans,
  payload: Buffer,
  { textStart, textEnd }: PayloadNotes,
  pushType: PushType,
): Buffer | JobFault {
  const start = job.starts[Field.payload];
  const end = job.ends[Field.payload];
  const isBroadcast = job.has(Field.channel);
  const bytesMax = payloadBytesMax(pushType, isBroadcast);
  const isAsked = job.has(Field.truncate) && bytes[job.starts[Field.truncate]] === 0x74;
  let also = '';
  if (isAsked && textStart < 0) also = '; there is no text in aps.alert to shorten';
  else if (isAsked) {
    const shortened = shortenText(payload, start, end, textStart, textEnd, end - start - bytesMax);
    if (shortened !== null) return shortened;
    also = `; without the ${textEnd - textStart} bytes of the alert's text it would still be too large`;
  }
  const kind = isBroadcast ? 'in a broadcast' : `of push type ${pushType.name}`;
  return jobFault(
    'local.payload-too-large',
    'payload',
    `the payload is ${end - start} bytes; Apple takes at most ${bytesMax} ${kind}${also}`,
  );
}

// The write functions put a value at `at` and return the position after it; the caller has made room.

function writeToken(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const start = job.starts[Field.token];
  const digits = job.ends[Field.token] - start;
  if (digits >= deviceTokenDigitsMin && digits <= deviceTokenDigitsMax && (digits & 1) === 0) {
    let i = 0;
    while (i < digits) {
      const byte = bytes[start + i];
      if (isLowerHex[byte] === 0) break;
      arena[at + i++] = byte;
    }
    if (i === digits) return at + digits;
  }
  const token = parseDeviceToken(textOf(bytes, job, Field.token));
  return isFault(token) ? fieldFault(token) : at + arena.write(token, at, 'latin1');
}

function writeApnsId(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const apnsId = parseApnsId(textOf(bytes, job, Field.apnsId));
  return isFault(apnsId) ? fieldFault(apnsId) : at + arena.write(apnsId, at, 'latin1');
}

function writeExpiration(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const start = job.starts[Field.expiration];
  const end = job.ends[Field.expiration];
  const isNumber = (job.strings & (1 << Field.expiration)) === 0;
  if (isNumber && end - start <= expirationDigitsMax) {
    // JSON has seen to it that there are no leading zeros.
    let seconds = 0;
    let i = start;
    for (; i < end; i++) {
      const digit = bytes[i] - 0x30;
      if (digit < 0 || digit > 9) break;
      seconds = seconds * 10 + digit;
      arena[at + i - start] = bytes[i];
    }
    if (i === end && seconds <= expirationSecondsMax) return at + (end - start);
  }
  const text = textOf(bytes, job, Field.expiration);
  const seconds = parseExpiration(isNumber ? Number(text) : text);
  return typeof seconds === 'number' ? at + arena.write(String(seconds), at, 'latin1') : fieldFault(seconds);
}

function writeCollapseId(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const start = job.starts[Field.collapseId];
  const end = job.ends[Field.collapseId];
  if (end > start && end - start <= collapseIdBytesMax) {
    let i = start;
    for (; i < end && isVisible[bytes[i]] === 1; i++) arena[at + i - start] = bytes[i];
    if (i === end) return at + (end - start);
  }
  const collapseId = parseCollapseId(textOf(bytes, job, Field.collapseId));
  return isFault(collapseId) ? fieldFault(collapseId) : at + arena.write(collapseId, at, 'latin1');
}

function writeJobId(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const start = job.starts[Field.id];
  const end = job.ends[Field.id];
  if (!isJobIdAt(bytes, start, end)) {
    const shown = quote(textOf(bytes, job, Field.id));
    return jobFault('local.bad-id', 'id', `id ${shown} is not right: 1 to ${jobIdBytesMax} of A-Z a-z 0-9 . _ : - are`);
  }
  for (let i = start; i < end; i++) arena[at + i - start] = bytes[i];
  return at + (end - start);
}
