// The peer's SETTINGS as they stand (RFC 9113 §6.5.2). The parser has checked the ranges already.
import { SettingId } from '@carillon/frames';
import { initialWindowBytes } from './flow-window.ts';

export interface PeerSettings {
  readonly headerTableBytes: number;
  /** Infinity when the peer named none. 0 is legal and means: wait. */
  readonly streamsMax: number;
  readonly initialWindowBytes: number;
  readonly frameBytesMax: number;
  /** Advisory. Infinity when the peer named none. */
  readonly headerListBytesMax: number;
}

export class PeerSettingsRecord implements PeerSettings {
  headerTableBytes = 4_096;
  streamsMax: number = Infinity;
  initialWindowBytes: number = initialWindowBytes;
  frameBytesMax = 16_384;
  headerListBytesMax: number = Infinity;

  /** False for the one setting a server may not send: RFC 9113 §6.5.2, ENABLE_PUSH other than 0 is PROTOCOL_ERROR. */
  apply(id: number, value: number): boolean {
    switch (id) {
      case SettingId.headerTableSize:
        this.headerTableBytes = value;
        return true;
      case SettingId.enablePush:
        return value === 0;
      case SettingId.maxConcurrentStreams:
        this.streamsMax = value;
        return true;
      case SettingId.initialWindowSize:
        this.initialWindowBytes = value;
        return true;
      case SettingId.maxFrameSize:
        this.frameBytesMax = value;
        return true;
      case SettingId.maxHeaderListSize:
        this.headerListBytesMax = value;
        return true;
      default:
        return true;
    }
  }
}
