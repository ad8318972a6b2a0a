// One batch of several: what is left of a batch that had to be prepared piece by piece.

import { type HeadKey, type PreparedBatch, RecordField, recordStride } from './prepared-batch.ts';

/** Positions in the arena; starts below 0 mean absent. */
const positions = [
  ...[RecordField.tokenStart, RecordField.tokenEnd, RecordField.apnsIdStart, RecordField.apnsIdEnd],
  ...[RecordField.expirationStart, RecordField.expirationEnd, RecordField.collapseIdStart, RecordField.collapseIdEnd],
  ...[RecordField.bodyStart, RecordField.bodyEnd, RecordField.idStart, RecordField.idEnd],
] as const;

/** In the order given. Heads may occur twice in the result. */
export function mergeBatches(parts: readonly PreparedBatch[]): PreparedBatch {
  const count = sum(parts.map((part) => part.count));
  const index = new Int32Array(count * recordStride);
  const deadlines = new Float64Array(count);
  const heads: HeadKey[] = [];
  let record = 0;
  let bytesBefore = 0;
  for (const part of parts) {
    index.set(part.index, record * recordStride);
    deadlines.set(part.deadlines, record);
    for (let at = record * recordStride; at < (record + part.count) * recordStride; at += recordStride) {
      for (const field of positions) if (index[at + field] >= 0) index[at + field] += bytesBefore;
      index[at + RecordField.head] += heads.length;
    }
    heads.push(...part.heads);
    record += part.count;
    bytesBefore += part.bytes.length;
  }
  return {
    bytes: Buffer.concat(parts.map((part) => part.bytes)),
    index,
    deadlines,
    count,
    lines: sum(parts.map((part) => part.lines)),
    heads,
    rejections: parts.flatMap((part) => part.rejections),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
