export { refusalCodes, type RefusalCode } from './codes.ts';
export {
  type HeadKey,
  type PreparedBatch,
  RecordField,
  RecordFlag,
  recordStride,
  type Rejection,
} from './prepared-batch.ts';
export { BatchBuilder, type BatchBuilderOptions } from './batch-builder.ts';
export { lineBytesMaxDefault } from './line-limit.ts';
export type { JobObject } from './job-object.ts';
export type { PrepareContext, Preparer } from './preparer.ts';
export { InlinePreparer } from './inline-preparer.ts';
export { AutoPreparer } from './auto-preparer.ts';
export { WorkerPreparer, type WorkerPreparerOptions } from './worker-preparer.ts';
export { PreparerClosedError, PreparerFullError } from './preparer-errors.ts';
export { LineSplitter, type LineSplitterOptions, type LinePiece, splitLines } from './line-splitter.ts';
