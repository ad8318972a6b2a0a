// How a session ends, and what its owner may do from inside its events.
import { describe, expect, it } from 'vitest';
import { HeaderTemplate } from '@carillon/frames';
import { ErrorCode, ScriptedPeer, SettingId } from './scripted-peer.ts';
import type { PeerOptions } from './scripted-peer.ts';

/** A connected peer whose handlers can reach it. */
function reentrant(
  handlers: (peer: () => ScriptedPeer) => PeerOptions['handlers'],
  settings: [number, number][] = [],
): ScriptedPeer {
  let peer: ScriptedPeer | null = null;
  const self = (): ScriptedPeer => {
    if (peer === null) throw new Error('not connected yet');
    return peer;
  };
  const own: PeerOptions['handlers'] = {};
  peer = ScriptedPeer.connected({ handlers: own }, settings);
  Object.assign(own, handlers(self));
  return peer;
}

describe('Session at its end', () => {
  it('fails every open stream once, lowest first, then closes once', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(3);
    peer.takeFrames();
    peer.session.transportClosed(peer.now, 'read ECONNRESET');
    peer.expectTold(
      {
        event: 'failure',
        tag: 101,
        kind: 'connection-lost',
        processed: 'unknown',
        initiator: 'remote',
        message: 'read ECONNRESET',
      },
      { event: 'failure', tag: 102 },
      { event: 'failure', tag: 103 },
      { event: 'closed', kind: 'transport', message: 'read ECONNRESET', reason: null },
    );
    // The socket is gone: nobody would read a GOAWAY.
    peer.expectFrames();
    peer.session.transportClosed(peer.now, 'again');
    peer.session.close(peer.now);
    peer.session.drain(peer.now);
    peer.session.cancel(1, peer.now);
    expect([peer.open(), peer.session.slots(1)]).toEqual([0, 0]);
    peer.expectNothing();
  });

  it('drains: opens no more, lets open streams finish, then closes', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    peer.session.drain(peer.now);
    expect([peer.session.state, peer.open(), peer.session.slots(1)]).toEqual(['draining', 0, 0]);
    peer.reply(1);
    peer.expectTold({ event: 'reply' });
    peer.session.drain(peer.now);
    peer.reply(3);
    peer.expectTold({ event: 'reply' }, { event: 'closed', kind: 'local', errorCode: 0, message: 'drained' });
    peer.expectFrames({ type: 'goaway', code: ErrorCode.noError });
  });

  it('drains at once when nothing is open, also before SETTINGS', () => {
    for (const peer of [ScriptedPeer.connected(), new ScriptedPeer()]) {
      peer.session.drain(peer.now);
      peer.expectTold({ event: 'closed', kind: 'local' });
    }
  });

  it('closes: GOAWAY with the code, and open streams fail as cancelled', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.takeFrames();
    peer.session.close(peer.now, ErrorCode.cancel);
    peer.expectTold(
      { event: 'failure', kind: 'cancelled', processed: 'unknown', initiator: 'local' },
      { event: 'closed', kind: 'local', errorCode: ErrorCode.cancel },
    );
    peer.expectFrames({ type: 'goaway', lastStreamId: 0, code: ErrorCode.cancel });
  });

  it('cancels one stream, once', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    peer.session.cancel(1, peer.now);
    peer.session.cancel(1, peer.now);
    peer.session.cancel(2, peer.now);
    peer.session.cancel(99, peer.now);
    peer.expectTold({ event: 'failure', tag: 101, kind: 'cancelled', processed: 'unknown', initiator: 'local' });
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.cancel });
  });

  it('is deaf to what follows the frame that closed it, in the same chunk too', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    const push = Buffer.from('00000405000000000100000002', 'hex');
    const block = peer.block({ ':status': 200 });
    const reply = Buffer.concat([Buffer.from([0, 0, block.length, 1, 5, 0, 0, 0, 1]), block]);
    peer.send(Buffer.concat([push, reply, reply]));
    const told = peer.takeTold();
    expect(told.map(({ event }) => event)).toEqual(['failure', 'failure', 'closed']);
  });
});

describe('Session, called from inside its own events', () => {
  it('opens the next stream from inside onReply', () => {
    const peer = reentrant((self) => ({ onReply: () => void self().open() }), [[SettingId.maxConcurrentStreams, 1]]);
    peer.open();
    for (let id = 1; id < 20; id += 2) peer.reply(id);
    expect(peer.takeTold()).toHaveLength(10);
    expect([peer.session.openStreams, peer.session.counters.streamsOpened]).toEqual([1, 11]);
  });

  it('opens streams from inside onSettings and onFailure', () => {
    const peer = reentrant((self) => ({
      onFailure: () => void self().open(),
      onSettings: () => void self().openMany(2),
    }));
    peer.settings([]);
    peer.rstStream(1, ErrorCode.refusedStream);
    expect([peer.session.openStreams, peer.session.counters.streamsOpened]).toEqual([2, 3]);
  });

  it('keeps the reply it is showing while others are cancelled, whose 200 had been seen', () => {
    const seen: [number, string | null, number, string | null][] = [];
    const peer = reentrant((self) => ({
      onReply: (_tag, reply) => {
        const before = reply.header('apns-id');
        const { streamId } = reply;
        self().session.cancel(streamId + 2, self().now);
        seen.push([streamId, before, reply.streamId, reply.header('apns-id')]);
      },
    }));
    peer.openMany(3);
    peer.headers(3, { ':status': 200, 'apns-id': 'second' });
    peer.headers(5, { ':status': 200, 'apns-id': 'third' });
    peer.headers(1, { ':status': 200, 'apns-id': 'first' }, { isEnd: true });
    expect(seen).toEqual([
      [5, 'third', 5, 'third'],
      [3, 'second', 3, 'second'],
      [1, 'first', 1, 'first'],
    ]);
    expect(peer.session.openStreams).toBe(0);
  });

  it('closes from inside onReply: the rest of the chunk is dropped, and onClosed is the last call', () => {
    const peer = reentrant((self) => ({ onReply: () => self().session.close(self().now) }));
    peer.openMany(3);
    const block = peer.block({ ':status': 200 });
    peer.send(
      Buffer.concat(
        [1, 3, 5].map((id) => Buffer.concat([Buffer.from([0, 0, block.length, 1, 5, 0, 0, 0, id]), block])),
      ),
    );
    expect(peer.takeTold().map((told) => [told.event, 'tag' in told ? told.tag : 0])).toEqual([
      ['reply', 101],
      ['failure', 102],
      ['failure', 103],
      ['closed', 0],
    ]);
  });

  it('closes from inside onFailure while GOAWAY gives streams back: each still ends once', () => {
    const peer = reentrant((self) => ({ onFailure: () => self().session.close(self().now) }));
    peer.openMany(4);
    peer.goAway(3);
    expect(peer.takeTold().map((told) => [told.event, 'tag' in told ? told.tag : 0])).toEqual([
      ['goaway', 0],
      ['failure', 103],
      ['failure', 101],
      ['failure', 102],
      ['failure', 104],
      ['closed', 0],
    ]);
  });

  it('cancels from inside onFailure while GOAWAY gives streams back: each still ends once', () => {
    const peer = reentrant((self) => ({ onFailure: () => self().session.cancel(7, self().now) }));
    peer.openMany(4);
    peer.goAway(1);
    expect(peer.takeTold().map((told) => ('tag' in told ? told.tag : 0))).toEqual([0, 102, 104, 103]);
    expect(peer.session.openStreams).toBe(1);
  });

  it('drains from inside the last onReply', () => {
    const peer = reentrant((self) => ({ onReply: () => self().session.drain(self().now) }));
    peer.open();
    peer.reply(1);
    peer.expectTold({ event: 'reply' }, { event: 'closed', kind: 'local' });
  });

  it('refuses to be given bytes from inside an event, as a bug of its owner', () => {
    const peer = reentrant((self) => ({ onReply: () => self().ping() }));
    peer.open();
    peer.reply(1);
    const closed = peer.takeTold().at(-1);
    expect(closed).toMatchObject({ event: 'closed', kind: 'local', errorCode: ErrorCode.internalError });
    expect(closed).toHaveProperty('message', expect.stringMatching(/^bug: .*receive was called from inside an event/s));
  });
});

describe('Session with values that its outbox has no room for', () => {
  it('closes as a bug, and counts the stream as not opened', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    const template = new HeaderTemplate(peer.session.encoder, [{ name: 'x-long', slot: 0 }]);
    const bytes = Buffer.alloc(100_000, 'x');
    const id = peer.session.open(template, bytes, Int32Array.of(0, bytes.length), 0, 0, 0, 102, peer.now);
    expect([id, peer.session.state, peer.session.counters.streamsOpened]).toEqual([0, 'closed', 1]);
    peer.expectTold(
      { event: 'failure', tag: 101, kind: 'connection-lost' },
      { event: 'closed', kind: 'local', errorCode: ErrorCode.internalError },
    );
  });
});

describe('Session with a handler that throws', () => {
  it('closes as a bug with INTERNAL_ERROR, and throws nothing past receive', () => {
    const peer = reentrant(() => ({
      onReply: () => {
        throw new Error('the owner stumbled');
      },
    }));
    peer.openMany(2);
    peer.takeFrames();
    peer.reply(1);
    expect(peer.takeTold()).toMatchObject([
      { event: 'reply', tag: 101 },
      { event: 'failure', tag: 102, kind: 'connection-lost', processed: 'unknown' },
      {
        event: 'closed',
        kind: 'local',
        errorCode: ErrorCode.internalError,
        message: expect.stringContaining('bug: Error: the owner stumbled'),
      },
    ]);
    peer.expectFrames({ type: 'goaway', code: ErrorCode.internalError });
  });

  it('fails the other streams all the same when onFailure throws, and says so', () => {
    const peer = reentrant(() => ({
      onFailure: () => {
        throw new Error('the owner stumbled');
      },
    }));
    peer.openMany(3);
    peer.session.close(peer.now);
    const told = peer.takeTold();
    expect(told.map(({ event }) => event)).toEqual(['failure', 'failure', 'failure', 'closed']);
    expect(told.at(-1)).toHaveProperty('message', expect.stringContaining('a handler threw'));
  });
});
