// Who receives parsed frames. Bytes are passed as (buffer, start, end): a view that is valid until the call returns;
// whoever keeps it copies it.
import type { FrameFault } from './frame-fault.ts';

export interface FrameSink {
  /** `flowBytes` is what counts against the windows: the whole payload, padding included (RFC 9113 §6.9). */
  onData(streamId: number, bytes: Buffer, start: number, end: number, flowBytes: number, isEnd: boolean): void;
  /** A fragment of a field block. Unless `isEndHeaders`, only `onContinuation` of the same stream follows. */
  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void;
  /** RFC 9113 §5.3: deprecated; its content is not read. */
  onPriority(streamId: number): void;
  onRstStream(streamId: number, errorCode: number): void;
  /** All values of one SETTINGS frame were checked before this call. */
  onSettingsStart(count: number): void;
  /** In the order of the frame (RFC 9113 §6.5.3); unknown ids are passed on. */
  onSetting(id: number, value: number): void;
  onSettingsEnd(): void;
  onSettingsAck(): void;
  onPushPromise(
    streamId: number,
    promisedId: number,
    bytes: Buffer,
    start: number,
    end: number,
    isEndHeaders: boolean,
  ): void;
  /** Eight octets from `start`. */
  onPing(isAck: boolean, bytes: Buffer, start: number): void;
  onGoAway(lastStreamId: number, errorCode: number, bytes: Buffer, debugStart: number, debugEnd: number): void;
  onWindowUpdate(streamId: number, increment: number): void;
  onContinuation(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void;
  /** RFC 9113 §5.5: to be ignored; reported so that floods can be counted. The payload is skipped. */
  onUnknown(type: number, flags: number, streamId: number, length: number): void;
  /** After a fault of scope 'connection' nothing else is reported. */
  onFrameError(fault: FrameFault): void;
}
