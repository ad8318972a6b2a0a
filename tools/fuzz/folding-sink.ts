// Folds every call of a frame parser into one number, so that two runs can be compared at the cost of a loop over the
// octets; and checks of each call what must hold of any.
import { FrameType } from '../../packages/frames/src/index.ts';
import type { FrameFault, FrameParser, FrameSink } from '../../packages/frames/src/index.ts';
import { require } from './fuzz-target.ts';

export class FoldingSink implements FrameSink {
  hash = 0;
  calls = 0;
  isDead = false;
  /** Stopped at this call, counted from 1; 0: never. */
  #stopAt = 0;
  #parser: FrameParser | null = null;
  #openBlock = 0;
  #settingsDue = -1;

  begin(parser: FrameParser | null, stopAt: number): void {
    this.hash = 0;
    this.calls = 0;
    this.isDead = false;
    this.#stopAt = stopAt;
    this.#parser = parser;
    this.#openBlock = 0;
    this.#settingsDue = -1;
  }

  onData(streamId: number, bytes: Buffer, start: number, end: number, flowBytes: number, isEnd: boolean): void {
    this.#begin(FrameType.data, streamId);
    require(flowBytes >= end - start && flowBytes <= end - start + 256, 'DATA counts other octets than it has');
    this.#fold(flowBytes);
    this.#view(bytes, start, end);
    this.#end(isEnd ? 1 : 0);
  }

  onHeaders(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void {
    this.#begin(FrameType.headers, streamId);
    this.#view(bytes, start, end);
    if (!isEndHeaders) this.#openBlock = streamId;
    this.#end((isEndHeaders ? 2 : 0) | (isEnd ? 1 : 0));
  }

  onPriority(streamId: number): void {
    this.#begin(FrameType.priority, streamId);
    this.#end(0);
  }

  onRstStream(streamId: number, errorCode: number): void {
    this.#begin(FrameType.rstStream, streamId);
    this.#end(errorCode);
  }

  onSettingsStart(count: number): void {
    this.#begin(FrameType.settings, 0);
    this.#settingsDue = count;
    this.#end(count);
  }

  onSetting(id: number, value: number): void {
    require(this.#settingsDue > 0, 'a setting too many');
    this.#settingsDue -= 1;
    this.#count();
    this.#fold(id);
    this.#end(value);
  }

  onSettingsEnd(): void {
    require(this.#settingsDue === 0, 'SETTINGS end before their last');
    this.#settingsDue = -1;
    this.#count();
    this.#end(100);
  }

  onSettingsAck(): void {
    this.#begin(FrameType.settings, 0);
    this.#end(101);
  }

  onPushPromise(
    streamId: number,
    promisedId: number,
    bytes: Buffer,
    start: number,
    end: number,
    isEndHeaders: boolean,
  ): void {
    this.#begin(FrameType.pushPromise, streamId);
    require(promisedId > 0 && promisedId % 2 === 0, 'an odd stream is promised');
    this.#fold(promisedId);
    this.#view(bytes, start, end);
    if (!isEndHeaders) this.#openBlock = streamId;
    this.#end(isEndHeaders ? 2 : 0);
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    this.#begin(FrameType.ping, 0);
    this.#view(bytes, start, start + 8);
    this.#end(isAck ? 1 : 0);
  }

  onGoAway(lastStreamId: number, errorCode: number, bytes: Buffer, debugStart: number, debugEnd: number): void {
    this.#begin(FrameType.goAway, 0);
    this.#fold(lastStreamId);
    this.#view(bytes, debugStart, debugEnd);
    this.#end(errorCode);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#begin(FrameType.windowUpdate, streamId);
    require(increment > 0 && increment <= 0x7fffffff, 'a WINDOW_UPDATE by nothing');
    this.#end(increment);
  }

  onContinuation(streamId: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void {
    require(streamId === this.#openBlock && streamId !== 0, 'CONTINUATION of another field block');
    this.#count();
    this.#fold(FrameType.continuation);
    this.#view(bytes, start, end);
    if (isEndHeaders) this.#openBlock = 0;
    this.#end(isEndHeaders ? 2 : 0);
  }

  onUnknown(type: number, flags: number, streamId: number, length: number): void {
    this.#begin(type, streamId);
    require(type > FrameType.continuation, 'a known frame is called unknown');
    this.#fold(length);
    this.#end(flags);
  }

  onFrameError(fault: FrameFault): void {
    this.#count();
    this.#fold(fault.code);
    if (fault.scope === 'connection') this.isDead = true;
    this.#end(fault.streamId);
  }

  /** Any frame but CONTINUATION: none may come within a field block or within SETTINGS. */
  #begin(type: number, streamId: number): void {
    this.#count();
    require(this.#openBlock === 0, 'a frame within a field block');
    require(this.#settingsDue < 0, 'a frame within SETTINGS');
    this.#fold(type);
    this.#fold(streamId);
  }

  #count(): void {
    require(!this.isDead, 'a call after the end');
    this.calls += 1;
  }

  #end(last: number): void {
    this.#fold(last);
    if (this.calls !== this.#stopAt) return;
    this.isDead = true;
    this.#parser?.stop();
  }

  #view(bytes: Buffer, start: number, end: number): void {
    require(start >= 0 && end >= start && end <= bytes.length, 'a view outside of its buffer');
    let hash = this.hash;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    this.hash = hash;
    this.#fold(end - start);
  }

  #fold(word: number): void {
    const hash = Math.imul(this.hash ^ word, 0x9e3779bb);
    this.hash = hash ^ (hash >>> 15);
  }
}
