// Tells the referee what passes on one connection of our own frames, and sends its marks.
import { SettingId } from '@carillon/frames';

import type { ServerConnection } from '../http2-server/server-connection.ts';
import type { SettingPairs } from '../http2-server/settings-exchange.ts';
import type { WireObserver } from '../http2-server/wire-observer.ts';
import type { WatchedConnection } from './watched-connection.ts';

/** The payload of a mark: no client's own PING looks like it. */
const markPayload = Buffer.from('ref.mark', 'latin1');

export class WireWitness implements WireObserver {
  readonly watched: WatchedConnection;
  readonly #nowMs: () => number;

  constructor(watched: WatchedConnection, nowMs: () => number) {
    this.watched = watched;
    this.#nowMs = nowMs;
  }

  /** To be called several times a second. True: something was written. */
  mark(http2: ServerConnection): boolean {
    if (http2.isDead || !this.watched.takeMark(this.#nowMs())) return false;
    http2.writePing(markPayload);
    return true;
  }

  onSettingsSent(settings: SettingPairs): void {
    let streamsMax: number | null = null;
    for (const [id, value] of settings) if (id === SettingId.maxConcurrentStreams) streamsMax = value;
    this.watched.settingsSent(streamsMax, this.#nowMs());
  }

  onSettingsAcknowledged(): void {
    this.watched.settingsAcknowledged(this.#nowMs());
  }

  onStreamOpened(streamId: number): void {
    this.watched.streamOpened(streamId, this.#nowMs());
  }

  onResetSent(streamId: number): void {
    this.watched.spoiled(streamId, this.#nowMs());
  }

  onResetReceived(streamId: number): void {
    this.watched.resetReceived(streamId, this.#nowMs());
  }

  onGoAwaySent(lastStreamId: number): void {
    this.watched.goAwaySent(lastStreamId, this.#nowMs());
  }

  onPingReceived(): void {
    this.watched.pingReceived(this.#nowMs());
  }

  onPingAcknowledged(payload: Buffer): boolean {
    if (!payload.equals(markPayload)) return false;
    this.watched.markAcknowledged(this.#nowMs());
    return true;
  }

  onOddFrame(name: string): void {
    this.watched.unclean(`a frame: ${name}`, this.#nowMs());
  }

  onMalformed(message: string): void {
    this.watched.unclean(`a malformed request: ${message}`, this.#nowMs());
  }
}
