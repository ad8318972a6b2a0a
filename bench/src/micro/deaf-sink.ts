/** A frame sink that hears nothing; who listens to some frames overrides those. Faults are bugs of a bench: they throw. */
import type { FrameFault, FrameSink } from '@carillon/frames';

export class DeafSink implements FrameSink {
  onHeaders(_streamId: number): void {}
  onData(_streamId: number, _bytes: Buffer, _start: number, _end: number, _flowBytes: number, _isEnd: boolean): void {}
  onPriority(): void {}
  onRstStream(): void {}
  onSettingsStart(): void {}
  onSetting(): void {}
  onSettingsEnd(): void {}
  onSettingsAck(): void {}
  onPushPromise(): void {}
  onPing(): void {}
  onGoAway(): void {}
  onWindowUpdate(): void {}
  onContinuation(): void {}
  onUnknown(): void {}
  onFrameError(fault: FrameFault): void {
    throw new Error(fault.message);
  }
}
