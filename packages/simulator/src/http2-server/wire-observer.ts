// Who watches a server connection frame by frame and changes nothing: the referee. Called only where it is given.
import type { SettingPairs } from './settings-exchange.ts';

export interface WireObserver {
  onSettingsSent(settings: SettingPairs): void;
  /** The peer acknowledged the oldest SETTINGS that were open. */
  onSettingsAcknowledged(): void;
  /** HEADERS of a new stream, whatever becomes of it. */
  onStreamOpened(streamId: number): void;
  onResetSent(streamId: number): void;
  /** Also for streams that are over already. */
  onResetReceived(streamId: number): void;
  onGoAwaySent(lastStreamId: number): void;
  onPingReceived(): void;
  /** True: it answers a PING of the observer's own. */
  onPingAcknowledged(payload: Buffer): boolean;
  /** A frame that no sender of pushes has a use for. */
  onOddFrame(name: string): void;
  /** A request that broke RFC 9113 §8. */
  onMalformed(message: string): void;
}
