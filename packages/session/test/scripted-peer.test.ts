// The manual of the harness: every behaviour test of this package is written like this one.
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer, SettingId } from './scripted-peer.ts';

describe('ScriptedPeer', () => {
  it('reads as a script: act, expect frames, answer frames, expect what the owner is told', () => {
    // The session has begun to speak. Nothing may be opened before the peer has named its limits.
    const peer = new ScriptedPeer();
    peer.expectFrames(
      {
        type: 'settings',
        values: {
          [SettingId.enablePush]: 0,
          [SettingId.initialWindowSize]: 81_920,
          [SettingId.maxHeaderListSize]: 16_384,
        },
      },
      { type: 'window-update', id: 0 },
    );
    expect(peer.open()).toBe(0);

    // The peer speaks: each method is one frame, given to the session at once.
    peer.settings([[SettingId.maxConcurrentStreams, 2]]);
    peer.settingsAck();
    peer.expectFrames({ type: 'settings-ack' });
    peer.expectTold({ event: 'settings' });

    // The owner opens streams; their tags are 101, 102, …
    const [first, second] = peer.openMany(2);
    expect([first, second, peer.open()]).toEqual([1, 3, 0]);
    peer.expectFrames(
      {
        type: 'headers',
        id: 1,
        fields: {
          ':method': 'POST',
          ':scheme': 'https',
          ':path': '/3/device/00ff',
          ':authority': 'api.push.apple.com',
          'apns-topic': 'com.example.app',
        },
        isEnd: false,
      },
      { type: 'data', id: 1, text: '{"aps":{}}', isEnd: true },
      { type: 'headers', id: 3 },
      { type: 'data', id: 3 },
    );

    // Replies come in any order, with a body or without.
    peer.now += 40;
    peer.reply(3, 400, '{"reason":"BadDeviceToken"}');
    peer.reply(1);
    peer.expectTold(
      { event: 'reply', tag: 102, status: 400, body: '{"reason":"BadDeviceToken"}', isBodyTruncated: false },
      { event: 'reply', tag: 101, status: 200, body: '', apnsId: '00000000-0000-0000-0000-000000000001' },
    );

    // Time moves only when the script says so: a minute of silence, a PING, ten seconds without an answer.
    peer.pass(60_000);
    peer.expectFrames({ type: 'ping', isAck: false });
    peer.pass(10_000);
    peer.expectTold({ event: 'closed', kind: 'ping-timeout' });
    peer.expectFrames({ type: 'goaway', lastStreamId: 0, code: ErrorCode.noError });

    // After that the session is deaf and mute.
    peer.reply(5);
    peer.expectNothing();
  });
});
