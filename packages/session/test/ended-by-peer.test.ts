// RST_STREAM in all its meanings (reliability.md N5 to N8).
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer } from './scripted-peer.ts';

describe('Session on RST_STREAM', () => {
  it('N5: takes REFUSED_STREAM for proof that nothing was processed', () => {
    const peer = ScriptedPeer.connected();
    const ids = peer.openMany(10);
    peer.rstStream(ids[4], ErrorCode.refusedStream);
    peer.expectTold({
      event: 'failure',
      tag: 105,
      kind: 'refused',
      processed: 'no',
      initiator: 'remote',
      errorCode: 7,
    });
    expect([peer.session.openStreams, peer.session.counters.refused]).toEqual([9, 1]);
  });

  it('N6: ignores a second RST_STREAM on the same stream, and counts it', () => {
    // pushy#476: Apple resets with REFUSED_STREAM, then with STREAM_CLOSED.
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    peer.rstStream(1, ErrorCode.refusedStream);
    peer.rstStream(1, ErrorCode.streamClosed);
    peer.expectTold({ event: 'failure', tag: 101, kind: 'refused', processed: 'no' });
    expect([peer.session.openStreams, peer.session.counters.strayResets]).toEqual([1, 1]);
    peer.expectFrames();
  });

  it('N6: does not take a thousand double resets for a flood', () => {
    const peer = ScriptedPeer.connected();
    const ids = peer.openMany(1_000, 'x');
    for (const id of ids) peer.rstStream(id, ErrorCode.refusedStream);
    for (const id of ids) peer.rstStream(id, ErrorCode.streamClosed);
    expect(peer.takeTold()).toHaveLength(1_000);
    expect(peer.session.state).toBe('open');
  });

  it.each([
    ['INTERNAL_ERROR', ErrorCode.internalError],
    ['CANCEL', ErrorCode.cancel],
    ['NO_ERROR', ErrorCode.noError],
    ['a code that nobody knows', 0xdead_beef],
  ])('N7: calls the outcome unknown on %s', (_name, code) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.rstStream(1, code);
    peer.expectTold({
      event: 'failure',
      tag: 101,
      kind: 'reset',
      processed: 'unknown',
      errorCode: code,
      initiator: 'remote',
    });
  });

  it.each([
    ['INTERNAL_ERROR', ErrorCode.internalError],
    ['REFUSED_STREAM', ErrorCode.refusedStream],
    ['NO_ERROR', ErrorCode.noError],
  ])('N8: counts a 200 that %s cut off as a reply', (_name, code) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 200, 'apns-id': 'ABCD' });
    peer.expectTold();
    peer.rstStream(1, code);
    peer.expectTold({ event: 'reply', tag: 101, status: 200, apnsId: 'ABCD', isBodyTruncated: true });
    expect(peer.session.counters.repliesCutOff).toBe(1);
  });

  it.each(['the end of the transport', 'a deadline', 'a GOAWAY below it'])(
    'N8: counts a 200 that %s cut off as a reply',
    (cause) => {
      const peer = ScriptedPeer.connected();
      peer.open();
      peer.headers(1, { ':status': 200 });
      if (cause === 'a deadline') {
        peer.pass(10_000);
        // Not silent, only slow.
        peer.settings();
        peer.pass(0);
        for (let second = 0; second < 10; second += 1) {
          peer.pass(1_000);
          peer.settings();
        }
      } else if (cause === 'a GOAWAY below it') {
        peer.goAway(0);
      } else {
        peer.session.transportClosed(peer.now, 'read ECONNRESET');
      }
      expect(peer.takeTold().filter(({ event }) => event === 'reply' || event === 'failure')).toMatchObject([
        { event: 'reply', status: 200 },
      ]);
    },
  );

  it('calls a refusal that was cut off unknown, for its reason is missing', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 400 });
    peer.rstStream(1, ErrorCode.internalError);
    peer.expectTold({ event: 'failure', kind: 'reset', processed: 'unknown' });
  });

  it('takes RST_STREAM with NO_ERROR after a complete reply for what it is: nothing', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.reply(1);
    peer.takeTold();
    peer.takeFrames();
    peer.rstStream(1, ErrorCode.noError);
    peer.expectNothing();
  });
});
