export { refusalCodes, type RefusalCode, warningCodes, type WarningCode } from './codes.ts';
export { checkPayload, type CheckPayloadOptions } from './checks/check-payload.ts';
export { type Complaint, complaintsMax, type Warning } from './checks/complaint.ts';
export type { WarningSet } from './checks/warning-table.ts';
export {
  flagsWithSet,
  type HeadKey,
  type PreparedBatch,
  RecordField,
  RecordFlag,
  recordStride,
  type Rejection,
  warningSetOf,
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
export { type CustomData, type Notification, NotificationError } from './model/notification.ts';
export type { Instant } from './model/instant.ts';
export type { LocalizedText, Text } from './model/text.ts';
export type { AlertDictionary, AlertTexts } from './model/alert-dictionary.ts';
export type { CriticalSound, Sound } from './model/sound.ts';
export { type ApsFields, composed, type ComposedOptions, type InterruptionLevel } from './model/aps.ts';
export { alert, type AlertOptions } from './model/alert.ts';
export { background } from './model/background.ts';
export {
  endLiveActivity,
  type LiveActivityAlert,
  type LiveActivityEnd,
  type LiveActivityNotification,
  type LiveActivityStart,
  type LiveActivityUpdate,
  startLiveActivity,
  updateLiveActivity,
} from './model/live-activity.ts';
export { type Broadcast, broadcast } from './model/broadcast.ts';
export { voip } from './model/voip.ts';
export { pushToTalk } from './model/push-to-talk.ts';
export { location } from './model/location.ts';
export { fileProvider, type FileProviderChange } from './model/file-provider.ts';
export { complication } from './model/complication.ts';
export { controls, widgets } from './model/content-changed.ts';
export { mdm } from './model/mdm.ts';
export { wallet } from './model/wallet.ts';
export { safari, type SafariOptions } from './model/safari.ts';
export { raw, type RawOptions } from './model/raw.ts';
export {
  type CampaignNotification,
  type CompiledNotification,
  type CompileOptions,
  compileNotification,
} from './campaign/compile-notification.ts';
export { parseNotification } from './campaign/notification-text.ts';
export type { Recipient } from './campaign/recipient-object.ts';
export { RecipientsBuilder, type RecipientsBuilderOptions } from './campaign/recipients-builder.ts';
export { TokenSet, type TokenSetOptions } from './campaign/token-set.ts';
