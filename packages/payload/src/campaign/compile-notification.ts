// One notification for many recipients: checked once, by the same checks as a job, and taken apart into what every
// record of the campaign shares and the pieces of its payload.

import { isUtf8 } from 'node:buffer';
import { payloadBytesMax } from '@carillon/apns';
import { BatchBuilder } from '../batch-builder.ts';
import { type JobObject, readObject } from '../job-object.ts';
import type { Warning } from '../checks/complaint.ts';
import { NotificationError } from '../model/notification.ts';
import { type HeadKey, RecordField, warningSetShift } from '../prepared-batch.ts';
import { JsonScan, scanPayloadText } from '../scan-json.ts';
import { type CutPayload, cutAtSlots, exampleOf } from './slots.ts';

/**
 * A job without a device token: what the builders give (`alert({ … })`), or the fields of a job. Strings in the payload
 * may have slots, `{{name}}`.
 */
export type CampaignNotification = Pick<
  JobObject,
  'pushType' | 'topic' | 'priority' | 'expiration' | 'collapseId' | 'deadline' | 'onAmbiguous' | 'truncate'
> & { readonly payload: object | string | Uint8Array };

export interface CompileOptions {
  /** Null: the only app there is. */
  readonly app?: string | null;
  /** Where the notification names none; null: what the payload says. */
  readonly defaultPushType?: string | null;
}

export interface CompiledNotification {
  readonly head: HeadKey;
  /** As they are sent; empty: not given. */
  readonly expiration: Buffer;
  readonly collapseId: Buffer;
  /** EpochMs; NaN: not given. */
  readonly deadline: number;
  /** Bits of RecordFlag that hold for every record. */
  readonly flags: number;
  /** What is probably not meant so in it; said once, not in every receipt. */
  readonly warnings: readonly Warning[];
  readonly payload: CutPayload;
  readonly payloadBytesMax: number;
}

/** Fields of a job that a campaign gives each recipient, or that have no meaning for many. */
const notForMany: Readonly<Record<string, string>> = {
  token: 'a notification names no device token; the recipients do',
  id: 'the recipients have ids, not the notification',
  apnsId: 'every push gets an apnsId of its own; it cannot be given for all of them',
  channel: 'a campaign goes to device tokens; a broadcast is one job with a channel',
  sendAt: 'a campaign is sent while it is read; the one who starts it chooses the time',
};

const anyToken = '0'.repeat(64);

/** Throws `NotificationError` with the path of what is wrong. */
export function compileNotification(
  notification: CampaignNotification,
  { app = null, defaultPushType = null }: CompileOptions = {},
): CompiledNotification {
  const read = readObject(notification);
  for (const [name, problem] of Object.entries(notForMany)) {
    if (read.fields[name] !== undefined) throw new NotificationError(name, problem);
  }
  if (read.kind === 'fault') throw new NotificationError(read.fault.field ?? 'notification', read.fault.message);
  for (const [name, value] of Object.entries(read.fields)) {
    if (typeof value === 'string' && value.includes('{{')) {
      throw new NotificationError(name, 'a slot can be in the payload only');
    }
  }
  const given = read.payload === null ? null : copyOf(read.payload);
  const cut = given !== null && isPayload(given) ? cutAtSlots(given) : null;
  const hasSlots = cut !== null && cut.slots.length > 0;
  if (hasSlots && read.fields['truncate'] === true) {
    throw new NotificationError('truncate', 'a payload with slots is not shortened; leave it out');
  }
  // The checks of a job, and their words. With slots, for the least that a recipient can make of them.
  const builder = new BatchBuilder();
  builder.defaultPushType = defaultPushType;
  const payload = cut === null ? (given ?? undefined) : exampleOf(cut);
  builder.addObject({ ...read.fields, ...(app === null ? {} : { app }), token: anyToken, payload }, 1);
  const { bytes, index, deadlines, heads, rejections, warnings } = builder.take();
  if (rejections.length > 0) {
    const { field, path, message } = rejections[0];
    throw new NotificationError(path === null ? (field ?? 'notification') : `payload.${path}`, message);
  }
  // A copy: the builder's arena is larger than what is kept of it.
  const part = (field: number): Buffer =>
    index[field] < 0 ? Buffer.alloc(0) : Buffer.from(bytes.subarray(index[field], index[field + 1]));
  const [head] = heads;
  return {
    head,
    expiration: part(RecordField.expirationStart),
    collapseId: part(RecordField.collapseIdStart),
    deadline: deadlines[0],
    flags: index[RecordField.flags] & ((1 << warningSetShift) - 1),
    warnings: warnings.flatMap((set) => set.warnings),
    payload: hasSlots ? cut : { pieces: [part(RecordField.bodyStart)], slots: [], variables: [] },
    payloadBytesMax: payloadBytesMax(head.pushType),
  };
}

function copyOf(payload: string | Uint8Array): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
}

/** False: whatever it is, the checks of a job say what is wrong with it. */
function isPayload(text: Buffer): boolean {
  const ended = Buffer.concat([text, Buffer.of(0)]); // the end that the scan relies on
  return isUtf8(text) && scanPayloadText(new JsonScan(), ended, 0, text.length) >= 0;
}
