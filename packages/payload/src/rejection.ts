// A refused line in words. Cold: it reads the line again with JSON.parse to learn whose receipt this is.

import { type ApnsFault, isFault, parseChannelId, parseDeviceToken } from '@carillon/apns';
import { isAppName, isJobId } from './job-checks.ts';
import type { RefusalCode } from './codes.ts';
import { fieldNames, meantField } from './job-fields.ts';
import type { Rejection } from './prepared-batch.ts';
import type { JobSpans } from './scan-job.ts';
import type { JsonScan } from './scan-json.ts';

/** Why a job is refused, not yet whose. */
export interface JobFault {
  readonly code: RefusalCode;
  readonly field: string | null;
  /** Where in the payload; null when the fault is no single value of it. */
  readonly path: string | null;
  readonly message: string;
}

export function jobFault(
  code: RefusalCode,
  field: string | null,
  message: string,
  path: string | null = null,
): JobFault {
  return { code, field, path, message };
}

/** A fault of a field's parse function. */
export function fieldFault(fault: ApnsFault): JobFault {
  // The parse functions of a job's fields give the codes of FieldCode and no others; a test holds them against the table.
  return { code: fault.code as RefusalCode, field: fault.field, path: null, message: fault.message };
}

/** Bytes of the text shown in a message: enough to find the place, and always less than a device token. */
const shownMax = 24;

/** The fault of a scan of a line. `start` is the line's first byte. */
export function scanFault(scan: JsonScan, job: JobSpans, bytes: Buffer, start: number): JobFault {
  const code = scan.code ?? 'local.not-json';
  const place = `byte ${scan.faultAt - start + 1} of the line: ${excerpt(bytes, scan.faultAt)}`;
  if (code === 'local.not-json' || code === 'local.not-a-job') {
    return jobFault(code, null, `not a job: ${scan.problem} (${place})`);
  }
  if (code === 'local.unknown-field') return unknownField(scan.problem);
  const field = job.faultField < 0 ? null : fieldNames[job.faultField];
  if (code === 'local.wrong-type') {
    return jobFault(code, field, `${field} is ${excerpt(bytes, scan.faultAt)}; ${scan.problem}`);
  }
  return jobFault(code, field, `${field ?? 'the job'}: ${scan.problem} (${place})`);
}

/** The fault of a scan of a payload that came as a text or as bytes, `length` of them from 0. */
export function payloadTextFault(scan: JsonScan, bytes: Buffer, length: number): JobFault {
  const place = `byte ${scan.faultAt + 1} of the payload: ${excerpt(bytes.subarray(0, length), scan.faultAt)}`;
  const isGrammar = scan.code === null || scan.code === 'local.not-json';
  const code = isGrammar ? 'local.payload-not-json' : (scan.code ?? 'local.payload-not-json');
  return jobFault(code, 'payload', `payload: ${isGrammar ? 'not JSON, ' : ''}${scan.problem} (${place})`);
}

function unknownField(name: string): JobFault {
  const shown = Buffer.from(name);
  const meant = meantField(name);
  let hint = `fields are ${fieldNames.join(', ')}`;
  if (meant !== null) hint = `${meant} is meant?`;
  else if (name === 'aps') hint = 'aps belongs inside payload';
  return jobFault('local.unknown-field', null, `a job has no field ${excerpt(shown, 0)}; ${hint}`);
}

/** A few bytes in single quotes, everything but visible ASCII and space escaped, up to the end of the line. */
export function excerpt(bytes: Buffer, at: number): string {
  let shown = '';
  let i = at;
  for (; i < bytes.length && i < at + shownMax && bytes[i] !== 0x0a; i++) {
    const byte = bytes[i];
    shown += byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  if (shown === '') return 'the end';
  return i < bytes.length && bytes[i] !== 0x0a ? `'${shown}…'` : `'${shown}'`;
}

/** Whose receipt a refused line becomes, as far as it can be read. */
interface Identity {
  readonly id: string | null;
  readonly app: string | null;
  readonly token: string | null;
  readonly channel?: string;
}

export function lineTooLong(line: number, lineBytesMax: number): Rejection {
  const message = `the line has more than ${lineBytesMax} bytes; a job with the largest payload has far fewer`;
  return { line, ...nobody, code: 'local.line-too-long', field: null, path: null, message };
}

/** Nothing of the line is shown or read again: whoever read it died of it. */
export function poisonLine(line: number): Rejection {
  const message =
    'the line cost every worker thread that read it; it is not tried again, and ours to fix: please report it';
  return { line, ...nobody, code: 'local.poison', field: null, path: null, message };
}

const nobody: Identity = { id: null, app: null, token: null };

/** Lines with these faults cannot be read, so nobody can say whose they are. */
const unreadable: ReadonlySet<RefusalCode> = new Set(['local.not-json', 'local.not-a-job', 'local.bad-utf8'] as const);

export function rejectionOf(fault: JobFault, line: number, bytes: Buffer, start: number, end: number): Rejection {
  const identity = unreadable.has(fault.code) ? nobody : readIdentity(bytes.toString('utf8', start, end), fault);
  return { line, ...identity, ...fault };
}

function readIdentity(text: string, fault: JobFault): Identity {
  let job: unknown;
  try {
    job = JSON.parse(text);
  } catch (error) {
    // A refusal early in a line can hide that the rest of it is not JSON.
    if (error instanceof SyntaxError) return nobody;
    throw error;
  }
  return typeof job === 'object' && job !== null ? identityOf(job as Record<string, unknown>, fault) : nobody;
}

/** Each only if it is right; a field given twice has no value that is. */
export function identityOf(job: Readonly<Record<string, unknown>>, fault: JobFault): Identity {
  const read = (name: string): string => {
    const isTwice = fault.code === 'local.duplicate-key' && fault.field === name;
    const value = Object.hasOwn(job, name) && !isTwice ? job[name] : null;
    return typeof value === 'string' ? value : '';
  };
  const [id, app] = [read('id'), read('app')];
  const token = parseDeviceToken(read('token'));
  const channel = parseChannelId(read('channel'));
  return {
    id: isJobId(id) ? id : null,
    app: isAppName(app) ? app : null,
    token: isFault(token) ? null : token,
    ...(isFault(channel) ? {} : { channel }),
  };
}
