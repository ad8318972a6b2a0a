// Frames where they do not belong, and replies in pieces (reliability.md N16, N17, N19).
import { describe, expect, it } from 'vitest';
import { ErrorCode, FrameFlag, FrameType, ScriptedPeer } from './scripted-peer.ts';

describe('Session and frames on streams that are not open', () => {
  it.each([
    ['HEADERS', (peer: ScriptedPeer, id: number) => peer.headers(id, { ':status': 200 }, { isEnd: true })],
    ['DATA', (peer: ScriptedPeer, id: number) => peer.data(id, 'x')],
    ['RST_STREAM', (peer: ScriptedPeer, id: number) => peer.rstStream(id, 0)],
    ['WINDOW_UPDATE', (peer: ScriptedPeer, id: number) => peer.windowUpdate(id, 1)],
  ])('N19: closes on %s for an idle stream, odd or even', (_name, send) => {
    for (const id of [3, 99, 2, 2 ** 31 - 1]) {
      const peer = ScriptedPeer.connected();
      peer.open();
      send(peer, id);
      peer.expectConnectionError(ErrorCode.protocolError);
    }
  });

  it.each([
    ['HEADERS', (peer: ScriptedPeer) => peer.headers(1, { ':status': 200 }, { isEnd: true })],
    ['DATA', (peer: ScriptedPeer) => peer.data(1, 'x')],
  ])('N19: closes with STREAM_CLOSED on %s after END_STREAM', (_name, send) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.reply(1);
    send(peer);
    peer.expectConnectionError(ErrorCode.streamClosed);
  });

  it('N19: ignores WINDOW_UPDATE and PRIORITY on a closed stream', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.takeFrames();
    peer.reply(1);
    peer.takeTold();
    peer.windowUpdate(1, 100);
    peer.raw(FrameType.priority, 0, 1, Buffer.alloc(5));
    peer.expectNothing();
  });

  it('N19: answers HEADERS and DATA after RST_STREAM of the peer with STREAM_CLOSED', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.rstStream(1, ErrorCode.cancel);
    peer.takeTold();
    peer.takeFrames();
    peer.headers(1, { ':status': 200 });
    peer.data(1, 'x'.repeat(100));
    peer.expectFrames(
      { type: 'rst-stream', id: 1, code: ErrorCode.streamClosed },
      { type: 'rst-stream', id: 1, code: ErrorCode.streamClosed },
    );
    expect([peer.session.openStreams, peer.session.state]).toEqual([1, 'open']);
  });

  it('decodes field blocks of streams that it has reset, so that the tables agree', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.session.cancel(1, peer.now);
    peer.takeTold();
    // The peer inserts apns-id on the dead stream and refers to it on the live one.
    peer.headers(1, { ':status': 200, 'apns-id': 'INSERTED' }, { isEnd: true });
    peer.headers(3, { ':status': 200, 'apns-id': 'INSERTED' }, { isEnd: true });
    peer.expectTold({ event: 'reply', tag: 102, apnsId: 'INSERTED' });
  });

  it('forgives frames for streams that are too old to be remembered', () => {
    const peer = ScriptedPeer.connected({ streamsMax: 2 });
    for (let turn = 0; turn < 20; turn += 1) peer.reply(peer.open());
    peer.takeTold();
    peer.headers(1, { ':status': 200 }, { isEnd: true });
    peer.data(3, 'x'.repeat(100), { isEnd: true });
    peer.rstStream(5, ErrorCode.cancel);
    expect([peer.session.state, peer.session.counters.strayFrames, peer.session.counters.strayResets]).toEqual([
      'open',
      2,
      1,
    ]);
  });
});

describe('Session and frames of the wrong size', () => {
  it.each([
    ['HEADERS', FrameType.headers],
    ['DATA', FrameType.data],
  ])('N16: closes with FRAME_SIZE_ERROR on a %s frame of 16,385 octets', (_name, type) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.raw(type, FrameFlag.endHeaders, 1, Buffer.alloc(16_385));
    peer.expectConnectionError(ErrorCode.frameSizeError);
  });

  it('N16: takes a frame of 16,384 octets', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 200 });
    peer.data(1, 'x'.repeat(16_384), { isEnd: true });
    expect(peer.takeTold()).toMatchObject([{ event: 'reply', isBodyTruncated: true, body: 'x'.repeat(4_096) }]);
    expect(peer.session.counters.bodiesTruncated).toBe(1);
  });
});

describe('Session and replies in pieces', () => {
  it('N17: puts a field block together from HEADERS and four CONTINUATIONs, one of them empty', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    const block = peer.block({ ':status': 410, 'apns-id': 'ABC', 'content-type': 'application/json' });
    const cuts = [0, 1, 5, 5, 9, block.length];
    const parts = cuts.slice(1).map((cut, index) => block.subarray(cuts[index], cut));
    peer.headersInParts(1, parts, { isEnd: true });
    peer.expectTold({ event: 'reply', tag: 101, status: 410, apnsId: 'ABC', body: '' });
    expect(peer.session.counters.continuations).toBe(4);
  });

  it('N17: reads a reply that comes octet by octet', () => {
    const peer = ScriptedPeer.connected();
    const twin = ScriptedPeer.connected();
    peer.open();
    twin.open();
    // The twin takes what the peer is sent, whole; the peer in octets.
    const whole: Buffer[] = [];
    twin.send = (bytes) => {
      whole.push(bytes);
      twin.session.receive(bytes, twin.now);
    };
    twin.reply(1, 400, '{"reason":"BadTopic"}');
    for (const octet of Buffer.concat(whole)) peer.send(Buffer.of(octet));
    expect(peer.takeTold()).toEqual(twin.takeTold());
  });

  it('N17: refuses a field block that another frame interrupts', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.raw(FrameType.headers, FrameFlag.endStream, 1, Buffer.of(0x88));
    peer.ping();
    peer.expectConnectionError(ErrorCode.protocolError);
  });

  it('decodes a field block to its end when the stream was cancelled in the middle of it', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    const block = peer.block({ ':status': 200, 'apns-id': 'INSERTED' });
    peer.raw(FrameType.headers, FrameFlag.endStream, 1, block.subarray(0, 3));
    peer.session.cancel(1, peer.now);
    peer.raw(FrameType.continuation, FrameFlag.endHeaders, 1, block.subarray(3));
    peer.headers(3, { ':status': 200, 'apns-id': 'INSERTED' }, { isEnd: true });
    peer.expectTold(
      { event: 'failure', tag: 101, kind: 'cancelled' },
      { event: 'reply', tag: 102, apnsId: 'INSERTED' },
    );
  });
});
