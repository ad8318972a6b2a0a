// One HTTP/2 client connection as a state machine: bytes and `now` in, bytes and events out. No sockets, timers, clocks
// or promises. This file is the owner's side; `peer-frames.ts` is the peer's, `session-core.ts` what both share, with
// the drawing of the states.
//
// Cost of a push, open to reply: no allocation as long as the body fits the stream's window and the reply is HEADERS
// alone; 2 frame headers, 3 copies, 10 typed-array writes, 1 field block.
import { inspect } from 'node:util';
import { ErrorCode, FrameParser, SettingId, frameBytesDefault } from '@carillon/frames';
import type { HeaderTemplate, HpackEncoder } from '@carillon/frames';
import type { SessionCounters } from './counters.ts';
import { PeerFrames } from './peer-frames.ts';
import type { PeerSettings } from './peer-settings.ts';
import { SessionCore, goAwayMessage } from './session-core.ts';
import type { SessionState } from './session-core.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionOptions } from './session-options.ts';
import { StreamState } from './stream-table.ts';

export class Session {
  readonly #core: SessionCore;
  readonly #parser: FrameParser;
  #isReceiving = false;
  /** The last tick came late, and deadlines were moved for it. */
  #wasLate = false;
  /** No request is given up before this: the socket must have been read once since we were starved. */
  #requestsHeldUntil = -Infinity;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#core = new SessionCore(this, options, events, () => this.#parser.stop());
    this.#parser = new FrameParser(new PeerFrames(this.#core));
  }

  get state(): SessionState {
    return this.#core.state;
  }

  get openStreams(): number {
    return this.#core.table.openCount;
  }

  /** What may still be sent on the connection, after the bodies of all open streams. */
  get connectionWindow(): number {
    return this.#core.requests.window.bytes;
  }

  get peer(): PeerSettings {
    return this.#core.peer;
  }

  /** Of the last PING that was answered; null before the first. */
  get rttMs(): number | null {
    return this.#core.rttMs;
  }

  /** For `HeaderTemplate`s of this connection. */
  get encoder(): HpackEncoder {
    return this.#core.encoder;
  }

  get counters(): SessionCounters {
    return this.#core.counters;
  }

  /** Writes preface, SETTINGS and WINDOW_UPDATE. Once, and first. */
  start(now: number): void {
    const core = this.#core;
    const { limits } = core;
    core.now = now;
    core.settingsDueAt = now + limits.settingsTimeoutMs;
    core.keepAlive.noteBytes(now);
    core.writer.opening(
      [
        [SettingId.enablePush, 0],
        // One frame more than what makes us cancel a body.
        [SettingId.initialWindowSize, limits.bodyBytesCancel + frameBytesDefault],
        [SettingId.maxHeaderListSize, limits.headerListBytesMax],
      ],
      core.receiveWindow.takeRaise(),
    );
  }

  /** What the peer sent. Never throws for it; rethrows only what a handler threw after the session was closed. */
  receive(chunk: Buffer, now: number): void {
    const core = this.#core;
    if (core.state === 'closed' || chunk.length === 0) return;
    if (this.#isReceiving) throw new Error('bug: receive was called from inside an event');
    this.#isReceiving = true;
    core.now = now;
    core.keepAlive.noteBytes(now);
    try {
      // Acknowledgements of this chunk's frames cannot be taken before it ends: only those of earlier ones count.
      // Two more for each stream: Apple lowers its limit after a refusal, and restores it (apns-protocol.md E.2).
      const streams = Math.min(core.counters.streamsOpened, core.limits.streamsMax);
      if (core.writer.acksWaiting > core.limits.floods.acksMax + 2 * streams) {
        return core.closeAsFlood('acknowledgements pile up that the peer does not read');
      }
      this.#parser.receive(chunk);
      if (this.state !== 'closed') this.#topUpWindow();
    } catch (error) {
      this.#closeAsBug(error);
    } finally {
      this.#isReceiving = false;
    }
  }

  /**
   * Streams that may be opened right now with bodies of `bodyBytes`. 0 while connecting or draining, with the probe
   * out, at the peer's limit, or when the connection's window has no room for one more whole body.
   */
  slots(bodyBytes: number): number {
    const core = this.#core;
    const free = core.streamLimit - core.table.openCount;
    if (free <= 0) return 0;
    const windowBytes = core.requests.window.bytes;
    if (bodyBytes * free <= windowBytes) return free;
    return Math.floor(windowBytes / bodyBytes);
  }

  /** Opens a stream; returns its id, or 0 when there is no slot (nothing was written then). */
  open(
    template: HeaderTemplate,
    bytes: Buffer,
    spans: Int32Array,
    spansAt: number,
    bodyStart: number,
    bodyEnd: number,
    tag: number,
    now: number,
  ): number {
    const core = this.#core;
    const table = core.table;
    if (table.openCount >= core.streamLimit || bodyEnd - bodyStart > core.requests.window.bytes) return 0;
    core.now = now;
    if (table.openCount === 0 && core.keepAlive.noteFirstUse(now)) core.sendPing();
    const expectedId = table.nextId;
    const row = table.open(tag, now);
    const id = table.idAt(row);
    core.counters.streamsOpened += 1;
    if (id !== expectedId) core.counters.idsSkipped += (id - expectedId) / 2;
    try {
      core.requests.write(row, template, bytes, spans, spansAt, bodyStart, bodyEnd);
    } catch (error) {
      // Values that do not fit, or an outbox that does not keep its word: the HPACK tables may differ from now on. This
      // stream was never written, and counts as not opened.
      table.close(row, StreamState.dropped);
      core.counters.streamsOpened -= 1;
      this.#closeAsBug(error);
      return 0;
    }
    // RFC 9113 §5.1.1: ids never begin anew; the connection retires.
    if (table.isSpent) core.startDraining();
    return id;
  }

  /** The owner's own limit from now on, under the peer's. Below what is open it means: wait (as RFC 9113 §5.1.2 has it). */
  limitStreams(most: number): void {
    if (this.#core.ownerStreamsMax === most) return;
    this.#core.ownerStreamsMax = most;
    this.#core.refreshStreamLimit();
  }

  /** The gateway answered as only an authenticated client is answered: from now on as many streams as it allows. */
  probeSucceeded(): void {
    const core = this.#core;
    core.isProbing = false;
    if (core.state === 'probing') core.transitionTo(['probing'], 'open');
  }

  /** Gives up one stream: RST_STREAM, then onFailure 'cancelled'. Nothing happens when it is not open. */
  cancel(streamId: number, now: number): void {
    const core = this.#core;
    if (core.state === 'closed') return;
    const row = core.table.find(streamId);
    if (row < 0) return;
    core.now = now;
    this.#giveUp(row, 'cancelled', 'cancelled');
  }

  /** Opens no more. When the last stream has ended, which may be now: onClosed with kind 'local'. */
  drain(now: number): void {
    const core = this.#core;
    core.now = now;
    if (core.state === 'connecting') return core.close('local', ErrorCode.noError, 'drained', 'cancelled');
    core.startDraining();
    core.closeIfDrained();
  }

  /** GOAWAY; every open stream fails 'cancelled'. */
  close(now: number, errorCode: number = ErrorCode.noError): void {
    this.#core.now = now;
    this.#core.close('local', errorCode, 'closed by its owner', 'cancelled');
  }

  /** The socket ended or failed. After a GOAWAY that is no surprise, and the closure says 'goaway'. */
  transportClosed(now: number, message: string): void {
    const core = this.#core;
    core.now = now;
    const { goAway } = core;
    if (goAway === null) core.close('transport', ErrorCode.noError, message);
    else core.close('transport', goAway.errorCode, `${message}, after ${goAwayMessage(goAway)}`);
  }

  /**
   * To be called at `wakeAt`, or more often. A tick that comes late found our own event loop starved: it judges nobody,
   * and all deadlines move. The next one judges, for between two ticks the loop has read the socket.
   */
  tick(now: number): void {
    const core = this.#core;
    if (core.state === 'closed') return;
    core.now = now;
    const lateMs = now - this.wakeAt();
    if (lateMs > core.limits.lateTickMs && !this.#wasLate) {
      this.#wasLate = true;
      core.counters.lateTicks += 1;
      core.keepAlive.shift(lateMs + core.limits.lateTickMs);
      core.settingsDueAt += lateMs + core.limits.lateTickMs;
      this.#requestsHeldUntil = now + core.limits.lateTickMs;
      return;
    }
    this.#wasLate = false;
    if (now >= core.settingsDueAt) {
      return core.close('settings-timeout', ErrorCode.settingsTimeout, 'SETTINGS were not exchanged in time');
    }
    if (core.state !== 'connecting') this.#judgeSilence(now);
    this.#giveUpOverdue(now);
  }

  /** When `tick` has something to do next; Infinity when closed. Moves with every call of the others. */
  wakeAt(): number {
    const core = this.#core;
    if (core.state === 'closed') return Infinity;
    if (core.state === 'connecting') return core.settingsDueAt;
    const oldest = core.table.oldest();
    const wakeAt = Math.min(core.settingsDueAt, core.keepAlive.dueAt(oldest >= 0));
    if (oldest < 0) return wakeAt;
    return Math.min(
      wakeAt,
      Math.max(core.table.openedAt[oldest] + core.limits.requestTimeoutMs, this.#requestsHeldUntil),
    );
  }

  /** One PING, unless one is out already. The answer is onPong. */
  ping(now: number): void {
    const core = this.#core;
    if (core.state === 'connecting' || core.state === 'closed' || core.keepAlive.isPingOut) return;
    core.now = now;
    core.sendPing();
  }

  #judgeSilence(now: number): void {
    const core = this.#core;
    switch (core.keepAlive.judge(core.table.openCount > 0, now)) {
      case 'ping':
        return core.sendPing();
      case 'dead':
        return core.close('ping-timeout', ErrorCode.noError, 'the peer has been silent, and has not answered a PING');
      case 'fine':
        return;
    }
  }

  #giveUpOverdue(now: number): void {
    const core = this.#core;
    if (now < this.#requestsHeldUntil) return;
    for (;;) {
      if (this.state === 'closed') return;
      const row = core.table.oldest();
      if (row < 0 || now < core.table.openedAt[row] + core.limits.requestTimeoutMs) return;
      core.counters.timeouts += 1;
      this.#giveUp(row, 'timeout', `no answer within ${core.limits.requestTimeoutMs} ms`);
    }
  }

  #giveUp(row: number, kind: 'timeout' | 'cancelled', message: string): void {
    const core = this.#core;
    const errorCode = ErrorCode.cancel;
    core.sendReset(core.table.idAt(row), errorCode);
    core.fail(row, StreamState.dropped, { kind, processed: 'unknown', errorCode, initiator: 'local', message });
  }

  #topUpWindow(): void {
    const increment = this.#core.receiveWindow.takeTopUp();
    if (increment > 0) this.#core.writer.windowUpdate(0, increment);
  }

  /** Nothing a peer sends may come here: it is our fault or a handler's. */
  #closeAsBug(error: unknown): void {
    if (this.state === 'closed') throw error;
    this.#core.close('local', ErrorCode.internalError, `bug: ${inspect(error)}`);
  }
}
