// What preparation gives: the bytes of many pushes in one arena, an index of numbers over it, and the refused lines.
// Everything in it crosses to another thread by transfer or cheap copies.

import type { Priority, PushType } from '@carillon/apns';
import type { WarningSet } from './checks/warning-table.ts';
import type { RefusalCode } from './codes.ts';

/**
 * One record of the arena, its parts next to one another; what a receipt names comes first, so that it is one piece:
 *
 *     | token, lower-case hex | apns-id, 36 | job id | expiration, decimal | collapse id | payload |
 *
 * Parts that a job does not have take no bytes. A broadcast (HeadKey.isBroadcast) has its channel where the others have
 * their token.
 */
export interface PreparedBatch {
  readonly bytes: Buffer;
  /** `recordStride` numbers a record, at the places of RecordField. */
  readonly index: Int32Array;
  /** EpochMs a record; NaN: not given. */
  readonly deadlines: Float64Array;
  /** Records. */
  readonly count: number;
  /** Lines read, those refused and those empty included: the next chunk begins this many lines further on. */
  readonly lines: number;
  /** The distinct heads of this batch; `index` at RecordField.head points here. */
  readonly heads: readonly HeadKey[];
  readonly rejections: readonly Rejection[];
  /** What is said about records that are sent all the same; a record names its set by `warningSetOf`. Mostly empty. */
  readonly warnings: readonly WarningSet[];
  /** Records whose alert was shortened. */
  readonly truncated: number;
}

/** Starts and ends are positions in `bytes`. Slots 0 to 3 of the header plan come first: start < 0 means absent. */
export const RecordField = {
  /** The device token's, or the channel's. */
  tokenStart: 0,
  tokenEnd: 1,
  apnsIdStart: 2,
  apnsIdEnd: 3,
  expirationStart: 4,
  expirationEnd: 5,
  collapseIdStart: 6,
  collapseIdEnd: 7,
  bodyStart: 8,
  bodyEnd: 9,
  /** A job without an id is known by its apns-id: these two then point there. */
  idStart: 10,
  idEnd: 11,
  /** The line's number, the first being 1. */
  line: 12,
  head: 13,
  /** Bits of RecordFlag. */
  flags: 14,
  /** Bytes of the line without its end. */
  lineBytes: 15,
} as const;

export const recordStride = 16;

export const RecordFlag = {
  /** onAmbiguous is "report": a push that Apple may have taken is not sent again. */
  reportAmbiguous: 1,
  /** onAmbiguous is "resend", whatever the engine's default. */
  resendAmbiguous: 8,
  idGiven: 2,
  apnsIdGiven: 4,
  /** The text of the alert was shortened to fit. */
  truncated: 16,
} as const;

/** Above the flags: the number of the record's warnings in `PreparedBatch.warnings`, counted from 1; 0: none. */
export const warningSetShift = 8;

/** Flags that name the set at this place; -1: none. */
export function flagsWithSet(flags: number, place: number): number {
  return (flags & ((1 << warningSetShift) - 1)) | ((place + 1) << warningSetShift);
}

/** The place in `PreparedBatch.warnings` of what is said about a record with these flags; -1: nothing. */
export function warningSetOf(flags: number): number {
  return (flags >>> warningSetShift) - 1;
}

/** What the header block of a push depends on besides its slots. */
export interface HeadKey {
  /** Null: the only app there is. */
  readonly app: string | null;
  /** Null: the app's bundle id with the push type's suffix. */
  readonly topic: string | null;
  readonly pushType: PushType;
  readonly priority: Priority;
  /** To a channel; `topic`, where it is given, is then the bundle id of the path. */
  readonly isBroadcast: boolean;
}

/** A line that will not be sent. */
export interface Rejection {
  readonly line: number;
  /** Null when the line could not be read; app and token likewise. */
  readonly id: string | null;
  readonly app: string | null;
  readonly token: string | null;
  /** Only of a job that names one. */
  readonly channel?: string;
  readonly code: RefusalCode;
  /** The job's field concerned, where one is. */
  readonly field: string | null;
  /** Where in the payload, such as `aps.alert.title-loc-args[2]`; null when the fault is no single value of it. */
  readonly path: string | null;
  readonly message: string;
  /** Of a campaign: the line at which this device token was before. */
  readonly duplicateOf?: number;
}
