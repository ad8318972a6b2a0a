// How each frame of the peer's is answered: the half of the state machine that an adversary can reach. Every method
// returns; what is wrong ends a stream or the connection, with an event.
import { ErrorCode, HpackDecoder, SettingId, windowMax } from '@carillon/frames';
import type { FrameFault, FrameSink, HpackFault } from '@carillon/frames';
import { readGoAway } from './goaway.ts';
import { ReplyHead } from './reply-head.ts';
import { ReplyRecord } from './reply.ts';
import { goAwayMessage } from './session-core.ts';
import type { SessionCore } from './session-core.ts';
import { StreamState } from './stream-table.ts';

/** DATA below this that does not end its stream counts as dribble: Apple's shortest error body has 25 octets. */
const smallDataBytes = 64;

export class PeerFrames implements FrameSink {
  readonly #core: SessionCore;
  readonly #decoder: HpackDecoder;
  readonly #head: ReplyHead;
  /** The reply of every stream that its HEADERS end. */
  readonly #reply: ReplyRecord;
  /** A field block that comes in more than one frame; made when the first one does. */
  #fragments: Buffer | null = null;
  #fragmentBytes = 0;
  #continuations = 0;
  #isBlockLast = false;
  #areOurSettingsAcked = false;

  constructor(core: SessionCore) {
    this.#core = core;
    const { replyHeaders, headerListBytesMax } = core.limits;
    this.#reply = new ReplyRecord(replyHeaders);
    this.#head = new ReplyHead(replyHeaders, this.#reply);
    this.#decoder = new HpackDecoder({ knownNames: this.#head.knownNames, headerListBytesMax });
  }

  onHeaders(id: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean, isEnd: boolean): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('HEADERS');
    if (core.table.find(id) < 0 && !this.#maySendOn(id, 'HEADERS')) return;
    if (isEndHeaders) return this.#onBlock(id, bytes, start, end, isEnd);
    this.#fragmentBytes = 0;
    this.#continuations = 0;
    this.#isBlockLast = isEnd;
    this.#addFragment(bytes, start, end);
  }

  onContinuation(id: number, bytes: Buffer, start: number, end: number, isEndHeaders: boolean): void {
    const core = this.#core;
    core.counters.continuations += 1;
    this.#continuations += 1;
    if (this.#continuations > core.limits.floods.continuationsMax) {
      return core.closeAsFlood('too many CONTINUATION frames in one field block');
    }
    const fragments = this.#addFragment(bytes, start, end);
    if (fragments !== null && isEndHeaders) this.#onBlock(id, fragments, 0, this.#fragmentBytes, this.#isBlockLast);
  }

  onData(id: number, bytes: Buffer, start: number, end: number, flowBytes: number, isEnd: boolean): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('DATA');
    // RFC 9113 §6.9: what comes for a stream that is gone counts for the connection all the same.
    if (!core.receiveWindow.take(flowBytes)) {
      return core.closeAsProtocolError(ErrorCode.flowControlError, 'DATA beyond our connection window');
    }
    if (!isEnd && end - start < smallDataBytes && !core.allows(end === start ? 'emptyData' : 'smallData')) return;
    const table = core.table;
    const row = table.find(id);
    if (row < 0) {
      this.#maySendOn(id, 'DATA');
      return;
    }
    const record = core.records[row];
    if (record === null) return core.failMalformed(row, ErrorCode.protocolError, 'DATA before the head of the reply');

    table.flowBytes[row] += flowBytes;
    table.bodyBytes[row] += end - start;
    record.appendBody(bytes, start, end, core.limits.bodyBytesMax);
    if (isEnd) return this.#onReplyEnd(row);
    if (table.flowBytes[row] > core.limits.bodyBytesCancel) {
      // Invariant: our INITIAL_WINDOW_SIZE leaves room for one more frame after this bound, so no peer is ever stalled.
      core.sendReset(id, ErrorCode.cancel);
      core.deliverStored(row, StreamState.dropped);
    }
  }

  onRstStream(id: number, errorCode: number): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('RST_STREAM');
    core.counters.resetsReceived += 1;
    const row = core.table.find(id);
    if (row < 0) {
      if (core.table.isIdle(id)) core.closeAsProtocolError(ErrorCode.protocolError, `RST_STREAM on idle stream ${id}`);
      // Apple resets some streams twice (reliability.md N6), and RST_STREAM after a complete reply is legal.
      else core.allows('strayResets');
      return;
    }
    const isRefused = errorCode === ErrorCode.refusedStream;
    if (isRefused) core.counters.refused += 1;
    core.fail(row, StreamState.resetByPeer, {
      kind: isRefused ? 'refused' : 'reset',
      processed: isRefused ? 'no' : 'unknown',
      errorCode,
      initiator: 'remote',
      message: `RST_STREAM with code ${errorCode}`,
    });
  }

  onSettingsStart(count: number): void {
    const core = this.#core;
    if (count > core.limits.floods.settingsEntriesMax)
      return core.closeAsFlood(`${count} entries in one SETTINGS frame`);
    core.allows('settingsFrames');
  }

  onSetting(id: number, value: number): void {
    const core = this.#core;
    if (!core.peer.apply(id, value)) {
      return core.closeAsProtocolError(ErrorCode.protocolError, 'SETTINGS_ENABLE_PUSH from a server');
    }
    if (id === SettingId.headerTableSize) core.encoder.setPeerTableBytes(value);
    if (id === SettingId.initialWindowSize && value + core.table.widestWindowDelta() > windowMax) {
      // RFC 9113 §6.9.2.
      core.closeAsProtocolError(ErrorCode.flowControlError, 'SETTINGS_INITIAL_WINDOW_SIZE overflows a stream window');
    }
  }

  onSettingsEnd(): void {
    const core = this.#core;
    core.writer.settingsAck();
    if (core.state === 'connecting') {
      core.transitionTo(['connecting'], core.isProbing ? 'probing' : 'open');
    } else {
      core.refreshStreamLimit();
    }
    core.requests.sendAllHeld();
    core.events.onSettings(core.session);
  }

  onSettingsAck(): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('an acknowledgement of SETTINGS');
    if (this.#areOurSettingsAcked) {
      core.allows('strayAcks');
      return;
    }
    this.#areOurSettingsAcked = true;
    core.settingsDueAt = Infinity;
  }

  onPing(isAck: boolean, bytes: Buffer, start: number): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('PING');
    if (!isAck) {
      if (!core.allows('pings')) return;
      core.writer.pingAck(bytes, start);
      return;
    }
    const isOurs =
      bytes.compare(core.pingPayload, 0, core.pingPayload.length, start, start + core.pingPayload.length) === 0;
    if (!isOurs || Number.isNaN(core.pingSentAt)) {
      core.allows('strayAcks');
      return;
    }
    core.counters.pongs += 1;
    core.rttMs = core.now - core.pingSentAt;
    core.pingSentAt = NaN;
    core.events.onPong(core.rttMs);
  }

  onGoAway(lastStreamId: number, errorCode: number, bytes: Buffer, debugStart: number, debugEnd: number): void {
    const core = this.#core;
    if (!core.allows('goAways')) return;
    if (lastStreamId > core.lastStreamId) {
      // RFC 9113 §6.8 forbids it. Streams given back as unprocessed may be on another connection by now: no way back.
      core.counters.goAwaysRaised += 1;
      return;
    }
    const goAway = readGoAway(lastStreamId, errorCode, bytes, debugStart, debugEnd);
    core.lastStreamId = lastStreamId;
    core.goAway = goAway;
    const isConnecting = core.state === 'connecting';
    core.startDraining();
    core.events.onGoAway(goAway);
    // reliability.md N3: a gateway that says no before anything else says why.
    if (isConnecting) return core.close('goaway', errorCode, goAwayMessage(goAway));

    for (const id of core.table.openIdsAbove(lastStreamId)) {
      const row = core.table.find(id);
      // A handler may have cancelled it meanwhile.
      if (row < 0) continue;
      const message = `${goAwayMessage(goAway)}; last stream ${lastStreamId}`;
      core.fail(row, StreamState.dropped, { kind: 'goaway', processed: 'no', errorCode, initiator: 'remote', message });
    }
    core.closeIfDrained();
  }

  onWindowUpdate(id: number, increment: number): void {
    const core = this.#core;
    if (core.state === 'connecting') return this.#onFirstFrame('WINDOW_UPDATE');
    if (!core.allows('windowUpdates')) return;
    if (id === 0) {
      if (core.requests.window.grow(increment)) return;
      return core.closeAsProtocolError(ErrorCode.flowControlError, 'WINDOW_UPDATE overflows the connection window');
    }
    const row = core.table.find(id);
    if (row < 0) {
      // On a closed stream it is late, and harmless (RFC 9113 §5.1).
      if (core.table.isIdle(id))
        core.closeAsProtocolError(ErrorCode.protocolError, `WINDOW_UPDATE on idle stream ${id}`);
      return;
    }
    const delta = core.table.windowDeltas[row] + increment;
    if (core.peer.initialWindowBytes + delta > windowMax) {
      return core.failMalformed(row, ErrorCode.flowControlError, 'WINDOW_UPDATE overflows the stream window');
    }
    core.table.windowDeltas[row] = delta;
    core.requests.sendHeld(id);
  }

  onPriority(): void {
    if (this.#core.state === 'connecting') return this.#onFirstFrame('PRIORITY');
    this.#core.allows('priorityFrames');
  }

  onPushPromise(): void {
    // RFC 9113 §8.4: our SETTINGS said ENABLE_PUSH 0.
    this.#core.closeAsProtocolError(ErrorCode.protocolError, 'PUSH_PROMISE, though push is off');
  }

  onUnknown(type: number): void {
    if (this.#core.state === 'connecting') return this.#onFirstFrame(`a frame of type ${type}`);
    this.#core.allows('unknownFrames');
  }

  onFrameError(fault: FrameFault): void {
    const core = this.#core;
    // A frame of the wrong size may be DATA, and then the connection's window is wrong for ever. RFC 9113 §5.4.2 lets
    // an endpoint take any stream error for a connection error.
    if (fault.scope === 'connection' || fault.code === ErrorCode.frameSizeError || core.state === 'connecting') {
      return core.closeAsProtocolError(fault.code, fault.message);
    }
    const row = core.table.find(fault.streamId);
    if (row >= 0) return core.failMalformed(row, fault.code, fault.message);
    // RFC 9113 §5.1: RST_STREAM may not be sent on an idle stream.
    if (core.table.isIdle(fault.streamId)) return core.closeAsProtocolError(fault.code, fault.message);
    this.#resetClosed(fault.streamId, fault.code);
  }

  /** RFC 9113 §3.4: the peer begins with SETTINGS. GOAWAY is let through for the sake of what it says. */
  #onFirstFrame(what: string): void {
    this.#core.closeAsProtocolError(ErrorCode.protocolError, `the first frame is not SETTINGS but ${what}`);
  }

  /** HEADERS or DATA for a stream that is not open (RFC 9113 §5.1). False when that closed the session. */
  #maySendOn(id: number, what: string): boolean {
    const core = this.#core;
    if (core.table.isIdle(id)) {
      core.closeAsProtocolError(ErrorCode.protocolError, `${what} on idle stream ${id}`);
      return false;
    }
    switch (core.table.stateOfClosed(id)) {
      case StreamState.ended:
        core.closeAsProtocolError(ErrorCode.streamClosed, `${what} on stream ${id} after its END_STREAM`);
        return false;
      case StreamState.resetByPeer:
        return this.#resetClosed(id, ErrorCode.streamClosed);
      default:
        // We reset it, and this was on its way; or it is so old that nobody knows.
        return core.allows('strayFrames');
    }
  }

  /** False when that was one too many. */
  #resetClosed(id: number, errorCode: number): boolean {
    this.#core.sendReset(id, errorCode);
    return this.#core.allows('provokedResets');
  }

  /** Null when the block is too long, and the session closed. */
  #addFragment(bytes: Buffer, start: number, end: number): Buffer | null {
    const bytesMax = this.#core.limits.floods.fieldBlockBytesMax;
    if (this.#fragmentBytes + end - start > bytesMax) {
      this.#core.closeAsFlood(`a field block of more than ${bytesMax} octets`);
      return null;
    }
    this.#fragments ??= Buffer.allocUnsafeSlow(bytesMax);
    this.#fragmentBytes += bytes.copy(this.#fragments, this.#fragmentBytes, start, end);
    return this.#fragments;
  }

  /** A whole field block. It is decoded even for a stream that is gone: the table must keep up (RFC 9113 §4.3). */
  #onBlock(id: number, bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const core = this.#core;
    const head = this.#head;
    const row = core.table.find(id);
    const isTrailers = row >= 0 && core.table.states[row] === StreamState.awaitingEnd;
    head.begin(bytes, isTrailers);
    const fault = this.#decoder.decode(bytes, start, end, head);
    head.end();
    if (fault !== null) return this.#onHpackFault(fault, row);
    if (row < 0) return;
    if (head.fault !== null) return core.failMalformed(row, ErrorCode.protocolError, head.fault);
    if (isTrailers) {
      if (!isEnd) return core.failMalformed(row, ErrorCode.protocolError, 'trailers without END_STREAM');
      return this.#onReplyEnd(row);
    }
    if (head.status < 200) return this.#onInterim(row, head.status, isEnd);
    if (!isEnd) {
      core.table.states[row] = StreamState.awaitingEnd;
      core.table.contentLengths[row] = head.contentLength;
      const record = core.replies.take();
      record.copyHead(this.#reply);
      core.records[row] = record;
      return;
    }
    // RFC 9110 §8.6: 304 may name the length of a body that it does not carry.
    if (head.contentLength > 0 && head.status !== 304) {
      return core.failMalformed(row, ErrorCode.protocolError, `content-length ${head.contentLength} and no body`);
    }
    core.deliver(row, this.#reply, StreamState.ended);
  }

  /** RFC 9113 §8.1: skipped; 101 has no meaning here (§8.6). */
  #onInterim(row: number, status: number, isEnd: boolean): void {
    const core = this.#core;
    if (isEnd || status === 101)
      return core.failMalformed(row, ErrorCode.protocolError, `:status ${status} as an answer`);
    core.allows('interimReplies');
  }

  #onReplyEnd(row: number): void {
    const core = this.#core;
    const announced = core.table.contentLengths[row];
    const received = core.table.bodyBytes[row];
    if (announced >= 0 && announced !== received) {
      return core.failMalformed(
        row,
        ErrorCode.protocolError,
        `content-length ${announced}, but ${received} octets came`,
      );
    }
    core.deliverStored(row, StreamState.ended);
  }

  #onHpackFault(fault: HpackFault, row: number): void {
    const core = this.#core;
    if (fault.kind === 'compression') return core.closeAsProtocolError(ErrorCode.compressionError, fault.message);
    // RFC 9113 §10.5.1. The block was decoded to its end, so only this stream is lost.
    if (row >= 0) core.failMalformed(row, ErrorCode.enhanceYourCalm, fault.message);
  }
}
