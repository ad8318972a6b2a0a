export { ChannelError } from './channel-error.ts';
export type { ChannelErrorCode } from './channel-error.ts';
export type {
  ChannelCallOptions,
  ChannelList,
  Channels,
  CreateChannelOptions,
  CreatedChannel,
  DeletedChannel,
  NamedChannelOptions,
  ReadChannel,
} from './channels.ts';
export type { DeviceLedger, LedgerPage } from './device-ledger.ts';
export { createEngine } from './engine.ts';
export type { Engine, SendAllOptions, SendBytesOptions } from './engine.ts';
export { recipientsMax } from './campaign.ts';
export type { Campaign, CampaignOptions, CampaignProgress } from './campaign.ts';
export type { CampaignCounts } from './campaign-run.ts';
export type { Recipients } from './feed-campaign.ts';
export {
  EngineClosedError,
  EngineConfigError,
  EngineFullError,
  PreparationError,
  RecipientsFullError,
} from './errors.ts';
export type { LineRange } from './errors.ts';
export type { EngineEvent } from './events.ts';
export { defaultLimits } from './limits.ts';
export type { EngineLimits } from './limits.ts';
export { memoryBytesMax, memoryTerms } from './memory-sum.ts';
export type { MemoryTerm, MemoryUse } from './memory-sum.ts';
export type { AppOptions, CredentialOptions, EngineOptions, Seams } from './options.ts';
export type { Outcome, SendOutcome } from './outcome.ts';
export type { Receipt } from './receipt.ts';
export type { SendOptions } from './sender.ts';
export type { TokenSigner } from './signer.ts';
export type { ConnectionStats, EngineStats, LaneStats, OutletStats } from './stats.ts';
export { eventChannelName } from './tell.ts';
export { NotificationError, parseNotification } from '@carillon/payload';
export type { CampaignNotification, JobObject as Job, Recipient } from '@carillon/payload';
