// MAX_CONCURRENT_STREAMS as Apple moves it, and the probe of token connections (reliability.md N9 to N11).
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer, SettingId } from './scripted-peer.ts';

const limit = (value: number) => [[SettingId.maxConcurrentStreams, value]] as const;

describe('Session and the limit on streams', () => {
  it('N9: opens none above a limit that fell below what is open, and goes on when it rises', () => {
    const peer = ScriptedPeer.connected({}, limit(1_000));
    const ids = peer.openMany(500);
    peer.settings(limit(1));
    expect([peer.session.slots(10), peer.open()]).toEqual([0, 0]);
    for (const id of ids.slice(0, 499)) peer.reply(id);
    expect([peer.session.openStreams, peer.session.slots(10)]).toEqual([1, 0]);
    peer.reply(ids[499]);
    expect(peer.session.slots(10)).toBe(1);
    peer.settings(limit(1_000));
    expect(peer.session.slots(10)).toBe(1_000);
  });

  it('N10: waits while the limit is 0', () => {
    const peer = ScriptedPeer.connected({}, limit(0));
    expect([peer.session.slots(10), peer.open(), peer.session.state]).toEqual([0, 0, 'open']);
    peer.settings(limit(100));
    expect(peer.session.slots(10)).toBe(100);
    // rpush#606 read 2^31 - 1 as 0.
    peer.settings(limit(2 ** 32 - 1));
    expect(peer.session.slots(10)).toBe(1_000);
  });

  it('has no limit but its own when the peer names none', () => {
    const peer = ScriptedPeer.connected({ streamsMax: 70 });
    expect([peer.session.slots(10), peer.session.peer.streamsMax]).toEqual([70, Infinity]);
  });

  it('obeys the limit of its owner under that of the peer, at once and whenever it moves', () => {
    const peer = ScriptedPeer.connected({}, limit(100));
    peer.session.limitStreams(3);
    expect(peer.session.slots(10)).toBe(3);
    for (let count = 0; count < 3; count++) peer.open();
    expect([peer.session.slots(10), peer.open()]).toEqual([0, 0]);
    peer.session.limitStreams(1);
    peer.reply(1);
    expect([peer.session.openStreams, peer.session.slots(10)]).toEqual([2, 0]);
    peer.session.limitStreams(500);
    expect(peer.session.slots(10)).toBe(98);
    peer.settings(limit(0));
    expect(peer.session.slots(10)).toBe(0);
  });

  it('N11: has one stream at a time on a probing connection, whatever the peer allows', () => {
    const peer = ScriptedPeer.connected({ isProbing: true }, limit(1_000));
    expect([peer.session.state, peer.session.slots(10)]).toEqual(['probing', 1]);
    peer.open();
    expect([peer.session.slots(10), peer.open()]).toEqual([0, 0]);
    // An answer alone proves nothing: only the owner knows what an authenticated one looks like.
    peer.reply(1, 403, '{"reason":"ExpiredProviderToken"}');
    peer.settings(limit(500));
    expect(peer.session.slots(10)).toBe(1);
    peer.open();
    peer.reply(3);
    peer.session.probeSucceeded();
    expect([peer.session.state, peer.session.slots(10)]).toEqual(['open', 500]);
  });

  it('N11: obeys a limit of 0 while probing, and may be told of success before SETTINGS', () => {
    const peer = ScriptedPeer.connected({ isProbing: true }, limit(0));
    expect(peer.session.slots(10)).toBe(0);
    const other = new ScriptedPeer({ isProbing: true });
    other.session.probeSucceeded();
    expect(other.session.slots(10)).toBe(0);
    other.settings(limit(8));
    expect([other.session.state, other.session.slots(10)]).toEqual(['open', 8]);
  });

  it('retires long before the ids end: no slot any more, and closed when the last stream is answered', () => {
    const peer = ScriptedPeer.connected({ streamIdMax: 5 });
    expect(peer.openMany(4)).toEqual([1, 3, 5, 0]);
    expect([peer.session.state, peer.session.slots(10)]).toEqual(['draining', 0]);
    for (const id of [1, 3, 5]) peer.reply(id);
    expect(peer.takeTold().at(-1)).toMatchObject({ event: 'closed', kind: 'local', errorCode: ErrorCode.noError });
  });

  it('skips an id whose row is taken by a stream that has been open for very long', () => {
    const peer = ScriptedPeer.connected({ streamsMax: 4, requestTimeoutMs: 3_600_000 });
    const stuck = peer.open();
    const ids: number[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      const id = peer.open();
      ids.push(id);
      peer.reply(id);
    }
    expect(ids.every((id, index) => id % 2 === 1 && (index === 0 || id > ids[index - 1]))).toBe(true);
    expect(peer.session.counters.idsSkipped).toBeGreaterThan(0);
    peer.takeTold();
    peer.reply(stuck);
    peer.expectTold({ event: 'reply', tag: 101 });
  });
});
