// GOAWAY: the exact split of what was surely not processed and what is still to be answered (reliability.md N1 to N4).
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer } from './scripted-peer.ts';

const idMax = 2 ** 31 - 1;

describe('Session after GOAWAY', () => {
  it('N1: gives back streams above last-stream-id at once, lowest first, and waits for the others', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(5);
    peer.takeFrames();
    peer.goAway(5);
    peer.expectTold(
      { event: 'goaway', lastStreamId: 5, errorCode: 0, reason: null, text: '' },
      { event: 'failure', tag: 104, kind: 'goaway', processed: 'no', initiator: 'remote' },
      { event: 'failure', tag: 105, kind: 'goaway', processed: 'no', initiator: 'remote' },
    );
    expect(peer.session.state).toBe('draining');
    expect([peer.session.slots(10), peer.open()]).toEqual([0, 0]);

    peer.reply(1);
    peer.reply(5);
    peer.expectTold({ event: 'reply', tag: 101 }, { event: 'reply', tag: 103 });
    peer.expectFrames();
    peer.reply(3);
    peer.expectTold({ event: 'reply', tag: 102 }, { event: 'closed', kind: 'goaway', errorCode: 0 });
    peer.expectFrames({ type: 'goaway', code: ErrorCode.noError });
  });

  it('N1: ignores what still comes for a stream that it gave back', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.goAway(1);
    peer.takeTold();
    peer.reply(3, 400, '{"reason":"BadTopic"}');
    peer.rstStream(3, ErrorCode.refusedStream);
    peer.expectTold();
    peer.reply(1);
    peer.expectTold({ event: 'reply', tag: 101 }, { event: 'closed', kind: 'goaway' });
  });

  it('N2: takes 2^31 - 1 for the announcement of a graceful end', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(3);
    peer.goAway(idMax);
    peer.expectTold({ event: 'goaway', lastStreamId: idMax });
    expect([peer.session.state, peer.session.openStreams]).toEqual(['draining', 3]);
    peer.goAway(3);
    peer.expectTold({ event: 'goaway', lastStreamId: 3 }, { event: 'failure', tag: 103, processed: 'no' });
    peer.reply(1);
    peer.reply(3);
    peer.expectTold({ event: 'reply' }, { event: 'reply' }, { event: 'closed', kind: 'goaway' });
  });

  it('N2: ignores a second GOAWAY with a higher id, and counts it', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(3);
    peer.goAway(1);
    peer.takeTold();
    peer.goAway(5);
    peer.expectTold();
    expect(peer.session.counters.goAwaysRaised).toBe(1);
    peer.goAway(0);
    peer.expectTold(
      { event: 'goaway', lastStreamId: 0 },
      { event: 'failure', tag: 101, kind: 'goaway' },
      { event: 'closed' },
    );
  });

  it('N3: closes with the reason when GOAWAY comes instead of SETTINGS', () => {
    const peer = new ScriptedPeer();
    peer.takeFrames();
    peer.goAway(0, ErrorCode.noError, '{"reason":"BadCertificate"}');
    peer.expectTold(
      { event: 'goaway', reason: 'BadCertificate' },
      { event: 'closed', kind: 'goaway', reason: 'BadCertificate', message: 'GOAWAY with code 0: BadCertificate' },
    );
    peer.expectFrames({ type: 'goaway', code: ErrorCode.noError });
  });

  it('N4: surfaces reason, code and free text', () => {
    const calm = ScriptedPeer.connected();
    calm.open();
    calm.goAway(1, ErrorCode.enhanceYourCalm, '{"reason":"TooManyRequests"}');
    calm.expectTold({ event: 'goaway', errorCode: ErrorCode.enhanceYourCalm, reason: 'TooManyRequests' });
    calm.session.transportClosed(calm.now, 'socket hang up');
    calm.expectTold(
      { event: 'failure', kind: 'connection-lost', processed: 'unknown', initiator: 'remote' },
      { event: 'closed', kind: 'goaway', errorCode: ErrorCode.enhanceYourCalm, reason: 'TooManyRequests' },
    );

    // Seen of Apple's: plain text, with the code of a stream error (apns-protocol.md E.2).
    const plain = ScriptedPeer.connected();
    plain.goAway(0, ErrorCode.refusedStream, 'Maximum active streams violated for this endpoint.');
    plain.expectTold(
      { event: 'goaway', reason: null, text: 'Maximum active streams violated for this endpoint.' },
      { event: 'closed', kind: 'goaway', reason: null },
    );
  });

  it('closes at once when no stream is open', () => {
    const peer = ScriptedPeer.connected();
    peer.goAway(0);
    peer.expectTold({ event: 'goaway' }, { event: 'closed', kind: 'goaway' });
  });

  it('closes by the request deadline when the streams below last-stream-id are never answered', () => {
    const peer = ScriptedPeer.connected({ requestTimeoutMs: 1_000 });
    peer.open();
    peer.goAway(1);
    peer.pass(1_000);
    peer.expectTold({ event: 'goaway' }, { event: 'failure', kind: 'timeout' }, { event: 'closed', kind: 'goaway' });
  });
});
