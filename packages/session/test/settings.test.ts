// The exchange of SETTINGS and their changes in mid-flight (reliability.md N12, N15, N18).
import { describe, expect, it } from 'vitest';
import { ErrorCode, FrameFlag, FrameType, ScriptedPeer, SettingId } from './scripted-peer.ts';

describe('Session and SETTINGS', () => {
  it('N12: closes when the peer sends none within five seconds', () => {
    const peer = new ScriptedPeer();
    expect(peer.session.wakeAt()).toBe(peer.now + 5_000);
    peer.pass(4_999);
    expect(peer.session.state).toBe('connecting');
    peer.pass(1);
    peer.expectConnectionError(ErrorCode.settingsTimeout, 'settings-timeout');
  });

  it('N12: closes when ours stay unacknowledged, and fails what is open', () => {
    const peer = new ScriptedPeer();
    peer.settings();
    peer.open();
    peer.pass(5_000);
    peer.expectTold(
      { event: 'settings' },
      { event: 'failure', kind: 'connection-lost', processed: 'unknown', initiator: 'local' },
      { event: 'closed', kind: 'settings-timeout' },
    );
  });

  it('acknowledges each SETTINGS', () => {
    const peer = ScriptedPeer.connected();
    peer.settings();
    peer.settings([[SettingId.maxFrameSize, 20_000]]);
    peer.expectFrames({ type: 'settings-ack' }, { type: 'settings-ack' });
  });

  it('N15: obeys HEADER_TABLE_SIZE 4096, 0, 4096, with the size updates first', () => {
    // The server's decoder in the harness checks each block, and what its fields are.
    const peer = ScriptedPeer.connected();
    const path = { ':path': '/3/device/00ff', 'apns-topic': 'com.example.app' };
    for (const size of [4_096, 0, 100, 4_096, 65_536]) {
      peer.settings([[SettingId.headerTableSize, size]]);
      peer.openMany(3);
      const written = peer.takeFrames().filter(({ type }) => type === 'headers');
      expect(written).toMatchObject([{ fields: path }, { fields: path }, { fields: path }]);
    }
    // Two changes between two blocks: the smallest comes first.
    peer.settings([
      [SettingId.headerTableSize, 0],
      [SettingId.headerTableSize, 4_096],
    ]);
    peer.open();
    expect(peer.takeFrames()).toContainEqual(
      expect.objectContaining({ type: 'headers', fields: expect.objectContaining(path) }),
    );
  });

  it('shows what the peer asks for', () => {
    const peer = ScriptedPeer.connected({}, [
      [SettingId.maxHeaderListSize, 8_000],
      [SettingId.maxFrameSize, 2 ** 24 - 1],
      [SettingId.initialWindowSize, 1],
      [SettingId.enablePush, 0],
      [0xff, 1],
    ]);
    expect(peer.session.peer).toMatchObject({
      headerListBytesMax: 8_000,
      frameBytesMax: 2 ** 24 - 1,
      initialWindowBytes: 1,
    });
  });

  it('N18: refuses ENABLE_PUSH 1 of a server', () => {
    const peer = ScriptedPeer.connected();
    peer.settings([[SettingId.enablePush, 1]]);
    peer.expectConnectionError(ErrorCode.protocolError);
  });

  it('N18: ignores unknown settings, unknown frames and PRIORITY; refuses PUSH_PROMISE', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.takeFrames();
    peer.settings([[0x1234, 99]]);
    peer.raw(0xbe, 0xff, 1, Buffer.from('whatever'));
    peer.raw(FrameType.priority, 0, 1, Buffer.alloc(5, 1));
    peer.expectFrames({ type: 'settings-ack' });
    expect(peer.session.counters).toMatchObject({ unknownFrames: 1, priorityFrames: 1 });
    peer.raw(
      FrameType.pushPromise,
      FrameFlag.endHeaders,
      1,
      Buffer.concat([Buffer.from([0, 0, 0, 2]), peer.block({ ':status': 200 })]),
    );
    peer.expectConnectionError(ErrorCode.protocolError);
  });

  it.each([
    ['HEADERS', (peer: ScriptedPeer) => peer.headers(1, { ':status': 200 })],
    ['DATA', (peer: ScriptedPeer) => peer.data(1, 'x')],
    ['RST_STREAM', (peer: ScriptedPeer) => peer.rstStream(1, 0)],
    ['PING', (peer: ScriptedPeer) => peer.ping()],
    ['WINDOW_UPDATE', (peer: ScriptedPeer) => peer.windowUpdate(0, 1)],
    ['an acknowledgement of SETTINGS', (peer: ScriptedPeer) => peer.settingsAck()],
    ['PRIORITY', (peer: ScriptedPeer) => peer.raw(FrameType.priority, 0, 1, Buffer.alloc(5))],
    ['an unknown frame', (peer: ScriptedPeer) => peer.raw(0x77, 0, 0)],
    [
      'PUSH_PROMISE',
      (peer: ScriptedPeer) => peer.raw(FrameType.pushPromise, FrameFlag.endHeaders, 1, Buffer.from([0, 0, 0, 2])),
    ],
    ['CONTINUATION', (peer: ScriptedPeer) => peer.raw(FrameType.continuation, FrameFlag.endHeaders, 1)],
    ['HTTP/1.1', (peer: ScriptedPeer) => peer.send(Buffer.from('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n'))],
  ])('closes when the first frame is %s', (_name, send) => {
    const peer = new ScriptedPeer();
    send(peer);
    expect(peer.takeTold()).toMatchObject([{ event: 'closed', kind: 'protocol-error' }]);
  });
});
