// One payload in five ways: as a line, as a line with the payload as text, as an object, as a string and as bytes.

import { payloadBytesMax } from '@carillon/apns';
import {
  BatchBuilder,
  checkPayload,
  type JobObject,
  type PreparedBatch,
  RecordField,
  warningCodes,
  warningSetOf,
} from '../src/index.ts';
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

/**
 * Throws unless the ways in agree with one another, and with the second look alone, which reads no bytes.
 */
export function agreeOnRules(payload: Payload, pushType: string): 'no word' | 'warned' | 'refused' | 'refused as text' {
  const judgements = ways(payload, { pushType, expiration: 0 });
  const [{ isSent, said }] = judgements;
  const isOurs = said.some(({ code }) => code in warningCodes || isAboutPayload(code));
  if (!isSent && !isOurs) {
    // Keys that no payload may have, and the like: each way words it for itself.
    if (judgements.some((judgement) => judgement.isSent)) throw new Error(`sent in one way only: ${shown(payload)}`);
    return 'refused as text';
  }
  // What was written down is what is judged: -0 is 0 there.
  const complaints = checkPayload(JSON.parse(JSON.stringify(payload)) as Payload, { pushType });
  const refusal = complaints.find(({ kind }) => kind === 'refusal');
  const expected: Judgement = {
    isSent: refusal === undefined,
    said: (refusal === undefined ? complaints : [refusal]).map(({ code, path, message }) => ({ code, path, message })),
  };
  for (const judgement of judgements) {
    if (shown(judgement) === shown(expected)) continue;
    throw new Error(`${pushType} ${shown(payload)}: ${shown(judgement)} instead of ${shown(expected)}`);
  }
  if (refusal !== undefined) return 'refused';
  return complaints.length === 0 ? 'no word' : 'warned';
}

const shown = (value: unknown): string => JSON.stringify(value);
