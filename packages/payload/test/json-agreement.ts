// JSON.parse's judgement of a payload held against ours, for the tests and the fuzzing: what we accept it accepts with the
// same value, and what it accepts we accept unless one of our refusals, found by another reading of the text, applies.

import { InlinePreparer, RecordField, type Rejection } from '../src/index.ts';
import { payloadLine, refusalsOf } from './batches.ts';

export const depthMax: number = 64;
const preparer = new InlinePreparer();

/** The payload as it will be sent, or why not. */
export function prepareLine(line: string): string | Rejection {
  // A second line shows that a fault never swallows what follows.
  const batch = preparer.prepare(Buffer.from(`${line}\n${sentinel}\n`), 2, { lineBytesMax: 1 << 20 });
  const last = batch.count - 1;
  // Plain comparisons: expect() costs more than the scan, and this runs hundreds of thousands of times.
  const isSound = batch.index[last * 16 + RecordField.line] === 3 && batch.count + batch.rejections.length === 2;
  if (!isSound)
    throw new Error(`${batch.count} records and ${batch.rejections.length} rejections of two lines: ${line}`);
  if (batch.count === 1) return batch.rejections[0];
  return batch.bytes.toString('utf8', batch.index[RecordField.bodyStart], batch.index[RecordField.bodyEnd]);
}

const sentinel = payloadLine('{}');

/** A push type that no schema is known for: what is judged here is the JSON, not what it says. */
export const untypedPush = 'hologram';

/** Throws unless we and JSON.parse agree on a payload's text. */
export function agree(payload: string): 'accepted' | 'refused by both' | 'refused by us' {
  const prepared = prepareLine(payloadLine(payload, untypedPush));
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    if (typeof prepared === 'string' && !breaksOut(payload))
      throw new Error(`accepted what JSON.parse refuses: ${JSON.stringify(payload)}`);
    return 'refused by both';
  }
  if (typeof prepared === 'string') {
    if (prepared !== payload.trim()) throw new Error(`changed ${JSON.stringify(payload)}`);
    // The same text is the same value to JSON.parse.
    const refusals = refusalsOf(payload, depthMax);
    if (refusals.size > 0) throw new Error(`accepted despite ${[...refusals].join()}: ${JSON.stringify(payload)}`);
    return 'accepted';
  }
  const isText = typeof value === 'string';
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const refusals = refusalsOf(payload, depthMax);
  if (!isObject) refusals.add('local.wrong-type').add('local.payload-not-json').add('local.payload-not-an-object');
  if (isText) for (const code of textRefusals) refusals.add(code);
  if (Buffer.byteLength(payload) > 4096) refusals.add('local.payload-too-large');
  if (!refusals.has(prepared.code)) {
    throw new Error(`refused with ${prepared.code} what JSON.parse accepts: ${JSON.stringify(payload)}`);
  }
  return 'refused by us';
}

/** A payload that is a string is a text of its own, with refusals of its own. */
const textRefusals = ['local.duplicate-key', 'local.forbidden-key', 'local.too-deep', 'local.lone-surrogate'] as const;

/** True when the text around the payload would no longer be around it: `{},"id":"x"` is two fields. */
function breaksOut(payload: string): boolean {
  try {
    return Object.keys(JSON.parse(`{"p":${payload}}`) as object).length !== 1;
  } catch {
    return false;
  }
}

/** Good ones, to begin mutations from. */
export const payloadSeeds: readonly string[] = [
  '{"aps":{"alert":{"title":"On its way","body":"Gr\\u00fc\\u00dfe \\ud83d\\ude80 \\"x\\" \\\\"},"badge":3,"sound":"default"}}',
  '{ "a" : [ 1 , -0 , 0.5e-3 , 1E+9 , true , false , null , [ ] , { } ] , "b" : "é🚀" }',
  '{"a":{"b":{"c":[{"d":1},{"d":2}]}},"k":"","":0,"\\u0061b":1,"ab2":2}',
  '{"__proto_":1,"constructo":{"prototyp":[]},"x":"\\/\\b\\f\\n\\r\\t"}',
];
/** What breaks them, or nearly. */
export const payloadPieces: readonly string[] = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '1',
  '-',
  '+',
  '.',
  'e',
  'E',
  ' ',
  '\t',
  '\r',
  'true',
  'false',
  'null',
  '\\u',
  '\\ud83d',
  '\\ude80',
  '\\u0061',
  '"a":1,',
  '"__proto__":',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u2028',
  '\ufeff',
  '🚀',
  'é',
  'n',
  'u',
  'x',
  '/',
  '\v',
  '[[[[[[[[[[[[[[[[',
  '""',
  '{}',
  '01',
  '1.',
  '.5',
  'NaN',
];
