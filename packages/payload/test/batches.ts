// What the tests of this package share: jobs as lines, records read back as objects, and an opinion of our own about
// JSON to compare with.

import {
  BatchBuilder,
  InlinePreparer,
  type PreparedBatch,
  RecordField,
  RecordFlag,
  recordStride,
  type Rejection,
  warningSetOf,
} from '../src/index.ts';

export const token = 'c9d4c07cfbbc26d6ef87a44d64e169831096a5d5ed82547537661f56ddda4ab1';

export const channel = 'dHN0LXNyY2g=';

/** A record read back. */
export interface ReadRecord {
  readonly token: string;
  readonly apnsId: string;
  readonly expiration: string | null;
  readonly collapseId: string | null;
  readonly payload: string;
  readonly id: string;
  readonly line: number;
  readonly lineBytes: number;
  readonly isReported: boolean;
  readonly isIdGiven: boolean;
  readonly isApnsIdGiven: boolean;
  readonly isTruncated: boolean;
  /** Paths of its warnings. */
  readonly warned: readonly string[];
  readonly deadline: number;
  readonly app: string | null;
  readonly topic: string | null;
  readonly pushType: string;
  readonly priority: number;
  readonly isBroadcast: boolean;
}

export function readRecords(batch: PreparedBatch): ReadRecord[] {
  return Array.from({ length: batch.count }, (_, k) => {
    const at = (field: number): number => batch.index[k * recordStride + field];
    const part = (start: number, end: number): string => batch.bytes.toString('utf8', at(start), at(end));
    const slot = (start: number, end: number): string | null => (at(start) < 0 ? null : part(start, end));
    const head = batch.heads[at(RecordField.head)];
    return {
      token: part(RecordField.tokenStart, RecordField.tokenEnd),
      apnsId: part(RecordField.apnsIdStart, RecordField.apnsIdEnd),
      expiration: slot(RecordField.expirationStart, RecordField.expirationEnd),
      collapseId: slot(RecordField.collapseIdStart, RecordField.collapseIdEnd),
      payload: part(RecordField.bodyStart, RecordField.bodyEnd),
      id: part(RecordField.idStart, RecordField.idEnd),
      line: at(RecordField.line),
      lineBytes: at(RecordField.lineBytes),
      isReported: (at(RecordField.flags) & RecordFlag.reportAmbiguous) !== 0,
      isIdGiven: (at(RecordField.flags) & RecordFlag.idGiven) !== 0,
      isApnsIdGiven: (at(RecordField.flags) & RecordFlag.apnsIdGiven) !== 0,
      isTruncated: (at(RecordField.flags) & RecordFlag.truncated) !== 0,
      warned: (batch.warnings[warningSetOf(at(RecordField.flags))]?.warnings ?? []).map(({ path }) => path),
      deadline: batch.deadlines[k],
      app: head.app,
      topic: head.topic,
      pushType: head.pushType.name,
      priority: head.priority,
      isBroadcast: head.isBroadcast,
    };
  });
}

const preparer = new InlinePreparer();

export function prepare(text: string | Buffer, firstLine: number = 1): PreparedBatch {
  return preparer.prepare(typeof text === 'string' ? Buffer.from(text) : text, firstLine, {});
}

/** The record of one line that must be accepted. */
export function accept(line: string | Buffer): ReadRecord {
  const batch = prepare(line);
  if (batch.count !== 1) throw new Error(`refused: ${JSON.stringify(batch.rejections)}`);
  return readRecords(batch)[0];
}

/** The rejection of one line that must be refused. */
export function refuse(line: string | Buffer): Rejection {
  const batch = prepare(line);
  if (batch.count !== 0 || batch.rejections.length !== 1) throw new Error('accepted');
  return batch.rejections[0];
}

export function acceptObject(job: object): ReadRecord {
  const builder = new BatchBuilder();
  if (!builder.addObject(job, 1)) throw new Error(`refused: ${JSON.stringify(builder.take().rejections)}`);
  return readRecords(builder.take())[0];
}

export function refuseObject(job: unknown): Rejection {
  const builder = new BatchBuilder();
  if (builder.addObject(job as object, 1)) throw new Error('accepted');
  return builder.take().rejections[0];
}

export function jobLine(fields: object): string {
  return JSON.stringify({ token, payload: { aps: { alert: 'Hi' } }, ...fields });
}

/** A broadcast. */
export function channelLine(fields: object): string {
  return JSON.stringify({ channel, payload: { aps: { event: 'update' } }, ...fields });
}

/** A line around a payload's own text. */
export function payloadLine(payload: string, pushType: string | null = null): string {
  return `{"token":"${token}",${pushType === null ? '' : `"pushType":"${pushType}",`}"payload":${payload}}`;
}

/** What Number, JSON.parse and a walk over the tokens say of a text: an independent reading of our refusals. */
export function refusalsOf(text: string, depthMax: number): Set<string> {
  const found = new Set<string>();
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs) ?? [];
  const open: (Set<string> | null)[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const piece = tokens[i];
    if (piece === '{' || piece === '[') {
      open.push(piece === '{' ? new Set() : null);
      if (open.length > depthMax) found.add('local.too-deep');
    } else if (piece === '}' || piece === ']') {
      open.pop();
    } else if (piece.startsWith('"')) {
      const value = JSON.parse(piece) as string;
      if (/\p{Surrogate}/u.test(value)) found.add('local.lone-surrogate');
      if (tokens[i + 1] !== ':') continue;
      const keys = open.at(-1);
      if (keys?.has(value)) found.add('local.duplicate-key');
      keys?.add(value);
      if (['__proto__', 'constructor', 'prototype'].includes(value)) found.add('local.forbidden-key');
    }
  }
  return found;
}
