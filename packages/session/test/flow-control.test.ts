// Both windows in both directions (reliability.md N13, N14; apns-protocol.md H.4).
import { describe, expect, it } from 'vitest';
import { ErrorCode, FrameFlag, FrameType, ScriptedPeer, SettingId } from './scripted-peer.ts';

const windowOf = (value: number) => [[SettingId.initialWindowSize, value]] as const;
const windowMax = 2 ** 31 - 1;

describe('Session and the connection window', () => {
  it('N14: writes no HEADERS before there is room for the whole body', () => {
    const peer = ScriptedPeer.connected();
    const body = 'x'.repeat(4_096);
    // apns-protocol.md H.4: 15 full bodies fit into 65,535 octets, the 16th is one octet short.
    expect(peer.openMany(16, body)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 0]);
    expect([peer.session.connectionWindow, peer.session.slots(4_096), peer.session.slots(4_095)]).toEqual([
      4_095, 0, 1,
    ]);
    expect(peer.takeFrames()).toHaveLength(30);
    // Replies do not give window back; only WINDOW_UPDATE does.
    peer.reply(1);
    expect(peer.session.slots(4_096)).toBe(0);
    peer.windowUpdate(0, 1);
    expect(peer.session.slots(4_096)).toBe(1);
    expect(peer.open(body)).toBe(31);
  });

  it('counts nothing for requests without a body', () => {
    const peer = ScriptedPeer.connected();
    peer.open('x'.repeat(65_535));
    expect([peer.session.connectionWindow, peer.session.slots(0), peer.session.slots(1)]).toEqual([0, 999, 0]);
    peer.takeFrames();
    peer.open('');
    peer.expectFrames({ type: 'headers', id: 3, isEnd: true });
  });

  it('is closed by an overflow', () => {
    const peer = ScriptedPeer.connected();
    peer.windowUpdate(0, windowMax - 65_535);
    expect(peer.session.connectionWindow).toBe(windowMax);
    peer.windowUpdate(0, 1);
    peer.expectConnectionError(ErrorCode.flowControlError);
  });
});

describe('Session and the windows of streams', () => {
  it('N13: holds the body while INITIAL_WINDOW_SIZE is 0, and sends it when SETTINGS give room', () => {
    const peer = ScriptedPeer.connected({}, windowOf(0));
    peer.openMany(2, 'hello');
    peer.expectFrames({ type: 'headers', id: 1, isEnd: false }, { type: 'headers', id: 3, isEnd: false });
    expect(peer.session.counters.bodiesHeld).toBe(2);
    peer.settings(windowOf(65_535));
    peer.expectFrames(
      { type: 'settings-ack' },
      { type: 'data', id: 1, text: 'hello', isEnd: true },
      { type: 'data', id: 3, text: 'hello', isEnd: true },
    );
  });

  it('N13: sends what fits, and the rest with each WINDOW_UPDATE of the stream', () => {
    const peer = ScriptedPeer.connected({}, windowOf(4));
    peer.open('0123456789');
    peer.expectFrames({ type: 'headers' }, { type: 'data', text: '0123', isEnd: false });
    peer.windowUpdate(1, 5);
    peer.expectFrames({ type: 'data', text: '45678', isEnd: false });
    peer.windowUpdate(1, 100);
    peer.expectFrames({ type: 'data', text: '9', isEnd: true });
    // The connection's window was charged once.
    expect(peer.session.connectionWindow).toBe(65_525);
  });

  it('N13: waits while a smaller INITIAL_WINDOW_SIZE has made the window negative', () => {
    const peer = ScriptedPeer.connected({}, windowOf(6));
    peer.open('0123456789');
    peer.takeFrames();
    // 6 of 6 used; now -4.
    peer.settings(windowOf(2));
    peer.windowUpdate(1, 4);
    peer.expectFrames({ type: 'settings-ack' });
    peer.windowUpdate(1, 3);
    peer.expectFrames({ type: 'data', text: '678', isEnd: false });
    peer.settings(windowOf(7));
    peer.expectFrames({ type: 'settings-ack' }, { type: 'data', text: '9', isEnd: true });
  });

  it('gives back to the connection what a stream never sent', () => {
    const peer = ScriptedPeer.connected({}, windowOf(4));
    peer.open('0123456789');
    expect(peer.session.connectionWindow).toBe(65_525);
    peer.session.cancel(1, peer.now);
    expect(peer.session.connectionWindow).toBe(65_531);
    peer.takeFrames();
    peer.windowUpdate(1, 100);
    peer.expectFrames();
  });

  it('stops sending the body when the answer came early', () => {
    const peer = ScriptedPeer.connected({}, windowOf(4));
    peer.open('0123456789');
    peer.takeFrames();
    peer.reply(1, 413, '{"reason":"PayloadTooLarge"}');
    peer.expectTold({ event: 'reply', status: 413 });
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.cancel });
    peer.rstStream(1, ErrorCode.noError);
    peer.windowUpdate(1, 100);
    peer.expectNothing();
  });

  it('splits a body at MAX_FRAME_SIZE', () => {
    const peer = ScriptedPeer.connected();
    peer.open('x'.repeat(40_000));
    const [headers, ...data] = peer.takeFrames();
    expect(headers).toMatchObject({ type: 'headers', isEnd: false });
    expect(data.map((frame) => frame.type === 'data' && [frame.text.length, frame.isEnd])).toEqual([
      [16_384, false],
      [16_384, false],
      [7_232, true],
    ]);
  });

  it('resets a stream whose window overflows, and only that one', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2, 'x');
    peer.takeFrames();
    peer.windowUpdate(1, windowMax - 65_534);
    peer.windowUpdate(3, windowMax);
    peer.expectFrames({ type: 'rst-stream', id: 3, code: ErrorCode.flowControlError });
    peer.expectTold({ event: 'failure', tag: 102, kind: 'malformed', errorCode: ErrorCode.flowControlError });
    expect(peer.session.openStreams).toBe(1);
  });

  it('closes when INITIAL_WINDOW_SIZE makes a window overflow', () => {
    const peer = ScriptedPeer.connected();
    peer.open('x');
    peer.windowUpdate(1, windowMax - 65_534);
    peer.settings(windowOf(65_536));
    peer.expectConnectionError(ErrorCode.flowControlError);
  });

  it('resets a stream on an increment of 0, and closes on one for the connection', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    peer.raw(FrameType.windowUpdate, 0, 1, Buffer.alloc(4));
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.protocolError });
    peer.raw(FrameType.windowUpdate, 0, 0, Buffer.alloc(4));
    peer.expectConnectionError(ErrorCode.protocolError);
  });
});

describe('Session and what it receives', () => {
  it('raises its connection window once at the start, and tops it up at half', () => {
    const peer = new ScriptedPeer({ windowBytes: 100_000 });
    peer.expectFrames({ type: 'settings' }, { type: 'window-update', id: 0, increment: 34_465 });
    peer.settings();
    peer.settingsAck();
    peer.takeFrames();
    const ids = peer.openMany(4);
    peer.takeFrames();
    for (const id of ids) {
      peer.headers(id, { ':status': 200 });
      peer.data(id, 'x'.repeat(16_000), { isEnd: true });
    }
    peer.expectFrames({ type: 'window-update', id: 0, increment: 64_000 });
  });

  it('counts padding, and DATA for streams that it has reset', () => {
    const peer = ScriptedPeer.connected({ windowBytes: 65_535 });
    peer.open();
    peer.session.cancel(1, peer.now);
    peer.takeFrames();
    const padded = Buffer.alloc(16_384);
    padded[0] = 255;
    for (let count = 0; count < 2; count += 1) peer.raw(FrameType.data, FrameFlag.padded, 1, padded);
    peer.expectFrames({ type: 'window-update', id: 0, increment: 32_768 });
  });

  it('closes when the peer sends more than the connection window', () => {
    const peer = ScriptedPeer.connected({ windowBytes: 65_535 });
    peer.open();
    peer.headers(1, { ':status': 200 });
    // Four frames in one chunk, so that no top-up comes between.
    const frame = Buffer.alloc(9 + 16_384);
    frame.writeUIntBE(16_384, 0, 3);
    frame[8] = 1;
    peer.send(Buffer.concat([frame, frame, frame, frame]));
    peer.expectConnectionError(ErrorCode.flowControlError);
  });
});
