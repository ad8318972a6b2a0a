// One payload in five ways: as a line, as a line with the payload as text, as an object, as a string and as bytes.

import { payloadBytesMax } from '@carillon/apns';
import { BatchBuilder, type JobObject, type PreparedBatch, RecordField, warningSetOf } from '../src/index.ts';
import { token } from './batches.ts';

export type Payload = Readonly<Record<string, unknown>>;
export type JobFields = Omit<JobObject, 'payload'>;

/** What became of one job, and what was said. */
export interface Judgement {
  readonly isSent: boolean;
  readonly said: readonly { readonly code: string; readonly path: string | null; readonly message: string }[];
}

/** `text` is what must go out, if anything does. */
function judgementOf({ bytes, count, index, heads, warnings, rejections }: PreparedBatch, text: string): Judgement {
  if (count + rejections.length !== 1) throw new Error(`${count} records, ${rejections.length} rejections of one job`);
  if (count === 0)
    return { isSent: false, said: rejections.map(({ code, path, message }) => ({ code, path, message })) };
  const sent = bytes.toString('utf8', index[RecordField.bodyStart], index[RecordField.bodyEnd]);
  if (sent !== text) throw new Error(`${text} became ${sent}`);
  const bytesMax = payloadBytesMax(heads[0].pushType, heads[0].isBroadcast);
  if (Buffer.byteLength(sent) > bytesMax) throw new Error(`${Buffer.byteLength(sent)} bytes went out`);
  const set = warningSetOf(index[RecordField.flags]);
  if (set < 0 !== (warnings.length === 0)) throw new Error('warnings that no record has, or the other way round');
  return { isSent: true, said: set < 0 ? [] : warnings[set].warnings };
}

const builder = new BatchBuilder();

/** What became of it in each; throws when what goes out is not what came in, to the byte. */
export function ways(payload: Payload, fields: JobFields): Judgement[] {
  const text = JSON.stringify(payload);
  const job = { ...(fields.channel === undefined ? { token } : {}), ...fields };
  const lines = [JSON.stringify({ ...job, payload }), JSON.stringify({ ...job, payload: text })];
  const given = [payload, text, Buffer.from(text)];
  return [
    ...lines.map((line) => {
      builder.addLines(Buffer.from(line), 1);
      return judgementOf(builder.take(), text);
    }),
    ...given.map((one) => {
      builder.addObject({ ...job, payload: one }, 1);
      return judgementOf(builder.take(), text);
    }),
  ];
}

/** Codes about what a payload says, not about its text. */
export function isAboutPayload(code: string): boolean {
  const others = ['local.payload-too-large', 'local.payload-not-json', 'local.payload-not-an-object'];
  return /^local\.(?:payload-|background-|broadcast-)/.test(code) && !others.includes(code);
}
