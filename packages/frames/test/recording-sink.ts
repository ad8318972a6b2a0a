// Writes every call of a parser down as one line, so that two runs can be compared.
import type { FrameFault, FrameSink } from '@carillon/frames';

export class RecordingSink implements FrameSink {
  readonly calls: string[] = [];
  readonly faults: FrameFault[] = [];
  /** Called after each call was written down: a test may stop the parser here. */
  afterCall: () => void = () => {};

  onData(streamId: number, bytes: Buffer, start: number, end: number, flowBytes: number, isEnd: boolean): void {
    this.#write(`data ${streamId} flow=${flowBytes} end=${isEnd} ${view(bytes, start, end)}`);
  }

  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void {
    this.#write(`headers ${streamId} endHeaders=${isEndHeaders} end=${isEnd} ${view(bytes, start, end)}`);
  }

  onPriority(streamId: number): void {
    this.#write(`priority ${streamId}`);
  }

  onRstStream(streamId: number, errorCode: number): void {
    this.#write(`rstStream ${streamId} ${errorCode}`);
  }

  onSettingsStart(count: number): void {
    this.#write(`settings ${count}`);
  }

  onSetting(id: number, value: number): void {
    this.#write(`setting ${id}=${value}`);
  }

  onSettingsEnd(): void {
    this.#write('settings end');
  }

  onSettingsAck(): void {
    this.#write('settings ack');
  }

  onPushPromise(
    streamId: number,
    promisedId: number,
    bytes: Buffer,
    start: number,
    end: number,
    isEndHeaders: boolean,
  ): void {
    this.#write(`pushPromise ${streamId} of ${promisedId} endHeaders=${isEndHeaders} ${view(bytes, start, end)}`);
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    this.#write(`ping ack=${isAck} ${view(bytes, start, start + 8)}`);
  }

  onGoAway(lastStreamId: number, errorCode: number, bytes: Buffer, debugStart: number, debugEnd: number): void {
    this.#write(`goAway last=${lastStreamId} code=${errorCode} ${view(bytes, debugStart, debugEnd)}`);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#write(`windowUpdate ${streamId} +${increment}`);
  }

  onContinuation(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void {
    this.#write(`continuation ${streamId} endHeaders=${isEndHeaders} ${view(bytes, start, end)}`);
  }

  onUnknown(type: number, flags: number, streamId: number, length: number): void {
    this.#write(`unknown type=${type} flags=${flags} ${streamId} length=${length}`);
  }

  onFrameError(fault: FrameFault): void {
    this.faults.push(fault);
    this.#write(`fault ${fault.scope} code=${fault.code} ${fault.streamId}`);
  }

  #write(call: string): void {
    this.calls.push(call);
    this.afterCall();
  }
}

/** latin1: one character an octet, and fast for long frames. */
function view(bytes: Buffer, start: number, end: number): string {
  if (start < 0 || end < start || end > bytes.length) throw new RangeError(`a view of ${start} … ${end}`);
  return bytes.toString('latin1', start, end);
}
