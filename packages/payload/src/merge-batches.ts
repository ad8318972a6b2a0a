// One batch of several: what is left of a batch that had to be prepared piece by piece.

import type { WarningSet } from './checks/warning-table.ts';
import { type HeadKey, type PreparedBatch, RecordField, recordStride, warningSetShift } from './prepared-batch.ts';

/** Positions in the arena; starts below 0 mean absent. */
const positions = [
  ...[RecordField.tokenStart, RecordField.tokenEnd, RecordField.apnsIdStart, RecordField.apnsIdEnd],
  ...[RecordField.expirationStart, RecordField.expirationEnd, RecordField.collapseIdStart, RecordField.collapseIdEnd],
  ...[RecordField.bodyStart, RecordField.bodyEnd, RecordField.idStart, RecordField.idEnd],
] as const;

/** In the order given. Heads and sets of warnings may occur twice in the result. */
export function mergeBatches(parts: readonly PreparedBatch[]): PreparedBatch {
  const count = sum(parts.map((part) => part.count));
  const index = new Int32Array(count * recordStride);
  const deadlines = new Float64Array(count);
  const heads: HeadKey[] = [];
  const warnings: WarningSet[] = [];
  let record = 0;
  let bytesBefore = 0;
  for (const part of parts) {
    index.set(part.index, record * recordStride);
    deadlines.set(part.deadlines, record);
    for (let at = record * recordStride; at < (record + part.count) * recordStride; at += recordStride) {
      for (const field of positions) if (index[at + field] >= 0) index[at + field] += bytesBefore;
      index[at + RecordField.head] += heads.length;
      if (index[at + RecordField.flags] >>> warningSetShift > 0) {
        index[at + RecordField.flags] += warnings.length << warningSetShift;
      }
    }
    heads.push(...part.heads);
    warnings.push(...part.warnings);
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
    warnings,
    truncated: sum(parts.map((part) => part.truncated)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
